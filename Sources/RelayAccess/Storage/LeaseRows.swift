import Basics
import GRDB

/// The SQL of leases.
///
/// Every function runs inside the caller's transaction.
enum LeaseRows {
  private static let columns = """
    net, account_id, account, id, proto, tls, first_seen, last_seen, expires, lifetime, logins, msgs, rcpts, node,
    origin, revoked_at, revoked_why
    """

  /// The row of one network and account, dead or alive.
  static func find(_ database: Database, net: IPNetwork, accountID: Int64) throws -> Lease? {
    let row = try Row.fetchOne(
      database.cachedStatement(sql: "SELECT \(columns) FROM open_smtp WHERE net = ? AND account_id = ?"),
      arguments: [net.description, accountID])
    return row.flatMap(lease)
  }

  /// The rows that hold for an address, newest login first: its own network's, and an administrator's wider ones.
  static func covering(
    _ database: Database, address: IPAddress, net: IPNetwork, limit: Int
  ) throws -> [Lease] {
    let own = try Row.fetchAll(
      database.cachedStatement(
        sql: "SELECT \(columns) FROM open_smtp WHERE net = ? ORDER BY last_seen DESC LIMIT ?"),
      arguments: [net.description, limit])
    let wide = try Row.fetchAll(
      database.cachedStatement(
        sql: "SELECT \(columns) FROM open_smtp INDEXED BY open_smtp_wide WHERE wide = 1 AND net <> ?"),
      arguments: [net.description])
    var leases = own.compactMap(lease)
    guard !wide.isEmpty else { return leases }
    leases += wide.compactMap(lease).filter { $0.net.contains(address) }
    return leases.sorted { $0.lastSeen > $1.lastSeen }
  }

  /// Live rows of a network: what makes it a shared one.
  static func liveCount(_ database: Database, net: IPNetwork, now: Timestamp) throws -> Int {
    try Int.fetchOne(
      database.cachedStatement(
        sql: "SELECT count(*) FROM open_smtp WHERE net = ? AND revoked_at IS NULL AND expires > ?"),
      arguments: [net.description, now.milliseconds]) ?? 0
  }

  /// All rows that a condition selects, by network and account.
  static func list(
    _ database: Database, where condition: String = "1", arguments: StatementArguments = []
  ) throws -> [Lease] {
    try Row.fetchAll(
      database, sql: "SELECT \(columns) FROM open_smtp WHERE \(condition) ORDER BY net, account", arguments: arguments
    ).compactMap(lease)
  }

  /// A lease by its trace id, swept ones included.
  static func trace(_ database: Database, id: String) throws -> Lease? {
    try Row.fetchOne(
      database,
      sql: """
        SELECT \(columns) FROM open_smtp WHERE id = ?1
        UNION ALL SELECT \(columns) FROM open_smtp_history WHERE id = ?1 LIMIT 1
        """, arguments: [id]
    ).flatMap(lease)
  }

  /// Writes a row; an older one of the same network and account goes to the history when it has another id.
  static func put(_ database: Database, _ lease: Lease, wide: Bool) throws {
    try archive(
      database, where: "net = ? AND account_id = ? AND id <> ?",
      arguments: [lease.net.description, lease.accountID, lease.id])
    try database.cachedStatement(
      sql: """
        INSERT INTO open_smtp(net, account_id, account, id, wide, proto, tls, first_seen, last_seen, expires, lifetime,
          logins, msgs, rcpts, node, origin, revoked_at, revoked_why)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, NULL)
        ON CONFLICT(net, account_id) DO UPDATE SET account = excluded.account, id = excluded.id, wide = excluded.wide,
          proto = excluded.proto, tls = excluded.tls, first_seen = excluded.first_seen, last_seen = excluded.last_seen,
          expires = excluded.expires, lifetime = excluded.lifetime, logins = excluded.logins, msgs = excluded.msgs,
          rcpts = excluded.rcpts, node = excluded.node, origin = excluded.origin, revoked_at = NULL, revoked_why = NULL
        """
    ).execute(arguments: [
      lease.net.description, lease.accountID, lease.account, lease.id, wide, lease.proto, lease.tls,
      lease.firstSeen.milliseconds, lease.lastSeen.milliseconds, lease.expires.milliseconds,
      lease.lifetime.wholeMilliseconds, lease.logins, lease.messages, lease.recipients, lease.node,
      lease.origin.rawValue,
    ])
  }

  /// Writes what memory knows newer of a live row; a row that was revoked or opened anew stays as it is.
  static func refresh(_ database: Database, _ change: LeaseChange) throws {
    try database.cachedStatement(
      sql: """
        UPDATE open_smtp SET last_seen = max(last_seen, ?), expires = max(expires, ?), logins = logins + ?,
          msgs = msgs + ?, rcpts = rcpts + ?
        WHERE net = ? AND account_id = ? AND id = ? AND revoked_at IS NULL
        """
    ).execute(arguments: [
      change.lastSeen.milliseconds, change.expires.milliseconds, change.logins, change.messages, change.recipients,
      change.key.net.description, change.key.accountID, change.id,
    ])
  }

  /// Shortens a row whose end lies further away than its lifetime: the clock was set back.
  static func clamp(_ database: Database, id: String, expires: Timestamp) throws {
    try database.execute(
      sql: "UPDATE open_smtp SET expires = min(expires, ?) WHERE id = ?", arguments: [expires.milliseconds, id])
  }

  /// Takes rows back; the rows stay as tombstones.
  ///
  /// - Returns: the rows that were live until now, as they are after it.
  static func revoke(
    _ database: Database, where condition: String, arguments: StatementArguments, now: Timestamp, why: String
  ) throws -> [Lease] {
    let all: StatementArguments = [now.milliseconds, why]
    return try Row.fetchAll(
      database,
      sql: """
        UPDATE open_smtp SET revoked_at = ?, revoked_why = ? WHERE revoked_at IS NULL AND (\(condition))
        RETURNING \(columns)
        """, arguments: all + arguments
    ).compactMap(lease)
  }

  /// Moves rows to the history, where trace ids are still found.
  @discardableResult
  static func archive(
    _ database: Database, where condition: String, arguments: StatementArguments
  ) throws -> Int {
    try database.cachedStatement(
      sql: "INSERT OR REPLACE INTO open_smtp_history(\(columns)) SELECT \(columns) FROM open_smtp WHERE \(condition)"
    ).execute(arguments: arguments)
    guard database.changesCount > 0 else { return 0 }
    try database.cachedStatement(sql: "DELETE FROM open_smtp WHERE \(condition)").execute(arguments: arguments)
    return database.changesCount
  }

  /// Archives what ended long ago and forgets the oldest history.
  ///
  /// - Parameters:
  ///   - before: rows that ended earlier go to the history; tombstones are kept two lifetimes by the caller's choice.
  ///   - historyBefore: history rows last seen earlier are forgotten.
  static func sweep(_ database: Database, before: Timestamp, historyBefore: Timestamp) throws -> Int {
    let gone = try archive(
      database,
      where: "(revoked_at IS NULL AND expires < ?1) OR (revoked_at < ?1 AND expires < ?1)",
      arguments: [before.milliseconds])
    try database.execute(
      sql: "DELETE FROM open_smtp_history WHERE last_seen < ?", arguments: [historyBefore.milliseconds])
    return gone
  }

  /// Until when a network's leases are paused.
  static func pausedUntil(_ database: Database, net: IPNetwork) throws -> Timestamp? {
    try Int64.fetchOne(
      database.cachedStatement(sql: "SELECT until FROM open_smtp_pause WHERE net = ?"), arguments: [net.description]
    ).map { Timestamp(milliseconds: $0) }
  }

  /// Pauses a network's leases.
  static func pause(_ database: Database, net: IPNetwork, until: Timestamp, failures: Int) throws {
    try database.execute(
      sql: """
        INSERT INTO open_smtp_pause VALUES (?, ?, ?)
        ON CONFLICT DO UPDATE SET until = max(until, excluded.until), failures = excluded.failures
        """, arguments: [net.description, until.milliseconds, failures])
  }

  private static func lease(_ row: Row) -> Lease? {
    // Columns by place: this runs at each RCPT, and names cost a search each.
    guard let net = IPNetwork(row[0] as String) else { return nil }
    return Lease(
      id: row[3], net: net, accountID: row[1], account: row[2], proto: row[4], tls: row[5],
      firstSeen: Timestamp(milliseconds: row[6]), lastSeen: Timestamp(milliseconds: row[7]),
      expires: Timestamp(milliseconds: row[8]), lifetime: .milliseconds(row[9] as Int64), logins: row[10],
      messages: row[11], recipients: row[12], node: row[13], origin: Lease.Origin(rawValue: row[14]) ?? .login,
      revokedAt: (row[15] as Int64?).map { Timestamp(milliseconds: $0) }, revokedWhy: row[16])
  }
}
