import Basics
import GRDB
import MailSyntax

/// The SQL of validated domains and of what destinations have earned.
enum ValidationRows {
  private static let columns = "domain, state, token, proof, started, checked, proven, finding"

  /// One domain's row.
  static func find(_ database: Database, _ domain: String) throws -> DomainValidation? {
    try Row.fetchOne(
      database.cachedStatement(sql: "SELECT \(columns) FROM domain_validation WHERE domain = ?"), arguments: [domain]
    ).flatMap(validation)
  }

  /// Every row by name.
  static func all(_ database: Database) throws -> [DomainValidation] {
    try Row.fetchAll(database, sql: "SELECT \(columns) FROM domain_validation ORDER BY domain").compactMap(validation)
  }

  /// Whether the domain is verified now.
  static func isVerified(_ database: Database, _ domain: String) throws -> Bool {
    try Bool.fetchOne(
      database.cachedStatement(
        sql: "SELECT EXISTS (SELECT 1 FROM domain_validation WHERE domain = ? AND state = 'verified')"),
      arguments: [domain]) ?? false
  }

  /// Rows whose next look has come, longest unseen first.
  static func due(
    _ database: Database, seenBefore: Timestamp, pendingSeenBefore: Timestamp, limit: Int
  ) throws -> [DomainValidation] {
    try Row.fetchAll(
      database,
      sql: """
        SELECT \(columns) FROM domain_validation
        WHERE (state IN ('verified', 'lapsed') AND checked <= ?)
          OR (state = 'pending' AND coalesce(checked, started) <= ?)
        ORDER BY coalesce(checked, started) LIMIT ?
        """, arguments: [seenBefore.milliseconds, pendingSeenBefore.milliseconds, limit]
    ).compactMap(validation)
  }

  /// Begins a domain's row, unless it has one.
  static func begin(_ database: Database, _ domain: String, token: String, now: Timestamp) throws {
    try database.execute(
      sql: """
        INSERT INTO domain_validation(domain, state, token, started, finding) VALUES (?, 'pending', ?, ?, '')
        ON CONFLICT DO NOTHING
        """, arguments: [domain, token, now.milliseconds])
  }

  /// Records a look at the DNS; an administrator's block that came meanwhile stands.
  static func record(_ database: Database, _ validation: DomainValidation) throws {
    try database.execute(
      sql: """
        UPDATE domain_validation SET state = ?, proof = ?, checked = ?, proven = ?, finding = ?
        WHERE domain = ? AND state <> 'blocked'
        """,
      arguments: [
        validation.state.rawValue, validation.proof?.rawValue, validation.checked?.milliseconds,
        validation.proven?.milliseconds, validation.finding, validation.domain.ascii,
      ])
  }

  /// Sets a state by an administrator's word.
  static func set(
    _ database: Database, _ domain: String, _ state: DomainValidation.State, finding: String
  ) throws {
    try database.execute(
      sql: "UPDATE domain_validation SET state = ?, proof = NULL, proven = NULL, finding = ? WHERE domain = ?",
      arguments: [state.rawValue, finding, domain])
  }

  /// Whether a destination has earned its standing.
  static func hasEarned(_ database: Database, _ domain: String, _ settings: ValidationSettings) throws -> Bool {
    try Bool.fetchOne(
      database.cachedStatement(
        sql: """
          SELECT EXISTS (SELECT 1 FROM destination_record WHERE domain = ? AND accepted >= ?
            AND last - first >= ? AND failed * 100 < ? * (accepted + failed))
          """),
      arguments: [
        domain, settings.earnedDeliveries, settings.earnedTime.wholeMilliseconds, settings.earnedFailures,
      ]) ?? false
  }

  /// Adds outcomes of deliveries to a destination.
  static func add(_ database: Database, _ outcome: DestinationOutcome, halvedAbove most: Int) throws {
    try database.cachedStatement(
      sql: """
        INSERT INTO destination_record(domain, first, last, accepted, failed) VALUES (?1, ?2, ?3, ?4, ?5)
        ON CONFLICT DO UPDATE SET last = max(last, excluded.last), accepted = accepted + excluded.accepted,
          failed = failed + excluded.failed
        """
    ).execute(arguments: [
      outcome.domain, outcome.first.milliseconds, outcome.last.milliseconds, outcome.accepted, outcome.failed,
    ])
    try database.cachedStatement(
      sql: """
        UPDATE destination_record SET accepted = accepted / 2, failed = (failed + 1) / 2
        WHERE domain = ? AND accepted + failed > ?
        """
    ).execute(arguments: [outcome.domain, most])
  }

  /// Forgets destinations that got no mail for long.
  static func sweep(_ database: Database, before: Timestamp) throws {
    try database.execute(sql: "DELETE FROM destination_record WHERE last < ?", arguments: [before.milliseconds])
  }

  private static func validation(_ row: Row) -> DomainValidation? {
    guard let domain = try? MailDomain(row[0] as String) else { return nil }
    return DomainValidation(
      domain: domain, state: DomainValidation.State(rawValue: row[1]) ?? .pending, token: row[2],
      proof: (row[3] as String?).flatMap(DomainValidation.Proof.init(rawValue:)),
      started: Timestamp(milliseconds: row[4]), checked: (row[5] as Int64?).map { Timestamp(milliseconds: $0) },
      proven: (row[6] as Int64?).map { Timestamp(milliseconds: $0) }, finding: row[7])
  }
}
