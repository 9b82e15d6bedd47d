import Basics
import GRDB

/// The SQL of the blacklist.
enum BlacklistRows {
  private static let columns = "net, created, expires, cause, reason, level, counters, node"

  /// A number that moves with every change of the list.
  static func generation(_ database: Database) throws -> Int64 {
    try Int64.fetchOne(database.cachedStatement(sql: "SELECT value FROM relay_meta WHERE key = 'blacklist'")) ?? 0
  }

  /// The list, oldest first.
  static func all(_ database: Database) throws -> [BlacklistEntry] {
    try Row.fetchAll(database, sql: "SELECT \(columns) FROM blacklist ORDER BY created, net").compactMap(entry)
  }

  /// Every exemption, ended or not.
  static func exemptions(_ database: Database) throws -> [BlacklistExemption] {
    try Row.fetchAll(database, sql: "SELECT net, until, note FROM blacklist_exempt ORDER BY net").compactMap { row in
      IPNetwork(row[0] as String).map {
        BlacklistExemption(net: $0, until: Timestamp(milliseconds: row[1]), note: row[2])
      }
    }
  }

  /// Puts a network on the list; what was there goes to the history.
  static func put(_ database: Database, _ new: BlacklistEntry) throws {
    try end(database, net: new.net, now: new.created, how: "replaced", counts: false)
    try database.execute(
      sql: "INSERT INTO blacklist(\(columns)) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
      arguments: [
        new.net.description, new.created.milliseconds, new.expires?.milliseconds, new.cause.rawValue, new.reason,
        new.level, new.counters, new.node,
      ])
  }

  /// Takes a network off the list; the history keeps it.
  ///
  /// - Parameter counts: whether the next term grows by it.
  /// - Returns: whether it was on the list.
  @discardableResult
  static func end(
    _ database: Database, net: IPNetwork, now: Timestamp, how: String, counts: Bool
  ) throws -> Bool {
    try database.execute(
      sql: """
        INSERT INTO blacklist_history(net, created, ended, how, cause, reason, level, counters, counts)
        SELECT net, created, ?, ?, cause, reason, level, counters, ? AND cause <> 'admin' FROM blacklist WHERE net = ?
        """, arguments: [now.milliseconds, how, counts, net.description])
    guard database.changesCount > 0 else { return false }
    try database.execute(sql: "DELETE FROM blacklist WHERE net = ?", arguments: [net.description])
    return true
  }

  /// How often a network was blacklisted for what it did, within memory; an entry that has run out but was not swept
  /// yet counts.
  static func offences(_ database: Database, net: IPNetwork, since: Timestamp) throws -> Int {
    try Int.fetchOne(
      database,
      sql: """
        SELECT (SELECT count(*) FROM blacklist_history WHERE net = ?1 AND counts = 1 AND ended >= ?2)
          + (SELECT count(*) FROM blacklist WHERE net = ?1 AND cause <> 'admin')
        """, arguments: [net.description, since.milliseconds]) ?? 0
  }

  /// The history of one network, latest first.
  static func history(_ database: Database, net: IPNetwork) throws -> [BlacklistHistory] {
    try Row.fetchAll(
      database,
      sql: """
        SELECT net, created, NULL, cause, reason, level, counters, '', ended, how FROM blacklist_history
        WHERE net = ? ORDER BY id DESC LIMIT 50
        """, arguments: [net.description]
    ).compactMap { row in
      entry(row).map { BlacklistHistory(entry: $0, ended: Timestamp(milliseconds: row[8]), how: row[9]) }
    }
  }

  /// Earlier offences count no longer.
  static func forgive(_ database: Database, net: IPNetwork) throws {
    try database.execute(
      sql: "UPDATE blacklist_history SET counts = 0 WHERE net = ?", arguments: [net.description])
  }

  /// Exempts a network for a time.
  static func exempt(_ database: Database, net: IPNetwork, until: Timestamp, note: String) throws {
    try database.execute(
      sql: """
        INSERT INTO blacklist_exempt VALUES (?, ?, ?)
        ON CONFLICT DO UPDATE SET until = excluded.until, note = excluded.note
        """, arguments: [net.description, until.milliseconds, note])
  }

  /// Ends what has run out, and forgets the oldest history.
  static func sweep(_ database: Database, now: Timestamp, historyBefore: Timestamp) throws {
    let ended = try String.fetchAll(
      database, sql: "SELECT net FROM blacklist WHERE expires <= ?", arguments: [now.milliseconds])
    for net in ended.compactMap({ IPNetwork($0) }) {
      try end(database, net: net, now: now, how: "expired", counts: true)
    }
    try database.execute(sql: "DELETE FROM blacklist_exempt WHERE until <= ?", arguments: [now.milliseconds])
    try database.execute(sql: "DELETE FROM sending_stop WHERE until <= ?", arguments: [now.milliseconds])
    try database.execute(
      sql: "DELETE FROM blacklist_history WHERE ended < ?", arguments: [historyBefore.milliseconds])
  }

  private static func entry(_ row: Row) -> BlacklistEntry? {
    guard let net = IPNetwork(row[0] as String) else { return nil }
    return BlacklistEntry(
      net: net, created: Timestamp(milliseconds: row[1]),
      expires: (row[2] as Int64?).map { Timestamp(milliseconds: $0) },
      cause: BlacklistEntry.Cause(rawValue: row[3]) ?? .admin, reason: row[4], level: row[5], counters: row[6],
      node: row[7])
  }
}
