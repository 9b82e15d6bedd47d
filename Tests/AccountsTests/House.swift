import Basics
import Logging
import MailSyntax
import Synchronization
import Testing

@testable import Accounts

#if canImport(Glibc)
  import Glibc
#endif

/// A host of its own for one test: a database in a fresh directory, and the room over it.
final class House: Sendable {
  let directory: String
  let accounts: Accounts
  let hasher: PasswordHasher
  let time: ManualTime

  var path: String { directory + "/accounts.db" }
  static let peer = IPAddress.v4(0xC000_0201)

  init(
    _ settings: AccountSettings = AccountSettings(), hasher: HasherSettings? = nil, time: ManualTime = ManualTime()
  ) throws {
    directory = try Self.makeDirectory()
    var quick = HasherSettings()
    quick.cost = 1
    self.hasher = PasswordHasher(settings: hasher ?? quick)
    self.time = time
    accounts = try Self.open(directory + "/accounts.db", settings, self.hasher, time)
  }

  deinit { _ = removeFiles(directory) }

  /// Another process's view of the same host: connections, caches and keys of its own.
  func neighbour(_ settings: AccountSettings = AccountSettings()) throws -> Accounts {
    try Self.open(path, settings, hasher, time)
  }

  /// The usual inhabitants: example.test with postmaster, alice and bob.
  func settle() async throws {
    try await accounts.addDomain("example.test", postmaster: .clear(Array("post".utf8)))
    try await accounts.addAccount(NewAccount("alice%example.test", password: .clear(Array("wonderland".utf8))))
    try await accounts.addAccount(NewAccount("bob@example.test", password: .clear(Array("builder".utf8))))
  }

  func login(_ name: String, _ password: String, _ service: MailService = .pop) async throws -> Account {
    try await accounts.authenticate(login: name, password: Array(password.utf8), service: service, from: Self.peer)
  }

  static func open(
    _ path: String, _ settings: AccountSettings, _ hasher: PasswordHasher, _ time: any TimeSource
  ) throws -> Accounts {
    try Accounts(
      database: HostDatabase(path: path), settings: settings, time: time, hasher: hasher, log: Logger(label: "test"))
  }

  static func makeDirectory() throws -> String {
    var template = Array("/tmp/accounts-XXXXXX".utf8CString)
    let made = mkdtemp(&template)
    try #require(made != nil)
    return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  private func removeFiles(_ directory: String) -> Bool {
    for name in ["accounts.db", "accounts.db-wal", "accounts.db-shm"] { unlink(directory + "/" + name) }
    return rmdir(directory) == 0
  }
}

/// The code and text of the error a verb throws.
func refusal<T>(_ body: () async throws -> T) async -> AccountsError? {
  do {
    _ = try await body()
    return nil
  } catch {
    return error as? AccountsError
  }
}

/// An address, or a failed test.
func address(_ text: String) throws -> EmailAddress { try EmailAddress(text) }
