import Basics
import DNSResolver
import Logging
import NIOPosix
import Testing
import Wire
import WireTesting

@testable import SMTPServer

#if canImport(Glibc)
  import Glibc
#endif

/// A real server on loopback with a sink behind it.
final class ServerFixture: Sendable {
  let wire: WireServer
  let host: SMTPHost
  let acceptor = SinkAcceptor()
  let rights = TestRights()
  let resolver = StaticResolver()
  let port: Int
  let role: SMTPRole
  let spool: String
  /// Kept, because its files go with it.
  private let certificate: TestCertificate?

  private static let files: NIOThreadPool = {
    let pool = NIOThreadPool(numberOfThreads: 2)
    pool.start()
    return pool
  }()

  private static let log: Logger = {
    var log = Logger(label: "smtp-test")
    log.logLevel = .critical
    return log
  }()

  private init(
    role: SMTPRole, tls: Bool, queues: any RemoteQueueStarter, change: (inout SMTPServerSettings) -> Void
  ) async throws {
    self.role = role
    spool = "/tmp/martinet-smtp-\(getpid())-\(UInt32.random(in: 0 ... .max))/incoming"
    var settings = SMTPServerSettings()
    settings.hostname = "mail.example.test"
    settings.spoolDirectory = spool
    settings.plaintextLogin = true
    settings.errorDelay = .milliseconds(1)
    change(&settings)
    resolver.setMX("example.org", [(10, "mx.example.org")])
    resolver.setAddresses("a-only.example", ["192.0.2.7"])
    resolver.setMX("null.example", [(0, "")])
    resolver.fail("slow.example", .timeout)
    let time = SystemTime()
    let limiter = FailedLoginLimiter(settings: Self.patientLimiter, time: time)
    host = SMTPHost(
      settings: settings, acceptor: acceptor, rights: rights, resolver: resolver, queues: queues, limiter: limiter,
      files: Self.files, time: time)
    try await host.prepare()
    certificate = tls ? try TestCertificate() : nil
    let certificates = try certificate.map { try TLSCertificates([$0.files]) }
    wire = WireServer(tls: certificates, time: time, log: Self.log)
    let spec = ListenerSpec(
      name: role.rawValue, addresses: [("127.0.0.1", 0)], implicitTLS: role == .submissions, expectsLogin: false)
    let bound = try await wire.listen(spec, handler: SMTPService(role: role, host: host))
    port = try #require(bound.first).port
  }

  private static var patientLimiter: FailedLoginSettings {
    var settings = FailedLoginSettings()
    settings.failuresPerMinute = 1000
    settings.firstDelay = .milliseconds(1)
    settings.longestDelay = .milliseconds(1)
    return settings
  }

  /// Starts a server, runs the test, and stops it whatever happens.
  static func run(
    _ role: SMTPRole = .smtp, tls: Bool = false, queues: any RemoteQueueStarter = NoRemoteQueues(),
    change: (inout SMTPServerSettings) -> Void = { _ in }, test: (ServerFixture) async throws -> Void
  ) async throws {
    let fixture = try await ServerFixture(role: role, tls: tls, queues: queues, change: change)
    do {
      try await test(fixture)
      await fixture.stop()
    } catch {
      await fixture.stop()
      throw error
    }
  }

  private func stop() async {
    await wire.drain(within: .seconds(1))
    rmdir(spool)
    rmdir(String(spool.dropLast("/incoming".count)))
  }

  /// A client that has read the greeting.
  func greeted(from local: String? = nil) async throws -> LoopbackClient {
    let client = try await LoopbackClient.connect(port: port, implicitTLS: role == .submissions, from: local)
    try await client.expect("220 mail.example.test ESMTP")
    return client
  }

  /// A client that has said EHLO.
  func ready() async throws -> LoopbackClient {
    let client = try await greeted()
    try await client.sendLine("\(role == .lmtp ? "LHLO" : "EHLO") client.example.org")
    _ = try await client.reply()
    return client
  }

  /// A client that has logged in as alice.
  func authenticated() async throws -> LoopbackClient {
    let client = try await ready()
    // \0alice@example.test\0secret
    try await client.talk("AUTH PLAIN AGFsaWNlQGV4YW1wbGUudGVzdABzZWNyZXQ=", "235 2.7.0 Authentication successful")
    return client
  }

  /// Plays a transcript: `C:` lines are sent, `S:` lines must come; `…` at the end stands for anything.
  func play(_ transcript: String, sourceLocation: SourceLocation = #_sourceLocation) async throws {
    let client = try await LoopbackClient.connect(port: port, implicitTLS: role == .submissions)
    try await client.play(transcript, sourceLocation: sourceLocation)
    await client.close()
  }
}

extension LoopbackClient {
  /// Sends a line and requires the reply, of one line; `…` at its end stands for anything.
  func talk(_ line: String, _ expected: String, sourceLocation: SourceLocation = #_sourceLocation) async throws {
    try await sendLine(line)
    try await hear(expected, sourceLocation: sourceLocation)
  }

  /// Requires a line.
  func hear(_ expected: String, sourceLocation: SourceLocation = #_sourceLocation) async throws {
    let line = try await self.line()
    if expected.hasSuffix("…") {
      try #require(line.hasPrefix(expected.dropLast()), "\(transcript)", sourceLocation: sourceLocation)
    } else {
      try #require(line == expected, "\(transcript)", sourceLocation: sourceLocation)
    }
  }

  func play(_ transcript: String, sourceLocation: SourceLocation = #_sourceLocation) async throws {
    for line in transcript.split(separator: "\n", omittingEmptySubsequences: true) {
      let body = String(line.dropFirst(3))
      switch line.prefix(2) {
      case "C:": try await sendLine(body)
      case "S:" where body == "(end)": try await expectEnd()
      case "S:": try await hear(body, sourceLocation: sourceLocation)
      default: throw TestFailure("not a transcript line: \(line)")
      }
    }
  }

  /// MAIL and RCPT for one message, both accepted.
  func envelope(from sender: String = "someone@example.org", to recipient: String = "alice@example.test") async throws {
    try await talk("MAIL FROM:<\(sender)>", "250 2.1.0 Ok")
    try await talk("RCPT TO:<\(recipient)>", "250 2.1.5 Ok")
  }

  /// A whole message with the given data as it travels, dot and all; gives the reply.
  func message(_ data: String, from sender: String = "someone@example.org") async throws -> String {
    try await envelope(from: sender)
    try await talk("DATA", "354 End data with <CR><LF>.<CR><LF>")
    try await send(data)
    return try await line()
  }
}
