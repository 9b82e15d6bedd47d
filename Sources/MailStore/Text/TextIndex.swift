import Basics
import Glibc
import Logging
import Synchronization

/// One account's text index: what its messages say, folded for SEARCH, and which sequences of three characters they
/// hold (SQLite's FTS5, `trigram`).
///
/// It is in a file of its own and holds nothing that the messages do not tell: a broken one is removed. Messages are
/// known by EMAILID, so that copies share their text and a new index of the account finds it again. One connection
/// reads and one writes, each under its own lock; all calls block.
final class TextIndex: Sendable {
  /// What a message is entered with.
  struct Entry: Sendable {
    var uid: UInt32
    var emailID: String
    /// `nil` when the document is known already.
    var text: SearchText?
  }

  // Used under its lock only.
  private struct Connection: @unchecked Sendable {
    var database: Database?
    var identity: Int64 = 0
    /// Used since the last `rest()`.
    var wasUsed = false

    mutating func rest() {
      if !wasUsed { database = nil }
      wasUsed = false
    }
  }

  let path: String
  let settings: MailStoreSettings
  let log: Logger
  private let reading = Mutex(Connection())
  private let writing = Mutex(Connection())

  init(account: String, settings: MailStoreSettings, log: Logger) {
    path = account + "/text.db"
    self.settings = settings
    self.log = log
  }

  /// Whether text is indexed at all.
  var isOn: Bool { settings.textIndex }

  /// Of the tables, and of how text is folded: a file of another version is removed and made anew.
  private static let version: Int64 = 3

  // A document's number is never given again (AUTOINCREMENT): those up to `grams_done` are taken for split.
  private static let schema = """
    CREATE TABLE meta(key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE document(
      id INTEGER PRIMARY KEY AUTOINCREMENT, email_id TEXT NOT NULL UNIQUE, is_whole INTEGER NOT NULL,
      header BLOB NOT NULL, parts BLOB NOT NULL, body BLOB NOT NULL);
    CREATE INDEX document_cut ON document(id) WHERE is_whole = 0;
    CREATE TABLE message(id INTEGER PRIMARY KEY, document INTEGER NOT NULL);
    CREATE INDEX message_document ON message(document);
    CREATE TABLE folder(id INTEGER PRIMARY KEY, done INTEGER NOT NULL);
    CREATE VIRTUAL TABLE grams USING fts5(
      text, content='', columnsize=0, detail=none, tokenize='trigram case_sensitive 1');
    INSERT INTO meta(key, value) VALUES('identity', 0), ('grams_done', 0);
    PRAGMA user_version=\(version);
    """

  /// Closes the connections that nobody works with just now; they are opened again when needed.
  func close() {
    _ = reading.withLockIfAvailable { $0.database = nil }
    _ = writing.withLockIfAvailable { $0.database = nil }
  }

  /// Closes the connections that nobody has used since the last call: an account that is only watched needs none.
  func rest() {
    _ = reading.withLockIfAvailable { $0.rest() }
    _ = writing.withLockIfAvailable { $0.rest() }
  }

  /// Whether a connection is open that nobody works with just now.
  var mayRest: Bool {
    reading.withLockIfAvailable { $0.database != nil } == true
      || writing.withLockIfAvailable { $0.database != nil } == true
  }

  /// Gives back what connections keep that nobody works with just now.
  func releaseMemory() {
    _ = reading.withLockIfAvailable { $0.database?.releaseMemory() }
    _ = writing.withLockIfAvailable { $0.database?.releaseMemory() }
  }

  /// Runs `body` with the reading connection; `nil` when there is no text index, or it failed.
  ///
  /// - Parameter identity: of the index whose folders and UIDs are asked for; `nil` when only documents are.
  func read<T: Sendable>(identity: Int64?, _ body: (Database) throws -> T) -> T? {
    guard isOn else { return nil }
    do {
      return try reading.withLock { connection -> T? in
        connection.wasUsed = true
        if connection.database == nil || identity.map({ $0 != connection.identity }) ?? false {
          guard FileSystem.exists(path) else { return nil }
          let opened = try Database(path: path, busy: settings.databaseBusy)
          guard try opened.integer("PRAGMA user_version") == Self.version else { return nil }
          connection.database = opened
          connection.identity = identity ?? 0
        }
        guard let database = connection.database else { return nil }
        return try database.reading {
          if let identity, try database.integer("SELECT value FROM meta WHERE key = 'identity'") != identity {
            return nil
          }
          return try body(database)
        }
      }
    } catch {
      fail(error)
      return nil
    }
  }

  /// Runs `body` in one transaction of the writing connection; `nil` when it failed, which loses nothing but speed.
  func write<T: Sendable>(identity: Int64, _ body: (Database) throws -> T) -> T? {
    guard isOn else { return nil }
    do {
      return try writing.withLock { connection -> T in
        connection.wasUsed = true
        let database = try connection.database ?? open()
        connection.database = database
        return try database.transaction {
          if connection.identity != identity { try adopt(identity, database) }
          connection.identity = identity
          return try body(database)
        }
      }
    } catch {
      fail(error)
      return nil
    }
  }

  private func open() throws -> Database {
    let database = try Database(path: path, busy: settings.databaseBusy)
    try database.execute(
      "PRAGMA page_size=8192; PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-4096;")
    let version = try database.integer("PRAGMA user_version") ?? 0
    if version == 0 {
      try database.transaction { try database.execute(Self.schema) }
    } else if version != Self.version {
      throw DatabaseError(code: 26, text: "\(path): version \(version) is not ours")
    }
    return database
  }

  /// Folder numbers belong to one index of the account: under another one only the documents are good.
  private func adopt(_ identity: Int64, _ database: Database) throws {
    guard try database.integer("SELECT value FROM meta WHERE key = 'identity'") != identity else { return }
    try database.execute("DELETE FROM message; DELETE FROM folder;")
    try database.statement("UPDATE meta SET value = ?1 WHERE key = 'identity'").bind(1, identity).run()
  }

  /// Removes a file that is no text index; all else passes.
  private func fail(_ error: any Error) {
    log.warning("text index failed", metadata: ["index": "\(path)", "error": "\(error)"])
    guard let error = error as? DatabaseError, error.isCorruption else { return }
    close()
    for suffix in ["", "-wal", "-shm"] { unlink(path + suffix) }
  }
}
