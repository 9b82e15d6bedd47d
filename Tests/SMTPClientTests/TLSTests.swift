import Basics
import NIOCore
import NIOPosix
import NIOSSL
import Testing

@testable import SMTPClient

/// STARTTLS and implicit TLS against a real TLS server.
@Suite(.timeLimit(.minutes(1))) struct TLSTests {
  @Test("R36: uses STARTTLSWhen Offered") func usesSTARTTLSWhenOffered() async throws {
    let server = try await TLSServer.start()
    let session = try await ClientFixture.client().connect(to: server.endpoint(.opportunistic))
    #expect(session.tls == "TLSv1.3")
    #expect(session.extensions.pipelining, "only EHLO after TLS offers it")
    session.close()
    try await server.stop()
  }

  @Test func implicitTLS() async throws {
    let server = try await TLSServer.start(isImplicit: true)
    let session = try await ClientFixture.client().connect(to: server.endpoint(.implicit))
    #expect(session.tls == "TLSv1.3")
    session.close()
    try await server.stop()
  }

  @Test("R42: verification Failure Has The Librarys Words") func verificationFailureHasTheLibrarysWords() async throws {
    let server = try await TLSServer.start()
    var endpoint = server.endpoint(.required)
    endpoint.verification = .name("mx.example.test")
    let failure = await #expect(throws: SMTPFailure.self) { try await ClientFixture.client().connect(to: endpoint) }
    #expect(failure?.cause == .tls)
    #expect(failure?.status == "4.7.5")
    #expect(failure?.detail.hasPrefix("error:") == true, "\(failure?.detail ?? "")")
    #expect(failure?.detail.contains("CERTIFICATE_VERIFY_FAILED") == true, "\(failure?.detail ?? "")")
    try await server.stop()
  }

  @Test("R42: a close during the handshake is OpenSSL's empty error") func closeDuringHandshake() async throws {
    let server = try ScriptedServer { peer in
      peer.send("220 x\r\n")
      peer.expect("EHLO", then: "250-x\r\n250 STARTTLS")
      peer.expect("STARTTLS", then: "220 go")
    }
    let failure = await #expect(throws: SMTPFailure.self) {
      try await ClientFixture.client().connect(to: ClientFixture.endpoint(server, tls: .opportunistic))
    }
    #expect(failure?.stage == .handshake)
    #expect(failure?.detail == "error:00000000:lib(0):func(0):reason(0)")
  }

  @Test("R42: garbage Instead Of AHandshake") func garbageInsteadOfAHandshake() async throws {
    let server = try ScriptedServer { peer in
      peer.send("220 x\r\n")
      peer.expect("EHLO", then: "250-x\r\n250 STARTTLS")
      peer.expect("STARTTLS", then: "220 go")
      _ = peer.line()
      peer.send("this is not TLS, not at all\r\n")
      peer.waitForEnd()
    }
    let failure = await #expect(throws: SMTPFailure.self) {
      try await ClientFixture.client().connect(to: ClientFixture.endpoint(server, tls: .opportunistic))
    }
    #expect(failure?.cause == .tls)
    #expect(failure?.detail.contains("WRONG_VERSION_NUMBER") == true, "\(failure?.detail ?? "")")
  }

  @Test func handshakeTimesOut() async throws {
    let server = try ScriptedServer { peer in
      peer.send("220 x\r\n")
      peer.expect("EHLO", then: "250-x\r\n250 STARTTLS")
      peer.expect("STARTTLS", then: "220 go")
      peer.waitForEnd()
    }
    let failure = await #expect(throws: SMTPFailure.self) {
      try await ClientFixture.client { $0.connectTimeout = .milliseconds(300) }
        .connect(to: ClientFixture.endpoint(server, tls: .opportunistic))
    }
    #expect(failure?.detail == "connect timed out")
  }

  @Test func repliesInjectedBeforeTLSEndTheSession() async throws {
    let server = try ScriptedServer { peer in
      peer.send("220 x\r\n")
      peer.expect("EHLO", then: "250-x\r\n250 STARTTLS")
      peer.expect("STARTTLS", then: "220 go\r\n250-evil\r\n250 PIPELINING")
      peer.waitForEnd()
    }
    let failure = await #expect(throws: SMTPFailure.self) {
      try await ClientFixture.client().connect(to: ClientFixture.endpoint(server, tls: .opportunistic))
    }
    #expect(failure?.cause == .protocolError || failure?.cause == .tls)
  }

  @Test func requiredButNotOffered() async throws {
    let server = try ScriptedServer { peer in
      peer.send("220 x\r\n")
      peer.expect("EHLO", then: "250 x")
      peer.waitForEnd()
    }
    let failure = await #expect(throws: SMTPFailure.self) {
      try await ClientFixture.client().connect(to: ClientFixture.endpoint(server, tls: .required))
    }
    #expect(failure?.cause == .unsupported)
    #expect(failure?.isPermanent == false)
  }

  @Test func refusedSTARTTLSGoesOnInClear() async throws {
    let server = try ScriptedServer { peer in
      peer.send("220 x\r\n")
      peer.expect("EHLO", then: "250-x\r\n250 STARTTLS")
      peer.expect("STARTTLS", then: "454 4.7.0 TLS not available")
      peer.waitForEnd()
    }
    let session = try await ClientFixture.client().connect(
      to: ClientFixture.endpoint(server, tls: .opportunistic))
    #expect(session.tls == nil)
    session.close()
  }
}

/// A server that knows the greeting, EHLO and STARTTLS, on NIOSSL.
struct TLSServer {
  let channel: any Channel

  static func start(isImplicit: Bool = false) async throws -> TLSServer {
    let chain = try NIOSSLCertificate.fromPEMBytes(Array(certificate.utf8)).map {
      NIOSSLCertificateSource.certificate($0)
    }
    let key = try NIOSSLPrivateKey(bytes: Array(privateKey.utf8), format: .pem)
    let context = try NIOSSLContext(
      configuration: .makeServerConfiguration(certificateChain: chain, privateKey: .privateKey(key)))
    let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          if isImplicit { try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: context)) }
          try channel.pipeline.syncOperations.addHandler(Talker(context: context, isEncrypted: isImplicit))
        }
      }
      .bind(host: "127.0.0.1", port: 0).get()
    return TLSServer(channel: channel)
  }

  func endpoint(_ policy: TLSPolicy) -> SMTPEndpoint {
    SMTPEndpoint(
      host: "mx.example.test", address: .v4(0x7f00_0001), port: channel.localAddress?.port ?? 0,
      helo: "client.example.test", tls: policy)
  }

  func stop() async throws { try await channel.close() }

  private final class Talker: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer
    private let context: NIOSSLContext
    private var isEncrypted: Bool

    init(context: NIOSSLContext, isEncrypted: Bool) {
      self.context = context
      self.isEncrypted = isEncrypted
    }

    func channelActive(context: ChannelHandlerContext) { say("220 mx.example.test ESMTP", context) }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      let text = String(buffer: unwrapInboundIn(data))
      if text.hasPrefix("EHLO") {
        say(isEncrypted ? "250-mx\r\n250 PIPELINING" : "250-mx\r\n250 STARTTLS", context)
      } else if text.hasPrefix("STARTTLS") {
        say("220 go", context)
        isEncrypted = true
        try? context.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: self.context), position: .first)
      } else {
        say("250 ok", context)
      }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    private func say(_ text: String, _ context: ChannelHandlerContext) {
      context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text + "\r\n")), promise: nil)
    }
  }

  static let certificate = """
    -----BEGIN CERTIFICATE-----
    MIIBpzCCAU2gAwIBAgIUGQx6BhN1nO4hzOLHpSdriHXMe5IwCgYIKoZIzj0EAwIw
    GjEYMBYGA1UEAwwPbXguZXhhbXBsZS50ZXN0MCAXDTI2MTEyMjA1MjE0N1oYDzIx
    MjYxMDI5MDUyMTQ3WjAaMRgwFgYDVQQDDA9teC5leGFtcGxlLnRlc3QwWTATBgcq
    hkjOPQIBBggqhkjOPQMBBwNCAAQg3py0RDcPF83TFwLoqbsrBaILtLJF0Yem2k/B
    GKzH9OoJgkJ1NY7zlwQsX97sU9pBQlFWt1dTo/d4KVdaYW1bo28wbTAdBgNVHQ4E
    FgQUus3r3eI16wwXMnkYCpKJNHR5FtkwHwYDVR0jBBgwFoAUus3r3eI16wwXMnkY
    CpKJNHR5FtkwDwYDVR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgg9teC5leGFtcGxl
    LnRlc3QwCgYIKoZIzj0EAwIDSAAwRQIhAO8f5MF93zD5nohOUKljlo2kQWpfWUi6
    z4XHqEde2V5eAiA7ka1NZjMtAPjmyGC1nXYb/GkawSzfb3kYEDL3q1+gbA==
    -----END CERTIFICATE-----
    """

  private static let privateKey = """
    -----BEGIN PRIVATE KEY-----
    MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgxMptwtB9t9au2QMl
    s6WytVbeqHMcu3JKQlUuPbEo9p6hRANCAAQg3py0RDcPF83TFwLoqbsrBaILtLJF
    0Yem2k/BGKzH9OoJgkJ1NY7zlwQsX97sU9pBQlFWt1dTo/d4KVdaYW1b
    -----END PRIVATE KEY-----
    """
}
