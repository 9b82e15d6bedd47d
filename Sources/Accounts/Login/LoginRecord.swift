import Foundation
import GRDB
import MailSyntax

/// Everything one login needs, read at once: the account with its secrets, and its app passwords.
struct LoginRecord: Sendable {
  /// One app password's digest and scope.
  struct App: Sendable {
    let id: Int64
    let digest: [UInt8]
    let services: Set<MailService>
  }
  let record: AccountRecord
  let apps: [App]

  static func find(_ login: LoginName, in database: Database) throws -> LoginRecord? {
    guard let record = try AccountRecord.find(address: login.address, in: database) else { return nil }
    let statement = try database.cachedStatement(
      sql: "SELECT id, digest, pop, imap, smtp FROM app_password WHERE account_id = ?")
    let apps = try Row.fetchAll(statement, arguments: [record.account.id]).map { row in
      App(id: row[0], digest: Array(row[1] as Data), services: scope(pop: row[2], imap: row[3], smtp: row[4]))
    }
    return LoginRecord(record: record, apps: apps)
  }

  /// The app password these octets are.
  func app(_ password: [UInt8]) -> App? {
    guard let digest = AppPassword.digest(accountID: record.account.id, password: password) else { return nil }
    return apps.first { constantTimeEqual($0.digest, digest) }
  }

  static func scope(pop: Bool, imap: Bool, smtp: Bool) -> Set<MailService> {
    var services: Set<MailService> = []
    if pop { services.insert(.pop) }
    if imap { services.insert(.imap) }
    if smtp { services.insert(.smtp) }
    return services
  }

  /// The stored hash an unknown login is verified against: some account's, always the same one for the same login, so
  /// that it takes as long as accounts of this host take.
  static func strangersHash(_ seed: [UInt8], in database: Database) throws -> String? {
    let statement = try database.cachedStatement(sql: "SELECT max(id) FROM account")
    guard let newest = try Int64.fetchOne(statement), newest > 0 else { return nil }
    let number = seed.prefix(7).reduce(Int64(0)) { $0 << 8 | Int64($1) }
    let pick = try database.cachedStatement(
      sql: "SELECT password FROM account WHERE id >= ? AND password <> '' ORDER BY id LIMIT 1")
    return try String.fetchOne(pick, arguments: [number % newest + 1])
  }
}
