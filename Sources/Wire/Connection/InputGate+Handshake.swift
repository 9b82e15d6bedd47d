import Basics
import NIOCore
import NIOSSL
import NIOTLS

extension InputGate {
  /// A TLS handshake under way.
  struct Handshake {
    var continuation: CheckedContinuation<Result<TLSInfo, ConnectionError>, Never>
    var timer: Scheduled<Void>
    var identity: TLSIdentity?
    var serverName: String?
  }

  /// Puts TLS into the pipeline and answers after the handshake.
  ///
  /// - Parameters:
  ///   - certificates: asked for the certificate once the client has named its host.
  ///   - reply: sent in clear, before.
  ///   - first: octets that were read already and belong to the handshake.
  func startTLS(
    _ certificates: TLSCertificates, reply: ByteBuffer?, first: ByteBuffer?,
    _ continuation: CheckedContinuation<Result<TLSInfo, ConnectionError>, Never>
  ) {
    guard !isClosed, !ended else { return continuation.resume(returning: .failure(.closed)) }
    if let reply { send(reply) }
    let bound = NIOLoopBound(self, eventLoop: channel.eventLoop)
    let timer = channel.eventLoop.scheduleTask(in: TimeAmount(settings.handshakeTimeout)) {
      _ = bound.value.handshakeFailed(ConnectionError.timeout)
    }
    handshake = Handshake(continuation: continuation, timer: timer)
    let wasWaiting = mode == .waiting
    mode = .handshake
    // Read before BoringSSL sees it: only so is it known which certificate the client gets.
    let hello = SNIHandler { [channel] result in
      channel.eventLoop.makeCompletedFuture { try bound.value.chooseCertificate(certificates, result) }
    }
    do {
      try channel.pipeline.syncOperations.addHandler(
        ByteToMessageHandler(hello), name: Self.helloName, position: .first)
    } catch {
      _ = handshakeFailed(error)
      return
    }
    if let first, first.readableBytes > 0 {
      channel.pipeline.fireChannelRead(first)
      channel.pipeline.fireChannelReadComplete()
    } else if wasWaiting {
      channel.read()
    } else {
      readOn()
    }
  }

  private static let helloName = "client hello"

  private func chooseCertificate(_ certificates: TLSCertificates, _ result: SNIResult) throws {
    var name: String?
    if case .hostname(let host) = result, host.utf8.count <= 255 { name = host.lowercased() }
    let identity = certificates.identity(for: name)
    handshake?.identity = identity
    handshake?.serverName = name
    var configuration = NIOSSLHandler.Configuration()
    configuration.maximumPreservedOutboundBufferCapacity = 4096
    let pipeline = channel.pipeline.syncOperations
    let hello = try pipeline.handler(type: ByteToMessageHandler<SNIHandler>.self)
    try pipeline.addHandler(
      NIOSSLServerHandler(context: identity.context, configuration: configuration), position: .after(hello))
  }

  /// Notes a finished handshake.
  func handshakeEvent(_ event: Any) {
    guard case .handshakeCompleted? = event as? TLSUserEvent, let handshake else { return }
    let version = try? channel.pipeline.syncOperations.handler(type: NIOSSLServerHandler.self).tlsVersion
    let text =
      switch version {
      case .tlsv12: "TLSv1.2"
      case .tlsv13: "TLSv1.3"
      default: "TLS"
      }
    let info = TLSInfo(
      version: text, serverName: handshake.serverName, serverEndPoint: handshake.identity?.endPointHash ?? [])
    handshake.timer.cancel()
    self.handshake = nil
    mode = .open
    handshake.continuation.resume(returning: .success(info))
  }

  /// Ends a handshake that cannot succeed, and closes.
  ///
  /// - Returns: whether there was one.
  func handshakeFailed(_ error: any Error) -> Bool {
    guard let handshake else { return false }
    self.handshake = nil
    handshake.timer.cancel()
    let reason =
      switch error {
      case ConnectionError.timeout: "time limit"
      case ConnectionError.closed: "the client has gone"
      default: String("\(error)".prefix(200))
      }
    handshake.continuation.resume(returning: .failure(.tls(reason)))
    channel.close(promise: nil)
    return true
  }

  /// Whether the error says that a TLS client left without close_notify.
  func isUncleanShutdown(_ error: any Error) -> Bool {
    if case NIOSSLError.uncleanShutdown = error { return true }
    return false
  }
}

extension TimeAmount {
  /// The same length of time, saturating at some 292 years.
  init(_ duration: Duration) {
    let milliseconds = max(0, min(duration.wholeMilliseconds, Int64.max / 4_000_000))
    self = .milliseconds(milliseconds)
  }
}
