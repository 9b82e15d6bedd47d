import Basics
import Glibc

/// The index was changed by another process since it was last read; loaded views are stale.
struct IndexChangedElsewhere: Error {}

/// One account's index: what IMAP and POP need and a Maildir cannot hold.
///
/// Belongs to the account's actor alone.
final class Index {
  let database: Database
  private let inode: UInt64
  private var dataVersion: Int64 = 0
  static let schemaVersion: Int64 = 1

  /// Opens or makes the index.
  ///
  /// - Throws: `DatabaseError`; when `isCorruption`, the file should be moved aside.
  init(path: String, busy: Duration) throws {
    let database = try Database(path: path, busy: busy)
    try database.execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-512;")
    let version = try database.integer("PRAGMA user_version") ?? 0
    if version == 0 {
      try database.transaction(durable: true) {
        if try database.integer("PRAGMA user_version") == 0 {
          try database.execute(Self.schema)
          try database.execute("PRAGMA user_version=\(Self.schemaVersion)")
        }
      }
    } else if version != Self.schemaVersion {
      throw DatabaseError(code: 26, text: "\(path): version \(version) is not ours")
    }
    guard let facts = FileSystem.facts(path) else { throw DatabaseError(code: 26, text: "\(path) vanished") }
    self.database = database
    inode = facts.inode
    dataVersion = try database.integer("PRAGMA data_version") ?? 0
  }

  private static let schema = """
    CREATE TABLE meta(key TEXT PRIMARY KEY, value INTEGER) WITHOUT ROWID;
    CREATE TABLE folder(
      id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, uid_validity INTEGER NOT NULL,
      uid_next INTEGER NOT NULL, mod_seq INTEGER NOT NULL, recent_from INTEGER NOT NULL,
      expunged_floor INTEGER NOT NULL, keywords TEXT NOT NULL, object_id TEXT NOT NULL,
      new_stamp INTEGER NOT NULL DEFAULT 0, cur_stamp INTEGER NOT NULL DEFAULT 0,
      messages INTEGER NOT NULL DEFAULT 0, unseen INTEGER NOT NULL DEFAULT 0, deleted INTEGER NOT NULL DEFAULT 0,
      wire_bytes INTEGER NOT NULL DEFAULT 0, file_bytes INTEGER NOT NULL DEFAULT 0, recent INTEGER NOT NULL DEFAULT 0);
    CREATE TABLE page(id INTEGER PRIMARY KEY, records BLOB NOT NULL);
    CREATE TABLE expunged(id INTEGER PRIMARY KEY, last INTEGER NOT NULL, mod_seq INTEGER NOT NULL);
    CREATE TABLE message_index(
      id INTEGER PRIMARY KEY, envelope BLOB NOT NULL, body BLOB NOT NULL, structure BLOB NOT NULL);
    CREATE TABLE message_keys(
      id INTEGER PRIMARY KEY, keys BLOB NOT NULL, email_id TEXT, thread_id TEXT, preview TEXT);
    CREATE TABLE message_uidl(id INTEGER PRIMARY KEY, uidl TEXT NOT NULL);
    """

  /// Whether the file at the path is still the one that is open.
  func isCurrent(path: String) -> Bool { FileSystem.facts(path)?.inode == inode }

  /// Whether another connection has committed since the last look.
  func changedElsewhere() throws -> Bool {
    let now = try database.integer("PRAGMA data_version") ?? 0
    defer { dataVersion = now }
    return now != dataVersion
  }

  /// A write transaction that fails when another process wrote since the last look.
  func write<T>(durable: Bool = false, _ body: () throws -> T) throws -> T {
    try database.transaction(durable: durable) {
      if try changedElsewhere() { throw IndexChangedElsewhere() }
      return try body()
    }
  }

  /// The key of a message in every table: folder, then UID.
  static func key(_ folder: Int64, _ uid: UInt32) -> Int64 { folder << 32 | Int64(uid) }
}
