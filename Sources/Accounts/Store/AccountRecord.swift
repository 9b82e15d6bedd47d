import Basics
import Foundation
import GRDB
import MailSyntax
import Wire

/// An account with its secrets, as a login needs it; only ``account`` leaves the room.
struct AccountRecord: Sendable {
  let account: Account
  let password: String
  let scram: SCRAMKeys?
  let apopSecret: String?

  private static let select = """
    SELECT a.id, a.local_part, a.domain_id, d.name, a.directory,
      a.quota_own, a.quota_bytes, a.quota_messages, o.quota_bytes, o.quota_messages,
      \(DeniedServices.bits(of: "a")), \(DeniedServices.bits(of: "d")), coalesce(\(DeniedServices.bits(of: "o")), 0),
      a.suspended, d.suspended, o.name, o.pop_login_delay,
      a.password_changed_at, a.created_at, a.comment,
      a.password, a.scram_salt, a.scram_iterations, a.scram_stored_key, a.scram_server_key, a.apop_secret,
      o.messages_per_hour
    FROM account a JOIN domain d ON d.id = a.domain_id LEFT JOIN offer o ON o.id = coalesce(a.offer_id, d.offer_id)
    """

  /// The account with this folded key, `user@domain` with the real domain.
  static func find(key: String, in database: Database) throws -> AccountRecord? {
    try one("\(select) WHERE a.key = ?", [key], in: database)
  }

  /// The account with this number.
  static func find(id: Int64, in database: Database) throws -> AccountRecord? {
    try one("\(select) WHERE a.id = ?", [id], in: database)
  }

  /// The account of an address, alias domains resolved; no extensions, no aliases.
  static func find(address: EmailAddress, in database: Database) throws -> AccountRecord? {
    if let found = try find(key: address.key, in: database) { return found }
    guard let real = try DomainRecord.realName(ofAlias: address.domain.ascii, in: database) else { return nil }
    return try find(key: "\(address.localPart.lowercased())@\(real)", in: database)
  }

  /// The accounts of a domain in alphabetical order.
  static func all(domainID: Int64, in database: Database) throws -> [AccountRecord] {
    let statement = try database.cachedStatement(sql: "\(select) WHERE a.domain_id = ? ORDER BY a.local_part")
    return try Row.fetchAll(statement, arguments: [domainID]).map { try AccountRecord($0) }
  }

  private static func one(_ sql: String, _ arguments: StatementArguments, in database: Database) throws -> Self? {
    try Row.fetchOne(try database.cachedStatement(sql: sql), arguments: arguments).map { try AccountRecord($0) }
  }

  private init(_ row: Row) throws {
    let domain = try MailDomain(row[3] as String)
    let own = DeniedServices(bits: row[10]).services
    let byDomain = DeniedServices(bits: row[11]).services
    let byOffer = DeniedServices(bits: row[12]).services
    let isOwn: Bool = row[5]
    let delay: Int64? = row[16]
    let offer = OfferFeatures(
      name: row[15], denied: byOffer, popLoginDelay: delay.map { .milliseconds($0) }, messagesPerHour: row[26])
    password = row[20]
    apopSecret = row[25]
    let keys: [Data?] = [row[21], row[23], row[24]]
    if let iterations: Int = row[22], let salt = keys[0], let stored = keys[1], let server = keys[2] {
      scram = SCRAMKeys(
        salt: Array(salt), iterations: iterations, storedKey: Array(stored), serverKey: Array(server))
    } else {
      scram = nil
    }
    account = Account(
      id: row[0], address: try EmailAddress(localPart: row[1], domain: domain), domainID: row[2], directory: row[4],
      quota: isOwn ? Quota(bytes: row[6], messages: row[7]) : Quota(bytes: row[8], messages: row[9]),
      quotaIsOwn: isOwn, denied: own.union(byDomain).union(byOffer), deniedByItself: own,
      suspended: (row[13] as Bool) || (row[14] as Bool), suspendedByItself: row[13], offer: offer,
      passwordChangedAt: Timestamp(milliseconds: row[17]), createdAt: Timestamp(milliseconds: row[18]),
      comment: row[19], hasSCRAMKeys: scram != nil, hasAPOPSecret: apopSecret != nil)
  }
}

/// A set of services as the four `deny_…` columns hold it.
struct DeniedServices {
  let services: Set<MailService>

  init(_ services: Set<MailService>) { self.services = services }

  /// SQL that packs the columns of a table; SQLite gives `|` and `<<` one precedence, hence the parentheses.
  static func bits(of table: String) -> String {
    let terms = columns.enumerated().map { "(\(table).\($0.element.column) << \($0.offset))" }
    return "(" + terms.joined(separator: " | ") + ")"
  }

  /// From the columns packed by ``bits(of:)``.
  init(bits: Int) {
    services = Set(MailService.allCases.enumerated().filter { bits >> $0.offset & 1 == 1 }.map(\.element))
  }

  /// `deny_pop = 0, deny_imap = 1, …` with values as literals, in SQL.
  var assignments: String {
    Self.columns.map { "\($0.column) = \(services.contains($0.service) ? 1 : 0)" }.joined(separator: ", ")
  }

  /// Every service with its column.
  static let columns = MailService.allCases.map {
    (service: $0, column: "deny_" + $0.rawValue.replacing("-", with: "_"))
  }
}
