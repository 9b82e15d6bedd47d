import Basics
import GRDB
import GRDBSQLite
import Logging

#if canImport(Glibc)
  import Glibc
#endif

/// Opens `queue.db`, durable and migrated, or puts a broken one aside.
enum QueueDatabase {
  static func open(
    _ settings: MailQueueSettings, _ role: MailQueue.Role, now: Timestamp, log: Logger
  ) throws -> (pool: DatabasePool, brokenDatabase: String?) {
    let path = settings.directory + "/queue.db"
    do {
      let pool = try open(path, settings)
      if role == .server { try check(pool) }
      return (pool, nil)
    } catch let error as DatabaseError
      where role == .server && [.SQLITE_CORRUPT, .SQLITE_NOTADB].contains(error.resultCode)
    {
      // The files hold the envelopes as well, so a broken database costs only the history of attempts.
      let aside = "\(path).broken-\(now.seconds)"
      log.error("queue database is broken; rebuilding it from the message files", metadata: ["kept": "\(aside)"])
      guard rename(path, aside) == 0 else { throw SystemFailure("rename", path).error }
      unlink(path + "-wal")
      unlink(path + "-shm")
      return (try open(path, settings), aside)
    }
  }

  private static func open(_ path: String, _ settings: MailQueueSettings) throws -> DatabasePool {
    var configuration = Configuration()
    configuration.busyMode = .timeout(Double(settings.busyTimeout.wholeMilliseconds) / 1000)
    configuration.label = "martinet.queue"
    configuration.maximumReaderCount = 4
    configuration.prepareDatabase { database in
      // The log stays when the last process closes the file, so that a queue on a full disk can still be opened.
      var keep: CInt = 1
      sqlite3_file_control(database.sqliteConnection, nil, SQLITE_FCNTL_PERSIST_WAL, &keep)
    }
    let pool = try DatabasePool(path: path, configuration: configuration)
    // The pool sets NORMAL itself when it turns on WAL; an acknowledged message must survive a power cut.
    try pool.writeWithoutTransaction { db in try db.execute(sql: "PRAGMA synchronous = FULL") }
    try QueueSchema.migrator.migrate(pool)
    return pool
  }

  private static func check(_ pool: DatabasePool) throws {
    let result = try pool.read { db in try String.fetchOne(db, sql: "PRAGMA quick_check(1)") }
    guard result == "ok" else {
      try? pool.close()
      throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: result)
    }
  }

  /// The name of this database's life, made with it.
  static func generation(_ pool: DatabasePool) throws -> String {
    try pool.write { db in
      if let id = try String.fetchOne(db, sql: "SELECT id FROM generation WHERE own") { return id }
      var random = SystemRandomNumberGenerator()
      let id = String(random.next(), radix: 16) + String(random.next(), radix: 16)
      try db.execute(sql: "INSERT INTO generation (id, own) VALUES (?, 1)", arguments: [id])
      return id
    }
  }
}
