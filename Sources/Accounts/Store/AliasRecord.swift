import GRDB
import MailSyntax

/// An alias as the store holds it.
struct AliasRecord: Sendable {
  let id: Int64
  let localPart: String
  let comment: String

  /// The alias with this folded key, the real domain in it.
  static func find(key: String, in database: Database) throws -> AliasRecord? {
    let statement = try database.cachedStatement(sql: "SELECT id, local_part, comment FROM alias WHERE key = ?")
    return try Row.fetchOne(statement, arguments: [key]).map {
      AliasRecord(id: $0[0], localPart: $0[1], comment: $0[2])
    }
  }

  /// The aliases of a domain in alphabetical order.
  static func all(domainID: Int64, in database: Database) throws -> [AliasRecord] {
    let statement = try database.cachedStatement(
      sql: "SELECT id, local_part, comment FROM alias WHERE domain_id = ? ORDER BY local_part")
    return try Row.fetchAll(statement, arguments: [domainID]).map {
      AliasRecord(id: $0[0], localPart: $0[1], comment: $0[2])
    }
  }

  /// Where mail for it goes, in the order given.
  func targets(in database: Database) throws -> [EmailAddress] {
    let statement = try database.cachedStatement(
      sql: "SELECT target FROM alias_target WHERE alias_id = ? ORDER BY position")
    return try String.fetchAll(statement, arguments: [id]).map { try EmailAddress($0) }
  }
}
