import GRDB
import Logging
import Synchronization

/// Tells open sessions what happened to their accounts, whichever process did it.
///
/// Triggers note every change in the table `changes`, in the transaction of the change itself; this feed reads on from
/// the last row it saw, when it is poked and once per poll interval.
actor ChangeFeed {
  private let database: HostDatabase
  private let log: Logger
  private let keptRows: Int64
  private var lastSeen: Int64
  private nonisolated let watchers: Watchers

  /// - Throws: the database's error when the last row cannot be read.
  init(database: HostDatabase, keptRows: Int64, log: Logger) throws {
    self.database = database
    self.keptRows = keptRows
    self.log = log
    watchers = Watchers()
    lastSeen = try database.pool.read { try Self.newest(in: $0) }
  }

  /// Hands out what has been noted since the last look.
  func poll() async {
    let step = 1000
    var isMore = true
    while isMore {
      let start = lastSeen
      let rows: [(id: Int64, change: AccountChange?)]
      do {
        rows = try await database.read { try Self.rows(after: start, limit: step, in: $0) }
      } catch is CancellationError {
        return
      } catch {
        log.error("changes of accounts cannot be read", metadata: ["error": "\(error)"])
        return
      }
      // Another poll may have been faster while this one waited for its rows.
      for row in rows where row.id > lastSeen {
        lastSeen = row.id
        if let change = row.change { watchers.tell(change) }
      }
      isMore = rows.count == step
      if !rows.isEmpty { await prune() }
    }
  }

  /// Calls back for one account, or for all of them, until the token is gone.
  nonisolated func watch(
    _ account: Int64?, _ onChange: @escaping @Sendable (AccountChange) -> Void
  ) -> AccountWatch {
    AccountWatch(watchers: watchers, account: account, onChange)
  }

  private func prune() async {
    let limit = lastSeen - keptRows
    guard limit > 0 else { return }
    do {
      let oldest = try await database.read { try Int64.fetchOne($0, sql: "SELECT min(id) FROM changes") ?? 0 }
      // In large steps, so that it is a rare write.
      guard oldest < limit - keptRows / 4 else { return }
      try await database.write { try $0.execute(sql: "DELETE FROM changes WHERE id <= ?", arguments: [limit]) }
    } catch {
      log.warning("old changes of accounts cannot be dropped", metadata: ["error": "\(error)"])
    }
  }

  private static func newest(in database: Database) throws -> Int64 {
    try Int64.fetchOne(database, sql: "SELECT max(id) FROM changes") ?? 0
  }

  private static func rows(
    after last: Int64, limit: Int, in database: Database
  ) throws -> [(id: Int64, change: AccountChange?)] {
    let statement = try database.cachedStatement(
      sql: "SELECT id, account_id, what FROM changes WHERE id > ? ORDER BY id LIMIT ?")
    return try Row.fetchAll(statement, arguments: [last, limit]).map { row in
      let what = AccountChange.What(rawValue: row[2])
      return (row[0], what.map { AccountChange(accountID: row[1], what: $0) })
    }
  }
}

/// A session's interest in one account's changes; it ends with ``cancel()`` or when the value is released.
package final class AccountWatch: Sendable {
  private let watchers: Watchers
  private let account: Int64?
  private let token: UInt64

  fileprivate init(watchers: Watchers, account: Int64?, _ onChange: @escaping @Sendable (AccountChange) -> Void) {
    self.watchers = watchers
    self.account = account
    token = watchers.add(account, onChange)
  }

  /// Stops the calls.
  package func cancel() { watchers.remove(account, token) }

  deinit { cancel() }
}

/// Who wants to hear about whom; `nil` stands for everybody.
private final class Watchers: Sendable {
  private struct State {
    var next: UInt64 = 0
    var callbacks: [Int64?: [UInt64: @Sendable (AccountChange) -> Void]] = [:]
  }
  private let state = Mutex(State())

  func add(_ account: Int64?, _ callback: @escaping @Sendable (AccountChange) -> Void) -> UInt64 {
    state.withLock { state in
      state.next += 1
      state.callbacks[account, default: [:]][state.next] = callback
      return state.next
    }
  }

  func remove(_ account: Int64?, _ token: UInt64) {
    state.withLock { state in
      state.callbacks[account]?[token] = nil
      if state.callbacks[account]?.isEmpty == true { state.callbacks[account] = nil }
    }
  }

  func tell(_ change: AccountChange) {
    let callbacks = state.withLock { state in
      [state.callbacks[change.accountID], state.callbacks[nil]].compactMap { $0 }.flatMap { Array($0.values) }
    }
    for callback in callbacks { callback(change) }
  }
}
