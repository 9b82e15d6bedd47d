import Dispatch
import GRDB
import GRDBSQLite

#if canImport(Glibc)
  import Glibc
#endif

/// The host's one account database, `<data>/accounts.db`: opened once per process and shared by the rooms that keep
/// tables in it, so that what belongs together is committed together.
///
/// Writes go through ``write(_:)``, which groups waiting writers into one transaction: many logins share the price of
/// one fsync. Reads go through ``read(_:)``. Both leave event loops and the cooperative pool alone.
package final class HostDatabase: Sendable {
  /// What SQLite keeps in the file's header to name its owner: `MRTN`.
  static let applicationID: Int32 = 0x4D52_544E

  /// The pool itself, for rooms that need more than ``read(_:)`` and ``write(_:)``.
  package let pool: DatabasePool
  /// Where the file lies.
  package let path: String
  private let group: WriteGroup

  /// Opens the file, or makes it with mode 0600.
  ///
  /// - Parameters:
  ///   - path: the file; its directory must exist.
  ///   - settings: time limits and sizes.
  /// - Throws: ``HostDatabaseError``, whose description is one line for the administrator.
  package init(path: String, settings: HostDatabaseSettings = HostDatabaseSettings()) throws {
    self.path = path
    try FileHeader.check(path: path)
    do {
      pool = try DatabasePool(path: path, configuration: Self.configuration(settings))
      // GRDB's pool sets NORMAL after everything a configuration can do; FULL must be the last word, because an
      // acknowledged password change or lease has to survive a power cut.
      try pool.writeWithoutTransaction { try $0.execute(sql: "PRAGMA synchronous = FULL") }
      try pool.read { database in
        let owner = try Int32.fetchOne(database, sql: "PRAGMA application_id") ?? 0
        let tables = try Int.fetchOne(database, sql: "SELECT count(*) FROM sqlite_master") ?? 0
        guard owner == Self.applicationID || owner == 0 && tables == 0 else {
          throw HostDatabaseError(.foreign, path: path, text: "belongs to another program")
        }
      }
    } catch {
      throw HostDatabaseError(wrapping: error, path: path)
    }
    group = WriteGroup(pool: pool, limit: settings.writesPerTransaction)
  }

  private static func configuration(_ settings: HostDatabaseSettings) -> GRDB.Configuration {
    var configuration = GRDB.Configuration()
    configuration.label = "accounts"
    configuration.busyMode = .timeout(Double(settings.busyTimeout.wholeMilliseconds) / 1000)
    configuration.maximumReaderCount = max(1, settings.readers)
    configuration.foreignKeysEnabled = true
    configuration.prepareDatabase { database in
      // The log and its index stay when the last process closes the file, so that a host with a full disk can still
      // be started: nothing has to be allocated for reading.
      var keep: CInt = 1
      sqlite3_file_control(database.sqliteConnection, nil, SQLITE_FCNTL_PERSIST_WAL, &keep)
      try database.execute(sql: "PRAGMA cache_size = -\(settings.cacheKibibytes)")
    }
    return configuration
  }

  /// Reads in one consistent snapshot.
  package func read<T: Sendable>(_ body: @escaping @Sendable (Database) throws -> T) async throws -> T {
    try await pool.read(body)
  }

  /// Runs one unit of work in a durable transaction shared with other waiting writers, and returns when it is on disk.
  ///
  /// The unit has a savepoint of its own: when it throws, only its own changes are undone. Cancelling the caller does
  /// not interrupt it: a write is either done or failed, never unknown.
  package func write<T: Sendable>(_ body: @escaping @Sendable (Database) throws -> T) async throws -> T {
    try await group.submit(body)
  }

  /// Closes every connection; reads and writes fail afterwards.
  package func close() throws { try pool.close() }
}

/// Numbers of the database: time limits and sizes.
package struct HostDatabaseSettings: Sendable {
  /// How long a connection waits for another process's lock before the database counts as busy.
  package var busyTimeout: Duration = .seconds(5)
  /// How many reads may run at once.
  package var readers = 4
  /// Page cache per connection, in KiB.
  package var cacheKibibytes = 1024
  /// How many waiting writers share one transaction at most.
  package var writesPerTransaction = 256

  /// Makes the defaults.
  package init() {}
}
