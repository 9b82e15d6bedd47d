import Basics
import Foundation
import GRDB

extension Accounts {
  /// Makes a password for one program.
  ///
  /// - Parameters:
  ///   - services: where it may be used; any of `pop`, `imap` and `smtp`.
  /// - Returns: the app password, and its secret, which is shown this once and never again.
  /// - Throws: ``AccountsError``: `notFound`, `exists`, `usage`, `overLimit`.
  package func addAppPassword(
    _ login: String, name: String, services: Set<MailService> = [.pop, .imap, .smtp]
  ) async throws -> (password: AppPassword, secret: String) {
    let address = try Names.login(login)
    let name = try names.label(name)
    guard !services.isEmpty, !services.contains(.openSMTP) else {
      throw AccountsError(.usage, "an app password is for some of pop, imap, smtp")
    }
    let (now, limit) = (time.now, settings.appPasswordsPerAccount)
    let secret = AppPassword.makeSecret()
    let made = try await change { database in
      let account = try AccountRows.require(address, in: database).account
      let others = try Self.appPasswords(of: account.id, in: database)
      guard !others.contains(where: { $0.name == name }) else {
        throw AccountsError(.exists, "App password already exists")
      }
      guard others.count < limit else {
        throw AccountsError(.overLimit, "an account has at most \(limit) app passwords")
      }
      guard let digest = AppPassword.digest(accountID: account.id, password: Array(secret.utf8)) else {
        throw AccountsError(.temporary, "no app password could be made")
      }
      try database.execute(
        sql: """
          INSERT INTO app_password(account_id, name, digest, pop, imap, smtp, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)
          """,
        arguments: [
          account.id, name, Data(digest), services.contains(.pop), services.contains(.imap), services.contains(.smtp),
          now.milliseconds,
        ])
      return try Self.appPasswords(of: account.id, in: database).first { $0.name == name }
    }
    guard let made else { throw AccountsError.noSuchUser }
    return (made, secret)
  }

  /// The app passwords of an account in alphabetical order, without their secrets.
  package func appPasswords(_ login: String) async throws -> [AppPassword] {
    let address = try Names.login(login)
    return try await read { database in
      try Self.appPasswords(of: AccountRows.require(address, in: database).account.id, in: database)
    }
  }

  /// Withdraws an app password, by its name.
  ///
  /// - Throws: ``AccountsError``: `notFound`.
  package func removeAppPassword(_ login: String, name: String) async throws {
    let address = try Names.login(login)
    try await change { database in
      let account = try AccountRows.require(address, in: database).account
      try database.execute(
        sql: "DELETE FROM app_password WHERE account_id = ? AND name = ?", arguments: [account.id, name])
      guard database.changesCount > 0 else { throw AccountsError(.notFound, "App password does not exist") }
    }
  }

  private static func appPasswords(of account: Int64, in database: Database) throws -> [AppPassword] {
    try Row.fetchAll(
      database,
      sql: """
        SELECT id, name, pop, imap, smtp, created_at, last_used_at, last_used_service, last_used_peer
        FROM app_password WHERE account_id = ? ORDER BY name
        """, arguments: [account]
    ).map { row in
      var use: AppPassword.Login?
      if let at: Int64 = row[6], let service: String = row[7], let peer: String = row[8] {
        use = MailService(rawValue: service).map {
          AppPassword.Login(service: $0, at: Timestamp(milliseconds: at), peer: peer)
        }
      }
      return AppPassword(
        id: row[0], name: row[1], services: LoginRecord.scope(pop: row[2], imap: row[3], smtp: row[4]),
        createdAt: Timestamp(milliseconds: row[5]), lastUse: use)
    }
  }
}
