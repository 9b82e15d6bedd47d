import Basics
import GRDB
import MailSyntax

/// Writing of account rows, shared by the verbs that make accounts.
enum AccountRows {
  /// Makes a row; names, limits and quota have been checked.
  static func insert(
    localPart: String, domain: DomainRecord, password: PasswordColumns, quota: QuotaChoice, offerID: Int64?,
    comment: String, now: Timestamp, in database: Database
  ) throws {
    var bytes: Int64?
    if case .bytes(let value) = quota { bytes = value }
    let arguments: NamedValues = [
      "domain": domain.id, "local": localPart, "key": "\(localPart)@\(domain.name)",
      "directory": "\(domain.name)/\(localPart)", "now": now.milliseconds, "offer": offerID, "own": quota != .offer,
      "bytes": bytes, "comment": comment,
    ]
    try database.execute(
      sql: """
        INSERT INTO account(domain_id, local_part, key, directory, password, password_changed_at, scram_salt,
          scram_iterations, scram_stored_key, scram_server_key, apop_secret, offer_id, quota_own, quota_bytes, comment,
          created_at)
        VALUES (:domain, :local, :key, :directory, :password, :now, :salt, :iterations, :stored, :server, :apop, :offer,
          :own, :bytes, :comment, :now)
        """, arguments: StatementArguments(arguments.merging(password.arguments) { first, _ in first }))
  }

  /// The account a command names, or the administrator's error; also says when the domain is missing.
  static func require(_ address: EmailAddress, in database: Database) throws -> AccountRecord {
    if let found = try AccountRecord.find(address: address, in: database) { return found }
    _ = try DomainRecord.require(address.domain, in: database)
    throw AccountsError.noSuchUser
  }
}
