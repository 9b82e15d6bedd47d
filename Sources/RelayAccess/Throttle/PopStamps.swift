import Basics
import GRDB
import Synchronization

/// Whose POP logins one pause separates.
struct PopKey: Hashable, Sendable {
  let accountID: Int64
  /// Empty when the pause counts for the whole account.
  let net: String
}

/// The moments of POP logins by the monotonic clock, as this process saw them.
///
/// The rows on disk say which logins count, so that a reset from another process holds; memory says how long ago they
/// were, so that setting the wall clock changes nothing.
final class PopStamps: Sendable {
  private struct State {
    var stamps: [PopKey: [Int64: Duration]] = [:]
    var order: [PopKey] = []
  }
  private let state = Mutex(State())
  private let capacity: Int
  private static let perKey = 16

  init(capacity: Int) { self.capacity = max(1, capacity) }

  /// Notes a committed login.
  func add(_ key: PopKey, at wall: Timestamp, uptime: Duration) {
    state.withLock { state in
      if state.stamps[key] == nil { state.order.append(key) }
      state.stamps[key, default: [:]][wall.milliseconds] = uptime
      if let count = state.stamps[key]?.count, count > Self.perKey,
        let oldest = state.stamps[key]?.min(by: { $0.value < $1.value })?.key
      {
        state.stamps[key]?[oldest] = nil
      }
      guard state.stamps.count > capacity else { return }
      let dropped = state.order.prefix(max(1, capacity / 10))
      for key in dropped { state.stamps[key] = nil }
      state.order.removeFirst(dropped.count)
    }
  }

  /// How long ago logins were, by the monotonic clock where this process saw them; unseen ones by the wall clock, and
  /// those from its future not at all.
  func ages(_ key: PopKey, rows: [Int64], now: Timestamp, uptime: Duration) -> [Duration] {
    state.withLock { state in
      let seen = state.stamps[key] ?? [:]
      return rows.compactMap { row in
        if let moment = seen[row] { return uptime - moment }
        let age = now - Timestamp(milliseconds: row)
        return age >= .zero ? age : nil
      }
    }
  }

  /// Forgets logins that no pause can reach any more.
  func forget(olderThan age: Duration, uptime: Duration) {
    state.withLock { state in
      for (key, stamps) in state.stamps {
        let kept = stamps.filter { uptime - $0.value < age }
        state.stamps[key] = kept.isEmpty ? nil : kept
      }
      let known = state.stamps
      state.order.removeAll { known[$0] == nil }
    }
  }
}

/// The SQL of POP login stamps.
enum PopRows {
  /// The stamps of one key, in milliseconds.
  static func find(_ database: Database, _ key: PopKey) throws -> [Int64] {
    try Int64.fetchAll(
      database.cachedStatement(sql: "SELECT at FROM pop_login WHERE account_id = ? AND net = ? ORDER BY at"),
      arguments: [key.accountID, key.net])
  }

  /// Adds a stamp.
  static func put(_ database: Database, accountID: Int64, net: String, at now: Timestamp) throws {
    try database.cachedStatement(sql: "INSERT OR REPLACE INTO pop_login(account_id, net, at) VALUES (?, ?, ?)")
      .execute(arguments: [accountID, net, now.milliseconds])
  }

  /// Every stamp of an account with its network.
  static func all(_ database: Database, accountID: Int64) throws -> [(net: String, at: Int64)] {
    try Row.fetchAll(
      database, sql: "SELECT net, at FROM pop_login WHERE account_id = ? ORDER BY net, at", arguments: [accountID]
    ).map { ($0[0], $0[1]) }
  }

  /// Forgets an account's stamps.
  static func reset(_ database: Database, accountID: Int64) throws -> Int {
    try database.execute(sql: "DELETE FROM pop_login WHERE account_id = ?", arguments: [accountID])
    return database.changesCount
  }

  /// Forgets stamps older than any pause.
  static func sweep(_ database: Database, before: Timestamp) throws {
    try database.execute(sql: "DELETE FROM pop_login WHERE at < ?", arguments: [before.milliseconds])
  }
}
