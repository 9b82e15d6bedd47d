import Basics
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization

/// One TCP connection: octets out, replies in, TLS on top when asked.
final class ClientStream: Sendable {
  let channel: any Channel
  private let handler: NIOLoopBound<ReplyHandler>

  private init(channel: any Channel, handler: NIOLoopBound<ReplyHandler>) {
    self.channel = channel
    self.handler = handler
  }

  /// Opens a connection; throws NIO's errors.
  static func connect(
    to endpoint: SMTPEndpoint, group: any EventLoopGroup, settings: SMTPClientSettings
  ) async throws -> ClientStream {
    // The channel may be gone again before the connect call comes back: what it said is in the handler all the same.
    let opening = Mutex<ClientStream?>(nil)
    let bootstrap = ClientBootstrap(group: group)
      .connectTimeout(settings.connectTimeout.timeAmount)
      .channelOption(.socketOption(.tcp_nodelay), value: 1)
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          let handler = ReplyHandler(settings: settings)
          try channel.pipeline.syncOperations.addHandler(handler)
          let bound = NIOLoopBound(handler, eventLoop: channel.eventLoop)
          opening.withLock { $0 = ClientStream(channel: channel, handler: bound) }
        }
      }
    if let source = endpoint.source {
      _ = bootstrap.bind(to: try SocketAddress(ipAddress: "\(source)", port: 0))
    }
    let target = try SocketAddress(ipAddress: "\(endpoint.address)", port: endpoint.port)
    _ = try await withTaskCancellationHandler {
      try await bootstrap.connect(to: target).get()
    } onCancel: {
      opening.withLock { $0 }?.close()
    }
    guard let stream = opening.withLock({ $0 }) else { throw ChannelError.eof }
    if Task.isCancelled {
      stream.close()
      throw CancellationError()
    }
    return stream
  }

  /// Writes without waiting; an error shows in the next reply.
  func post(_ bytes: ByteBuffer) { channel.writeAndFlush(bytes, promise: nil) }

  /// Writes and waits until the octets were handed to the system, so that a slow peer slows us.
  func write(_ bytes: ByteBuffer, within time: Duration) async throws(StreamError) {
    let loop = channel.eventLoop
    let written: EventLoopFuture<Void> = channel.writeAndFlush(bytes)
    let channel = self.channel
    let limit = loop.scheduleTask(in: time.timeAmount) { channel.close(promise: nil) }
    do {
      try await withTaskCancellationHandler {
        try await written.get()
      } onCancel: {
        channel.close(promise: nil)
      }
      limit.cancel()
    } catch {
      limit.cancel()
      throw .closed(String(describing: error))
    }
  }

  /// The next reply.
  func reply(within time: Duration) async throws(StreamError) -> RemoteReply {
    let (channel, handler) = (self.channel, self.handler)
    do {
      return try await withTaskCancellationHandler {
        try await channel.eventLoop.flatSubmit {
          handler.value.nextReply(on: channel.eventLoop, within: time.timeAmount)
        }.get()
      } onCancel: {
        channel.close(promise: nil)
      }
    } catch let error as StreamError {
      throw error
    } catch {
      throw .closed(String(describing: error))
    }
  }

  /// Puts TLS below the dialogue and shakes hands.
  ///
  /// Octets that came before the handshake belong to nobody: their presence is an attack or a broken server, and ends
  /// the session (the client side of CVE-2011-0411's kin).
  func startTLS(
    context: NIOSSLContext, serverName: String?, verifier: DANEVerifier?, within time: Duration
  ) async throws(StreamError) -> String {
    let (channel, handler) = (self.channel, self.handler)
    let fault = FaultBox()
    do {
      return try await withTaskCancellationHandler {
        try await channel.eventLoop.flatSubmit { () -> EventLoopFuture<Void> in
          guard !handler.value.hasUnreadInput else {
            return channel.eventLoop.makeFailedFuture(StreamError.protocolError("octets in clear behind the TLS reply"))
          }
          do {
            let tls = try Self.handler(context, serverName, verifier, fault)
            let done = handler.value.waitForHandshake(on: channel.eventLoop, within: time.timeAmount)
            try channel.pipeline.syncOperations.addHandler(tls, name: "tls", position: .first)
            return done
          } catch {
            return channel.eventLoop.makeFailedFuture(StreamError.tls(TLSErrorText.describe(error)))
          }
        }.flatMap { channel.nioSSL_tlsVersion() }.map { $0.map(Self.name) ?? "TLS" }.get()
      } onCancel: {
        channel.close(promise: nil)
      }
    } catch {
      // The library only says that verification failed; why is ours to say.
      if let text = fault.text.withLock({ $0 }) { throw .tls(text) }
      throw error as? StreamError ?? .tls(TLSErrorText.describe(error))
    }
  }

  /// Why certificates were not the ones that are meant.
  private final class FaultBox: Sendable {
    let text = Mutex<String?>(nil)
  }

  private static func handler(
    _ context: NIOSSLContext, _ serverName: String?, _ verifier: DANEVerifier?, _ fault: FaultBox
  ) throws -> NIOSSLClientHandler {
    guard let verifier else { return try NIOSSLClientHandler(context: context, serverHostname: serverName) }
    return try NIOSSLClientHandler(context: context, serverHostname: serverName) { certificates, verdict in
      let problem = verifier.fault(in: certificates.map { (try? $0.toDERBytes()) ?? [] })
      fault.text.withLock { $0 = problem }
      verdict.succeed(problem == nil ? .certificateVerified : .failed)
    }
  }

  /// Closes the connection.
  func close() { channel.close(promise: nil) }

  /// Whether the connection is still open, as far as the system knows.
  var isActive: Bool { channel.isActive }

  private static func name(_ version: TLSVersion) -> String {
    switch version {
    case .tlsv1: "TLSv1"
    case .tlsv11: "TLSv1.1"
    case .tlsv12: "TLSv1.2"
    case .tlsv13: "TLSv1.3"
    }
  }
}

extension Duration {
  /// The duration for an event loop's timer.
  var timeAmount: TimeAmount { .milliseconds(max(1, wholeMilliseconds)) }
}
