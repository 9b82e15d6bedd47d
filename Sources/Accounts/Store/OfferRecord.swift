import Basics
import GRDB

/// An offer as the store holds it.
struct OfferRecord: Sendable {
  let id: Int64
  let offer: Offer

  private static let select = """
    SELECT id, name, quota_bytes, quota_max_bytes, quota_messages,
      \(DeniedServices.bits(of: "offer")), pop_login_delay, comment, messages_per_hour FROM offer
    """

  static func find(name: String, in database: Database) throws -> OfferRecord? {
    try Row.fetchOne(database, sql: "\(select) WHERE name = ?", arguments: [name]).map(OfferRecord.init)
  }

  static func find(id: Int64, in database: Database) throws -> OfferRecord? {
    try Row.fetchOne(database, sql: "\(select) WHERE id = ?", arguments: [id]).map(OfferRecord.init)
  }

  /// The offer of this name, or the administrator's error; `nil` for no name.
  static func require(_ name: String?, in database: Database) throws -> OfferRecord? {
    guard let name else { return nil }
    guard let found = try find(name: name, in: database) else { throw AccountsError.noSuchOffer }
    return found
  }

  static func all(in database: Database) throws -> [OfferRecord] {
    try Row.fetchAll(database, sql: "\(select) ORDER BY name").map(OfferRecord.init)
  }

  /// The offer with the number of domains and accounts that have it.
  func info(in database: Database) throws -> OfferInfo {
    let domains = try Int.fetchOne(
      database, sql: "SELECT count(*) FROM domain WHERE offer_id = ?", arguments: [id])
    let accounts = try Int.fetchOne(
      database,
      sql: """
        SELECT count(*) FROM account a JOIN domain d ON d.id = a.domain_id
        WHERE coalesce(a.offer_id, d.offer_id) = ?
        """, arguments: [id])
    return OfferInfo(offer: offer, domainCount: domains ?? 0, accountCount: accounts ?? 0)
  }

  private init(_ row: Row) {
    id = row[0]
    let delay: Int64? = row[6]
    offer = Offer(
      name: row[1], quota: row[2], largestQuota: row[3], messages: row[4],
      denied: DeniedServices(bits: row[5]).services, popLoginDelay: delay.map { .milliseconds($0) },
      messagesPerHour: row[8], comment: row[7])
  }
}
