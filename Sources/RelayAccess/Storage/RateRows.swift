import Basics
import GRDB

/// The SQL of rates: written every few seconds, read at start and by `blacklist explain`.
enum RateRows {
  /// Every window written down.
  static func load(_ database: Database) throws -> [SavedRate] {
    try Row.fetchAll(database, sql: "SELECT key, samples FROM rate_counter ORDER BY last DESC").compactMap(rate)
  }

  /// The windows of one network or account.
  static func find(_ database: Database, owner: String) throws -> [SavedRate] {
    let keys = RateKind.allCases.map { "\($0.rawValue) \(owner)" }
    let marks = Array(repeating: "?", count: keys.count).joined(separator: ", ")
    return try Row.fetchAll(
      database, sql: "SELECT key, samples FROM rate_counter WHERE key IN (\(marks))",
      arguments: StatementArguments(keys)
    ).compactMap(rate)
  }

  /// Writes windows; empty ones are removed.
  static func save(_ database: Database, _ rates: [SavedRate]) throws {
    let put = try database.cachedStatement(
      sql: """
        INSERT INTO rate_counter(key, samples, last) VALUES (?, ?, ?)
        ON CONFLICT DO UPDATE SET samples = excluded.samples, last = excluded.last
        """)
    let remove = try database.cachedStatement(sql: "DELETE FROM rate_counter WHERE key = ?")
    for rate in rates {
      if let last = rate.samples.last {
        let samples = rate.samples.map { "\($0.at):\($0.count)" }.joined(separator: ",")
        try put.execute(arguments: [rate.key.text, samples, last.at])
      } else {
        try remove.execute(arguments: [rate.key.text])
      }
    }
  }

  /// Forgets windows that nobody moved for a long time.
  static func sweep(_ database: Database, before: Timestamp) throws {
    try database.execute(sql: "DELETE FROM rate_counter WHERE last < ?", arguments: [before.milliseconds])
    try database.execute(sql: "DELETE FROM counter_reset WHERE at < ?", arguments: [before.milliseconds])
  }

  /// When an administrator last reset the counters of a network.
  static func resetMoment(_ database: Database, net: IPNetwork) throws -> Timestamp? {
    try Int64.fetchOne(
      database.cachedStatement(sql: "SELECT at FROM counter_reset WHERE net = ?"), arguments: [net.description]
    ).map { Timestamp(milliseconds: $0) }
  }

  /// Notes that the counters of a network begin anew, and forgets those written.
  static func reset(_ database: Database, net: IPNetwork, now: Timestamp) throws {
    try database.execute(
      sql: "INSERT INTO counter_reset VALUES (?, ?) ON CONFLICT DO UPDATE SET at = excluded.at",
      arguments: [net.description, now.milliseconds])
    for kind in RateKind.allCases {
      try database.execute(
        sql: "DELETE FROM rate_counter WHERE key = ?", arguments: ["\(kind.rawValue) \(net)"])
    }
  }

  private static func rate(_ row: Row) -> SavedRate? {
    guard let key = RateKey(text: row[0]) else { return nil }
    let samples = (row[1] as String).split(separator: ",").compactMap { part -> SlidingWindow.Sample? in
      let pair = part.split(separator: ":")
      guard pair.count == 2, let at = Int64(pair[0]), let count = Int(pair[1]), count > 0, count < 1 << 40 else {
        return nil
      }
      return SlidingWindow.Sample(at: at, count: count)
    }
    return SavedRate(key: key, samples: samples)
  }
}
