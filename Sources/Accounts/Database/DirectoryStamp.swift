import GRDBSQLite
import Synchronization

/// Tells whether what recipients and logins are found by has changed, whichever process did it, at the price of a look into the
/// write-ahead log's shared index.
///
/// Triggers count every change of domains, accounts, app passwords, aliases and offers in `directory_stamp`. Reading it takes a
/// connection of its own that is asked in place, without a thread: WAL readers wait for nobody, and when nothing at all was
/// committed since the last look, no page is read either.
final class DirectoryStamp: Sendable {
  /// SQLite's handles, which one thread at a time uses, under the lock.
  private struct State: @unchecked Sendable {
    var connection: OpaquePointer?
    var version: OpaquePointer?
    var stamp: OpaquePointer?
    var lastVersion: Int64 = -1
    var lastStamp: Int64?
  }
  private let state: Mutex<State>

  /// Opens the connection; the tables must be there.
  ///
  /// - Throws: ``HostDatabaseError`` when the database cannot be opened.
  init(path: String) throws {
    var state = State()
    do {
      let flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX
      guard sqlite3_open_v2(path, &state.connection, flags, nil) == SQLITE_OK else {
        throw HostDatabaseError(.unavailable, path: path, text: Self.message(state.connection))
      }
      var keep: CInt = 1
      sqlite3_file_control(state.connection, nil, SQLITE_FCNTL_PERSIST_WAL, &keep)
      state.version = try Self.prepare("PRAGMA data_version", state.connection, path)
      state.stamp = try Self.prepare("SELECT value FROM directory_stamp", state.connection, path)
    } catch {
      Self.close(&state)
      throw error
    }
    self.state = Mutex(state)
  }

  deinit { state.withLock { Self.close(&$0) } }

  /// The count of changes; `nil` when it cannot be told now.
  func current() -> Int64? {
    state.withLock { state in
      guard let version = Self.number(state.version) else { return nil }
      if version == state.lastVersion { return state.lastStamp }
      // Read after the version: a change in between shows as another version next time.
      state.lastStamp = Self.number(state.stamp)
      state.lastVersion = state.lastStamp == nil ? -1 : version
      return state.lastStamp
    }
  }

  private static func number(_ statement: OpaquePointer?) -> Int64? {
    guard let statement else { return nil }
    defer { sqlite3_reset(statement) }
    return sqlite3_step(statement) == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : nil
  }

  private static func prepare(_ sql: String, _ connection: OpaquePointer?, _ path: String) throws -> OpaquePointer? {
    var statement: OpaquePointer?
    guard sqlite3_prepare_v3(connection, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &statement, nil) == SQLITE_OK
    else {
      throw HostDatabaseError(.unavailable, path: path, text: message(connection))
    }
    return statement
  }

  private static func message(_ connection: OpaquePointer?) -> String {
    sqlite3_errmsg(connection).map { String(cString: $0) } ?? "cannot be opened"
  }

  private static func close(_ state: inout State) {
    sqlite3_finalize(state.version)
    sqlite3_finalize(state.stamp)
    sqlite3_close_v2(state.connection)
    state = State()
  }
}
