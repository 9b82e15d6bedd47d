import Basics
import GRDB
import Logging
import Synchronization

/// The last login of an account by one service.
package struct LastLogin: Sendable, Hashable {
  /// Which service.
  package let service: MailService
  /// When.
  package let at: Timestamp
  /// From where.
  package let peer: String
  /// How many logins there were in all.
  package let logins: Int
}

/// Collects last logins in memory and writes them in one transaction every few seconds: a polling client costs no
/// disk write of its own.
final class LoginHistory: Sendable {
  private struct Key: Hashable {
    let account: Int64
    let service: MailService
  }
  private struct Entry {
    var at: Timestamp
    var peer: IPAddress
    var logins: Int
  }
  private struct AppUse {
    var at: Timestamp
    var peer: IPAddress
    var service: MailService
  }
  private struct State {
    var logins: [Key: Entry] = [:]
    var appUses: [Int64: AppUse] = [:]
  }
  private let state = Mutex(State())
  private let database: HostDatabase
  private let limit: Int
  private let log: Logger

  init(database: HostDatabase, limit: Int, log: Logger) {
    self.database = database
    self.limit = max(1, limit)
    self.log = log
  }

  /// Notes a login; what does not fit any more is counted but not kept.
  ///
  /// - Returns: whether so much has come together that it should be written now.
  func note(account: Int64, service: MailService, appPassword: Int64?, peer: IPAddress, at: Timestamp) -> Bool {
    state.withLock { state in
      let key = Key(account: account, service: service)
      // While the disk is full nothing can be written; then memory must not grow for ever.
      if state.logins[key] != nil || state.logins.count < limit * 4 {
        let earlier = state.logins[key]?.logins ?? 0
        state.logins[key] = Entry(at: at, peer: peer, logins: earlier &+ 1)
      }
      if let appPassword, state.appUses[appPassword] != nil || state.appUses.count < limit * 4 {
        state.appUses[appPassword] = AppUse(at: at, peer: peer, service: service)
      }
      return state.logins.count >= limit
    }
  }

  /// Writes what has come together; on failure it is kept for the next time.
  func flush() async {
    let batch = state.withLock { state in
      defer { state = State() }
      return state
    }
    guard !batch.logins.isEmpty || !batch.appUses.isEmpty else { return }
    do {
      try await database.write { database in
        for (key, entry) in batch.logins { try Self.write(key, entry, in: database) }
        for (id, use) in batch.appUses { try Self.write(id, use, in: database) }
      }
    } catch {
      log.warning("last logins cannot be written", metadata: ["error": "\(error)"])
      putBack(batch)
    }
  }

  /// The last logins of an account, by service.
  static func fetch(account: Int64, in database: Database) throws -> [LastLogin] {
    try Row.fetchAll(
      database, sql: "SELECT service, at, peer, logins FROM login WHERE account_id = ? ORDER BY service",
      arguments: [account]
    ).compactMap { row in
      MailService(rawValue: row[0]).map {
        LastLogin(service: $0, at: Timestamp(milliseconds: row[1]), peer: row[2], logins: row[3])
      }
    }
  }

  private func putBack(_ batch: State) {
    state.withLock { state in
      for (key, entry) in batch.logins where state.logins.count < limit * 4 {
        if state.logins[key] == nil { state.logins[key] = entry } else { state.logins[key]?.logins &+= entry.logins }
      }
      for (id, use) in batch.appUses where state.appUses[id] == nil && state.appUses.count < limit * 4 {
        state.appUses[id] = use
      }
    }
  }

  private static func write(_ key: Key, _ entry: Entry, in database: Database) throws {
    // The account may be gone by now.
    let statement = try database.cachedStatement(
      sql: """
        INSERT INTO login(account_id, service, at, peer, logins)
        SELECT id, ?2, ?3, ?4, ?5 FROM account WHERE id = ?1
        ON CONFLICT DO UPDATE SET at = excluded.at, peer = excluded.peer, logins = logins + excluded.logins
        """)
    try statement.execute(
      arguments: [key.account, key.service.rawValue, entry.at.milliseconds, "\(entry.peer)", entry.logins])
  }

  private static func write(_ id: Int64, _ use: AppUse, in database: Database) throws {
    let statement = try database.cachedStatement(
      sql: "UPDATE app_password SET last_used_at = ?2, last_used_service = ?3, last_used_peer = ?4 WHERE id = ?1")
    try statement.execute(arguments: [id, use.at.milliseconds, use.service.rawValue, "\(use.peer)"])
  }
}
