import Accounts
import Basics
import Configuration
import DNSResolver
import Logging
import MailLog
import MailQueue
import MailStore
import MailSyntax
import RelayAccess

/// The stores of a host, opened over one configuration: what the server and the command line both work with.
package struct HostRooms: Sendable {
  /// What they were opened with.
  package let configuration: Configuration
  /// The data folder.
  package let folder: DataFolder
  /// The database that accounts and leases share.
  package let database: HostDatabase
  /// Domains, accounts, aliases, passwords.
  package let accounts: Accounts
  /// Leases, login delay, rates, blacklist.
  package let relay: RelayAccess
  /// The mailboxes.
  package let store: MailStore
  /// The spool.
  package let queue: MailQueue
  /// What happened to every message.
  package let mailLog: MailLog

  /// Opens everything; folders and databases are made where they are missing.
  ///
  /// - Parameter queueRole: `server` for the process that delivers; it takes the queue's lock and mends what a kill left.
  /// - Throws: `SetupError`, or an error of a room that says in one line what is wrong.
  package static func open(
    _ configuration: Configuration, queueRole: MailQueue.Role = .tool, time: any TimeSource = SystemTime(),
    logLevel: Logger.Level = .error
  ) async throws -> HostRooms {
    let folder = DataFolder(path: configuration.data)
    try folder.prepare()
    let log: @Sendable (String) -> Logger = { label in
      Logger(label: label) { LineLogHandler(label: $0, level: logLevel) }
    }
    let database = try HostDatabase(path: folder.accountsDatabase)
    let accounts = try Accounts(
      database: database, settings: AccountSettings(), time: time, hasher: PasswordHasher(), log: log("accounts"))
    let relay = try RelayAccess(
      database: database, accounts: accounts, settings: RelaySettings(configuration), time: time, log: log("relay"))
    let store = try MailStore(
      settings: MailStoreSettings(configuration, folder), time: time, log: log("store"))
    let queue = try MailQueue(
      settings: MailQueueSettings(configuration, folder), role: queueRole, time: time, log: log("queue"))
    let mailLog = try MailLog(
      path: "\(folder.path)/log.db", settings: MailLogSettings(configuration), time: time, log: log("log"))
    return HostRooms(
      configuration: configuration, folder: folder, database: database, accounts: accounts, relay: relay, store: store,
      queue: queue, mailLog: mailLog)
  }

  /// The mailbox of an account.
  package func mailAccount(_ account: Account) -> MailAccount {
    Self.mailAccount(account, mail: folder.mail)
  }

  /// Asks names as the server does, within a time of the caller's.
  ///
  /// - Throws: `ResolverSetupError`.
  package static func resolver(_ configuration: Configuration, timeout: Duration) throws -> DNSResolver {
    var settings = ResolverSettings(configuration)
    settings.timeout = timeout
    return try DNSResolver(
      settings: settings, log: Logger(label: "dns") { LineLogHandler(label: $0, level: .error) })
  }

  static func mailAccount(_ account: Account, mail: String) -> MailAccount {
    MailAccount(
      key: account.key, directory: "\(mail)/\(account.directory)",
      quota: QuotaLimit(bytes: account.quota.bytes, messages: account.quota.messages))
  }

  /// Adds an account of the sandbox, with its domain when that is missing.
  func addDemoAccount(login: LoginName, password: String) async throws {
    if login.address.localPart == postmasterName {
      _ = try await accounts.addDomain(login.address.domain.ascii, postmaster: .clear(Array(password.utf8)))
    } else {
      _ = try await accounts.addAccount(NewAccount(login.key, password: .clear(Array(password.utf8))))
    }
    try await store.create(mailAccount(try await accounts.account(login: login.key)))
  }
}
