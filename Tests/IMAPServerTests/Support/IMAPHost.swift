import Accounts
import Basics
import Glibc
import Logging
import MailStore
import RelayAccess
import Synchronization
import Wire
import WireTesting

@testable import IMAPServer

/// A whole IMAP host in a folder of its own: accounts, leases, store, listeners on loopback.
final class IMAPHost: Sendable {
  static let password = "secret one"
  static let domain = "example.test"

  let folder: String
  let accounts: Accounts
  let relay: RelayAccess
  let store: MailStore
  let server: WireServer
  let service: IMAPService
  let port: Int
  let tlsPort: Int
  private let certificate: TestCertificate

  /// Starts a host with the accounts alice and bob.
  static func start(
    plaintextLogin: Bool = true, port: Int = 0, quota: Int64? = nil, relaySettings: RelaySettings = loopbackRelay(),
    adjust: (inout IMAPLimits) -> Void = { _ in }
  ) async throws -> IMAPHost {
    var template = Array("/tmp/martinet-imap-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw TestFailure("mkdtemp") }
    let folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    var log = Logger(label: "imap-tests")
    log.logLevel = .critical
    let time = SystemTime()
    let database = try HostDatabase(path: folder + "/accounts.db")
    let accounts = try Accounts(database: database, time: time, hasher: PasswordHasher(), log: log)
    let relay = try RelayAccess(
      database: database, accounts: accounts, settings: relaySettings, time: time, log: log)
    let store = try MailStore(settings: MailStoreSettings(hostname: "mail.example.test"), time: time, log: log)
    _ = try await accounts.addDomain(domain, postmaster: .none)
    for name in ["alice", "bob"] {
      _ = try await accounts.addAccount(
        NewAccount(
          "\(name)@\(domain)", password: .clear(Array(password.utf8)), quota: quota.map { .bytes($0) } ?? .unlimited))
    }
    var limits = IMAPLimits()
    adjust(&limits)
    let settings = IMAPSettings(
      hostname: "mail.example.test", spoolDirectory: folder + "/spool", plaintextLogin: plaintextLogin, limits: limits)
    var limiter = FailedLoginSettings()
    limiter.firstDelay = .milliseconds(10)
    limiter.longestDelay = .milliseconds(20)
    let service = IMAPService(
      accounts: accounts, relay: relay, store: store, settings: settings,
      limiter: FailedLoginLimiter(settings: limiter, time: time), time: time
    ) { account in
      MailAccount(
        key: account.key, directory: folder + "/mail/" + account.directory,
        quota: QuotaLimit(bytes: account.quota.bytes, messages: account.quota.messages))
    }
    let certificate = try TestCertificate()
    var wire = WireSettings()
    wire.connectionsPerAddress = 500
    wire.pendingPerAddress = 500
    let server = WireServer(
      settings: wire, tls: try TLSCertificates([certificate.files]), time: time, log: log)
    let plain = try await server.listen(
      ListenerSpec(name: "imap", addresses: [("127.0.0.1", port)]), handler: service)
    let secure = try await server.listen(
      ListenerSpec(name: "imaps", addresses: [("127.0.0.1", 0)], implicitTLS: true), handler: service)
    return IMAPHost(
      folder: folder, accounts: accounts, relay: relay, store: store, server: server, service: service,
      port: plain[0].port, tlsPort: secure[0].port, certificate: certificate)
  }

  /// Settings under which loopback logins open leases.
  static func loopbackRelay() -> RelaySettings {
    var settings = RelaySettings()
    settings.openSMTP.includeNetworks = ["127.0.0.0/8", "::1/128"].compactMap { IPNetwork($0) }
    return settings
  }

  private init(
    folder: String, accounts: Accounts, relay: RelayAccess, store: MailStore, server: WireServer,
    service: IMAPService, port: Int, tlsPort: Int, certificate: TestCertificate
  ) {
    self.folder = folder
    self.accounts = accounts
    self.relay = relay
    self.store = store
    self.server = server
    self.service = service
    self.port = port
    self.tlsPort = tlsPort
    self.certificate = certificate
  }

  /// The mail account of a user.
  func mail(_ user: String) -> MailAccount {
    MailAccount(key: "\(user)@\(Self.domain)", directory: "\(folder)/mail/\(Self.domain)/\(user)")
  }

  /// A connection that has read the greeting.
  func connect() async throws -> IMAPTestClient {
    let client = IMAPTestClient(try await LoopbackClient.connect(port: port))
    try await client.wire.expect("* OK [CAPABILITY ")
    return client
  }

  /// A connection that is logged in.
  func login(_ user: String = "alice") async throws -> IMAPTestClient {
    let client = try await connect()
    try await client.ok("LOGIN \(user)@\(Self.domain) \"\(Self.password)\"")
    return client
  }

  /// A logged-in connection that has an empty mailbox of the given name selected.
  func fresh(_ mailbox: String = "work", user: String = "alice") async throws -> IMAPTestClient {
    let client = try await login(user)
    try await client.ok("CREATE \(mailbox)")
    try await client.ok("SELECT \(mailbox)")
    return client
  }

  /// Ends everything and removes the folder.
  func stop() async {
    await server.drain(within: .seconds(2))
    await store.close()
    system2("rm -rf \(folder)")
  }
}

/// `system(3)`, for cleaning up.
func system2(_ command: String) {
  _ = command.withCString { Glibc.system($0) }
}

/// An IMAP client for tests: commands with tags, replies with their literals.
final class IMAPTestClient: Sendable {
  let wire: LoopbackClient
  private let counter = TagCounter()

  init(_ wire: LoopbackClient) { self.wire = wire }

  /// Sends a command and gives all lines of its answer, the tagged one last; literals stand inside their line.
  @discardableResult
  func run(_ command: String, timeout: Duration = .seconds(20)) async throws -> [String] {
    let tag = counter.next()
    try await wire.send("\(tag) \(command)\r\n")
    return try await answer(tag, timeout: timeout)
  }

  /// Reads until a tagged answer.
  func answer(_ tag: String, timeout: Duration = .seconds(20)) async throws -> [String] {
    var lines: [String] = []
    while true {
      let line = try await response(timeout: timeout)
      lines.append(line)
      if line.hasPrefix(tag + " ") { return lines }
      if line.hasPrefix("* BYE"), !tag.hasPrefix("bye") {
        if let last = try await wire.lineOrEnd() { lines.append(last) }
        return lines
      }
    }
  }

  /// One response with its literals.
  func response(timeout: Duration = .seconds(20)) async throws -> String {
    var text = ""
    while true {
      let line = try await wire.line(timeout: timeout)
      text += line
      guard let header = LiteralHeader(atEndOf: Array(line.utf8)) else { return text }
      text += "\r\n" + String(decoding: try await wire.bytes(Int(header.count)), as: UTF8.self)
    }
  }

  /// Runs a command that must succeed; gives the untagged lines.
  @discardableResult
  func ok(_ command: String, timeout: Duration = .seconds(20)) async throws -> [String] {
    let lines = try await run(command, timeout: timeout)
    guard let last = lines.last, last.split(separator: " ").dropFirst().first == "OK" else {
      throw TestFailure("\(command): \(lines)")
    }
    return lines
  }

  /// Runs a command that must fail; gives the tagged line from its status on.
  func refused(_ command: String) async throws -> String {
    let lines = try await run(command)
    guard let last = lines.last, let space = last.firstIndex(of: " "), !last[space...].hasPrefix(" OK") else {
      throw TestFailure("\(command) was not refused: \(lines)")
    }
    return String(last[last.index(after: space)...])
  }

  /// Appends a message with a non-synchronizing literal.
  @discardableResult
  func append(_ message: String, to mailbox: String = "work", flags: String = "", date: String = "") async throws
    -> [String]
  {
    let extra = (flags.isEmpty ? "" : "(\(flags)) ") + (date.isEmpty ? "" : "\"\(date)\" ")
    return try await ok("APPEND \(mailbox) \(extra){\(message.utf8.count)+}\r\n\(message)")
  }
}

/// Tags `a1`, `a2` ….
private final class TagCounter: Sendable {
  private let value = Atomic<Int>(0)
  func next() -> String { "a\(value.add(1, ordering: .relaxed).newValue)" }
}
