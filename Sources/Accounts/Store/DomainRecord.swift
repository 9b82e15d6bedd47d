import Basics
import GRDB
import MailSyntax

/// What finding a recipient needs of a domain.
struct DomainRecord: Sendable {
  let id: Int64
  let name: String
  let suspended: Bool
  let catchAll: String
  let catchAllTarget: String?
  let delimiters: String
  let offerID: Int64?
  let limits: DomainLimits

  /// The domain of this name, or that this alias domain stands for.
  static func find(_ name: String, in database: Database) throws -> DomainRecord? {
    let statement = try database.cachedStatement(
      sql: """
        SELECT id, name, suspended, catch_all, catch_all_target, delimiters, offer_id, max_accounts, max_aliases, quota_bytes
        FROM domain
        WHERE id = coalesce((SELECT id FROM domain WHERE name = ?1), (SELECT domain_id FROM domain_alias WHERE name = ?1))
        """)
    return try Row.fetchOne(statement, arguments: [name]).map(DomainRecord.init)
  }

  /// The domain, or the administrator's error.
  static func require(_ name: MailDomain, in database: Database) throws -> DomainRecord {
    guard let found = try find(name.ascii, in: database) else { throw AccountsError.noSuchDomain }
    return found
  }

  /// The real domain an alias domain stands for; `nil` when the name is no alias domain.
  static func realName(ofAlias name: String, in database: Database) throws -> String? {
    let statement = try database.cachedStatement(
      sql: "SELECT d.name FROM domain_alias a JOIN domain d ON d.id = a.domain_id WHERE a.name = ?")
    return try String.fetchOne(statement, arguments: [name])
  }

  /// Everything the administrator sees of it.
  func info(in database: Database) throws -> DomainInfo {
    let row = try Row.fetchOne(
      database,
      sql: """
        SELECT o.name, \(DeniedServices.bits(of: "d")), d.created_at, d.comment,
          (SELECT count(*) FROM account WHERE domain_id = d.id), (SELECT count(*) FROM alias WHERE domain_id = d.id)
        FROM domain d LEFT JOIN offer o ON o.id = d.offer_id WHERE d.id = ?
        """, arguments: [id])
    guard let row else { throw AccountsError.noSuchDomain }
    let aliases = try String.fetchAll(
      database, sql: "SELECT name FROM domain_alias WHERE domain_id = ? ORDER BY name", arguments: [id])
    return DomainInfo(
      id: id, name: try MailDomain(name), offer: row[0], suspended: suspended,
      denied: DeniedServices(bits: row[1]).services, catchAll: try catchAllChoice(), delimiters: delimiters,
      limits: limits, aliasDomains: try aliases.map { try MailDomain($0) }, accountCount: row[4], aliasCount: row[5],
      createdAt: Timestamp(milliseconds: row[2]), comment: row[3])
  }

  /// What becomes of mail for names nobody has.
  func catchAllChoice() throws -> CatchAll {
    switch (catchAll, catchAllTarget) {
    case ("delete", _): .delete
    case ("address", .some(let target)): .address(try EmailAddress(target))
    default: .bounce
    }
  }

  private init(_ row: Row) {
    id = row[0]
    name = row[1]
    suspended = row[2]
    catchAll = row[3]
    catchAllTarget = row[4]
    delimiters = row[5]
    offerID = row[6]
    limits = DomainLimits(accounts: row[7], aliases: row[8], quota: row[9])
  }
}
