import NIOCore
import NIOSSL
import NIOTLS

/// What can go wrong below the dialogue.
enum StreamError: Error, Equatable {
  /// The connection ended; the text says how, empty for a plain end.
  case closed(String)
  /// No reply in time.
  case timeout
  /// The octets were not SMTP.
  case protocolError(String)
  /// The handshake failed, with the library's words.
  case tls(String)
}

/// Collects replies on the event loop; one caller waits at a time.
final class ReplyHandler: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer

  private let bufferLimit: Int
  private var parser: ReplyParser
  private var buffer = ByteBuffer()
  private var waiter: EventLoopPromise<RemoteReply>?
  private var deadline: Scheduled<Void>?
  private var handshake: EventLoopPromise<Void>?
  private var failure: StreamError?

  init(settings: SMTPClientSettings) {
    parser = ReplyParser(settings: settings)
    bufferLimit = settings.replySizeLimit * 4
  }

  /// Whether octets wait that no command asked for.
  var hasUnreadInput: Bool { buffer.readableBytes > 0 }

  /// The next reply; fails with `StreamError`.
  func nextReply(on loop: any EventLoop, within time: TimeAmount) -> EventLoopFuture<RemoteReply> {
    let promise = loop.makePromise(of: RemoteReply.self)
    guard waiter == nil else {
      promise.fail(StreamError.protocolError("two tasks read one session"))
      return promise.futureResult
    }
    waiter = promise
    deliver()
    if waiter != nil {
      let bound = NIOLoopBound(self, eventLoop: loop)
      deadline = loop.scheduleTask(in: time) { bound.value.fail(.timeout) }
    }
    return promise.futureResult
  }

  /// Completes when the TLS handler below reports its handshake; fails with `StreamError.tls`.
  func waitForHandshake(on loop: any EventLoop, within time: TimeAmount) -> EventLoopFuture<Void> {
    let promise = loop.makePromise(of: Void.self)
    if let failure {
      promise.fail(failure)
      return promise.futureResult
    }
    handshake = promise
    let bound = NIOLoopBound(self, eventLoop: loop)
    deadline = loop.scheduleTask(in: time) { bound.value.fail(.tls("connect timed out")) }
    return promise.futureResult
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    var chunk = unwrapInboundIn(data)
    buffer.writeBuffer(&chunk)
    deliver()
    if waiter == nil, buffer.readableBytes > bufferLimit {
      fail(.protocolError("replies that nobody asked for"))
      context.close(promise: nil)
    }
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if case .some(.handshakeCompleted) = event as? TLSUserEvent {
      deadline?.cancel()
      handshake?.succeed(())
      handshake = nil
    }
    context.fireUserInboundEventTriggered(event)
  }

  func channelInactive(context: ChannelHandlerContext) {
    // During a handshake a plain end is OpenSSL's "no error queued": the words users know from their logs.
    fail(handshake == nil ? .closed("") : .tls(TLSErrorText.none))
    context.fireChannelInactive()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    // Many servers end TLS without close_notify; the replies are whole all the same (RFC 8446 section 6.1 asks for it).
    if case .some(.uncleanShutdown) = error as? NIOSSLError, handshake == nil {
      fail(.closed(""))
    } else if handshake != nil {
      fail(.tls(TLSErrorText.describe(error)))
    } else {
      fail(.closed(String(describing: error)))
    }
    context.close(promise: nil)
  }

  private func deliver() {
    guard let waiter else { return }
    do throws(ReplyParser.Failure) {
      if let reply = try parser.next(from: &buffer) {
        finishWaiting()
        waiter.succeed(reply)
        return
      }
    } catch {
      switch error {
      case .endless: return fail(.protocolError("a reply without end"))
      case .notSMTP(let text): return fail(.protocolError("not an SMTP reply: \(text)"))
      }
    }
    if let failure {
      finishWaiting()
      waiter.fail(failure)
    }
  }

  private func finishWaiting() {
    waiter = nil
    deadline?.cancel()
    deadline = nil
    if buffer.readableBytes == 0 { buffer.clear() }
  }

  private func fail(_ error: StreamError) {
    if failure == nil { failure = error }
    let (waiting, shaking) = (waiter, handshake)
    finishWaiting()
    handshake = nil
    waiting?.fail(error)
    shaking?.fail(error)
  }
}
