import Basics
import Glibc

/// The index was changed by another process since it was last read; loaded views are stale.
struct IndexChangedElsewhere: Error {}

/// The file at the index's path is another one now.
struct IndexReplacedElsewhere: Error {}

/// One account's index: what IMAP and POP need and a Maildir cannot hold.
///
/// Belongs to the account's actor alone.
final class Index {
  let database: Database
  let path: String
  /// Whether this call made the file.
  let isNew: Bool
  private let inode: UInt64
  private var dataVersion: Int64 = 0
  /// A number of this index alone: what lies elsewhere and names its folders belongs to it.
  let identity: Int64
  /// What was taken for written by the transaction that is open.
  private var undoing: [() -> Void] = []

  /// Opens or makes the index.
  ///
  /// - Throws: `DatabaseError`; when `isCorruption`, the file should be moved aside.
  init(path: String, busy: Duration) throws {
    let database = try Database(path: path, busy: busy)
    try database.execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-512;")
    // A folder of 100,000 messages at first sight is one log, and does not wait for the disk to copy it over.
    try database.execute("PRAGMA wal_autocheckpoint=4000")
    isNew = try Self.migrate(database)
    identity = try database.integer("SELECT value FROM meta WHERE key = 'identity'") ?? 0
    guard let facts = FileSystem.facts(path) else { throw DatabaseError(code: 26, text: "\(path) vanished") }
    self.database = database
    self.path = path
    inode = facts.inode
    dataVersion = try database.integer("PRAGMA data_version") ?? 0
  }

  /// Whether the file at the path is still the one that is open.
  func isCurrent(path: String) -> Bool { FileSystem.facts(path)?.inode == inode }

  /// Whether another connection has committed since the last look.
  func changedElsewhere() throws -> Bool {
    let now = try database.integer("PRAGMA data_version") ?? 0
    defer { dataVersion = now }
    return now != dataVersion
  }

  /// A write transaction that fails when another process wrote since the last look, or put another index in place:
  /// UIDs reserved in a file that was moved away would be given again from the new one.
  func write<T>(durable: Bool = false, _ body: () throws -> T) throws -> T {
    if database.isInTransaction { return try database.transaction(body) }
    undoing = []
    defer { undoing = [] }
    do {
      return try database.transaction(durable: durable) {
        guard isCurrent(path: path) else { throw IndexReplacedElsewhere() }
        if try changedElsewhere() { throw IndexChangedElsewhere() }
        return try body()
      }
    } catch {
      for undo in undoing.reversed() { undo() }
      throw error
    }
  }

  /// Calls `undo` if the transaction that is open fails in the end.
  func ifRolledBack(_ undo: @escaping () -> Void) {
    if database.isInTransaction { undoing.append(undo) }
  }

  /// The key of a message in every table: folder, then UID.
  static func key(_ folder: Int64, _ uid: UInt32) -> Int64 { folder << 32 | Int64(uid) }
}
