import Accounts
import Basics
import Foundation
import Logging
import MailStore
import RelayAccess
import Wire
import WireTesting

@testable import POP3Server

/// A whole POP3 host in a folder of its own: accounts, leases, store, listeners on loopback.
///
/// Leases and the login delay go by a clock the test moves; sockets go by the system's.
final class POP3Host: Sendable {
  static let password = "correct horse"

  let folder: String
  let time: ManualTime
  let accounts: Accounts
  let relay: RelayAccess
  let store: MailStore
  let server: WireServer
  let port: Int
  let tlsPort: Int
  private let certificate: TestCertificate

  /// Starts a host with the accounts alice and bob.
  static func start(
    plaintextLogin: Bool = true, delay: Duration = .seconds(60), relay change: (inout RelaySettings) -> Void = { _ in },
    settings adjust: (inout POP3Settings) -> Void = { _ in }
  ) async throws -> POP3Host {
    let folder = NSTemporaryDirectory() + "pop3-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let log = Logger(label: "pop3-tests") { _ in SwiftLogNoOpLogHandler() }
    let time = ManualTime(.systemNow)
    let database = try HostDatabase(path: folder + "/accounts.db")
    let accounts = try Accounts(database: database, time: time, hasher: PasswordHasher(), log: log)
    var relaySettings = RelaySettings()
    relaySettings.popThrottle.delay = delay
    relaySettings.openSMTP.includeNetworks = ["127.0.0.0/8", "::1/128"].compactMap { IPNetwork($0) }
    change(&relaySettings)
    let relay = try RelayAccess(database: database, accounts: accounts, settings: relaySettings, time: time, log: log)
    let store = try MailStore(settings: MailStoreSettings(hostname: "mail.example.test"), time: SystemTime(), log: log)
    try await accounts.addDomain("example.test", postmaster: .none)
    for name in ["alice", "bob"] {
      try await accounts.addAccount(
        NewAccount(
          "\(name)@example.test", password: .clear(Array(password.utf8), keepForAPOP: true), quota: .unlimited))
    }
    var settings = POP3Settings(hostname: "mail.example.test")
    settings.plaintextLogin = plaintextLogin
    adjust(&settings)
    var limiter = FailedLoginSettings()
    limiter.firstDelay = .milliseconds(10)
    limiter.longestDelay = .milliseconds(20)
    let service = POP3Service(
      accounts: accounts, relay: relay, store: store,
      limiter: FailedLoginLimiter(settings: limiter, time: SystemTime()), settings: settings, time: time
    ) { mailAccount($0, folder) }
    let certificate = try TestCertificate()
    var wire = WireSettings()
    wire.connectionsPerAddress = 500
    wire.pendingPerAddress = 500
    let server = WireServer(
      settings: wire, tls: try TLSCertificates([certificate.files]), time: SystemTime(), log: log)
    let plain = try await server.listen(ListenerSpec(name: "pop3", addresses: [("127.0.0.1", 0)]), handler: service)
    let secure = try await server.listen(
      ListenerSpec(name: "pop3s", addresses: [("127.0.0.1", 0)], implicitTLS: true), handler: service)
    return POP3Host(
      folder: folder, time: time, accounts: accounts, relay: relay, store: store, server: server, port: plain[0].port,
      tlsPort: secure[0].port, certificate: certificate)
  }

  private init(
    folder: String, time: ManualTime, accounts: Accounts, relay: RelayAccess, store: MailStore, server: WireServer,
    port: Int, tlsPort: Int, certificate: TestCertificate
  ) {
    self.folder = folder
    self.time = time
    self.accounts = accounts
    self.relay = relay
    self.store = store
    self.server = server
    self.port = port
    self.tlsPort = tlsPort
    self.certificate = certificate
  }

  private static func mailAccount(_ account: Account, _ folder: String) -> MailAccount {
    MailAccount(key: account.key, directory: folder + "/mail/" + account.directory)
  }

  func mail(_ name: String = "alice") -> MailAccount {
    MailAccount(key: "\(name)@example.test", directory: folder + "/mail/example.test/\(name)")
  }

  /// Puts a message into a mailbox.
  func deliver(_ text: String, to name: String = "alice") async throws {
    _ = try await store.deliver(.bytes(Array(text.utf8)), to: mail(name))
  }

  /// Puts a file into the Maildir as another program would.
  func drop(_ text: String, as file: String, of name: String = "alice") throws {
    try Data(text.utf8).write(to: URL(fileURLWithPath: mail(name).directory + "/Maildir/new/" + file))
  }

  /// A mailbox that exists and is empty: the template's welcome message is taken out.
  func emptyMailbox(_ name: String = "alice") async throws {
    try await store.create(mail(name))
    let inbox = try await store.mailbox(mail(name), name: .inbox)
    _ = try await inbox.remove(try await inbox.popListing().map(\.uid))
  }

  /// A connection that has read the greeting.
  func connect() async throws -> LoopbackClient {
    let client = try await LoopbackClient.connect(port: port)
    try await client.expect("+OK mail.example.test POP3 ready")
    return client
  }

  /// A connection that is logged in; the login delay is waited for first.
  func login(_ name: String = "alice") async throws -> LoopbackClient {
    time.advance(by: .seconds(60))
    let client = try await connect()
    try await client.sendLine("USER \(name)%example.test")
    try await client.expect("+OK")
    try await client.sendLine("PASS \(Self.password)")
    try await client.expect("+OK")
    return client
  }

  /// Ends everything and removes the folder.
  func stop() async {
    await server.drain(within: .seconds(2))
    await store.close()
    try? FileManager.default.removeItem(atPath: folder)
  }
}

extension LoopbackClient {
  /// Sends a command, expects `+OK`, and gives the lines before the lone dot, unstuffed.
  func multiLine(_ command: String) async throws -> [String] {
    try await sendLine(command)
    try await expect("+OK")
    return try await lines { $0 == "." }.dropLast().map { $0.hasPrefix(".") ? String($0.dropFirst()) : $0 }
  }

  /// Sends a command and expects a reply that begins so.
  @discardableResult
  func says(_ command: String, _ prefix: String) async throws -> String {
    try await sendLine(command)
    return try await expect(prefix)
  }

  /// Logs in and expects a reply that begins so.
  func login(_ name: String, _ password: String, expecting prefix: String) async throws {
    try await says("USER \(name)", "+OK")
    try await says("PASS \(password)", prefix)
  }
}
