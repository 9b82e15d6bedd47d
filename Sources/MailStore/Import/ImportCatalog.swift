import Basics
import Glibc

/// A message of the source that waits to be taken.
struct ImportCandidate {
  /// The file's name before the `:`, and what lies behind it.
  var base: [UInt8]
  var info: [UInt8]
  var inNew: Bool
  var size: Int64
  /// What the source's lists say of it.
  var uid: UInt32?
  var uniqueID: [UInt8]?
  var guid: [UInt8]?
  var popOrder: UInt32?
  var keywords: [String]
  /// The name of the file that lies in the folder already and no index knows.
  var placedName: [UInt8]?
  var isPlacedInNew: Bool
  /// Another message has its name here.
  var clashes: Bool

  /// The file's name in the source.
  var fileName: [UInt8] { info.isEmpty ? base : base + [UInt8(ascii: ":")] + info }
}

/// Everything known of a source's messages, on disk instead of in memory, joined there by file name; and, in a file
/// that stays, which messages were taken by earlier runs.
final class ImportCatalog {
  let database: Database

  /// Octets of pages SQLite keeps in memory, in KiB.
  private static let cache = 16 << 10

  /// - Parameters:
  ///   - scratch: the file for what is known; removed at the end, of any content; empty for one without a name.
  ///   - memory: the file that stays; `nil` for none.
  init(scratch: String, memory: String?, busy: Duration) throws {
    if !scratch.isEmpty { unlink(scratch) }
    database = try Database(path: scratch, busy: busy)
    // Lost with the process: there is nothing to recover.
    try database.execute(
      "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA temp_store=FILE; PRAGMA cache_size=-\(Self.cache)")
    try database.statement("ATTACH ?1 AS memory").bind(1, memory ?? ":memory:").run()
    if memory != nil { try database.execute("PRAGMA memory.journal_mode=TRUNCATE; PRAGMA memory.synchronous=NORMAL") }
    try database.execute(
      """
      CREATE TABLE IF NOT EXISTS memory.folder(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
      CREATE TABLE IF NOT EXISTS memory.taken(
        folder INTEGER NOT NULL, base BLOB NOT NULL, flags INTEGER NOT NULL, PRIMARY KEY(folder, base)) WITHOUT ROWID;
      CREATE TABLE IF NOT EXISTS memory.alias(
        folder INTEGER NOT NULL, target BLOB NOT NULL, base BLOB NOT NULL, PRIMARY KEY(folder, target)) WITHOUT ROWID;
      CREATE TABLE main.entry(
        folder INTEGER NOT NULL, base BLOB NOT NULL, info BLOB NOT NULL, in_new INTEGER NOT NULL, size INTEGER NOT NULL,
        arrival INTEGER NOT NULL, flags INTEGER NOT NULL, state INTEGER NOT NULL, taken_flags INTEGER, target BLOB,
        target_new INTEGER, target_uid INTEGER, clash INTEGER, uid INTEGER, uidl BLOB, guid BLOB, pop_order INTEGER,
        keywords TEXT, PRIMARY KEY(folder, base)) WITHOUT ROWID;
      CREATE TABLE main.gone(
        folder INTEGER NOT NULL, base BLOB NOT NULL, target BLOB NOT NULL, in_new INTEGER NOT NULL);
      """)
  }

  /// What is known of a message here.
  private enum State {
    /// Nothing: it is to be taken.
    static let new: Int64 = 0
    /// An earlier run took it.
    static let taken: Int64 = 1
    /// It lies in the folder, and the index knows it.
    static let indexed: Int64 = 2
    /// It lies in the folder, and the index does not know it.
    static let placed: Int64 = 3
  }

  /// A folder's number, in the tables of this file.
  func number(of name: MailboxName) throws -> Int64 {
    try database.statement("INSERT OR IGNORE INTO memory.folder(name) VALUES(?1)").bind(1, name.path).run()
    let statement = try database.statement("SELECT id FROM memory.folder WHERE name = ?1").bind(1, name.path)
    defer { statement.reset() }
    return try statement.step() ? statement.integer(0) : 0
  }

  // MARK: What there is

  /// Notes a file of the source; of two with one base, the one noted last counts.
  func add(_ folder: Int64, base: [UInt8], info: [UInt8], name: MaildirName, inNew: Bool, size: Int64, arrival: Int64)
    throws
  {
    try database.statement(
      """
      INSERT INTO entry(folder, base, info, in_new, size, arrival, flags, taken_flags, state)
      SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, t.flags, t.flags IS NOT NULL
      FROM (SELECT 1) LEFT JOIN memory.taken AS t ON t.folder = ?1 AND t.base = ?2
      WHERE true
      ON CONFLICT(folder, base) DO UPDATE SET info = ?3, in_new = ?4, size = ?5, flags = ?7
      """
    ).bind(1, folder).bind(2, base).bind(3, info).bind(4, inNew ? 1 : 0).bind(5, size).bind(6, arrival)
      .bind(7, Int64(name.flags.rawValue)).run()
  }

  /// Notes a file that lies in the folder already.
  ///
  /// - Parameter size: asked for where the source has a message of that base.
  func noteTarget(_ folder: Int64, fileName: [UInt8], base: [UInt8], inNew: Bool, size: () -> Int64?) throws {
    let known = try database.statement(
      """
      SELECT e.base, e.size FROM entry AS e WHERE e.folder = ?1
      AND e.base = coalesce((SELECT a.base FROM memory.alias AS a WHERE a.folder = ?1 AND a.target = ?2), ?2)
      """
    ).bind(1, folder).bind(2, base)
    guard try known.step() else {
      known.reset()
      try database.statement(
        """
        INSERT INTO gone(folder, base, target, in_new) SELECT ?1, t.base, ?3, ?4 FROM memory.taken AS t
        WHERE t.folder = ?1
        AND t.base = coalesce((SELECT a.base FROM memory.alias AS a WHERE a.folder = ?1 AND a.target = ?2), ?2)
        """
      ).bind(1, folder).bind(2, base).bind(3, fileName).bind(4, inNew ? 1 : 0).run()
      return
    }
    let (source, expected) = (known.blob(0), known.integer(1))
    known.reset()
    guard size() == expected else {
      try database.statement("UPDATE entry SET clash = 1 WHERE folder = ?1 AND base = ?2").bind(1, folder)
        .bind(2, source).run()
      return
    }
    try database.statement(
      """
      UPDATE entry SET target = ?3, target_new = ?4, state = iif(state = \(State.new), \(State.placed), state)
      WHERE folder = ?1 AND base = ?2
      """
    ).bind(1, folder).bind(2, source).bind(3, fileName).bind(4, inNew ? 1 : 0).run()
  }

  /// Notes a message of the folder's index.
  func noteIndexed(_ folder: Int64, base: [UInt8], uid: UInt32) throws {
    try database.statement(
      """
      UPDATE entry SET target_uid = ?3, state = iif(state = \(State.placed), \(State.indexed), state)
      WHERE folder = ?1 AND target IS NOT NULL
      AND base = coalesce((SELECT a.base FROM memory.alias AS a WHERE a.folder = ?1 AND a.target = ?2), ?2)
      """
    ).bind(1, folder).bind(2, base).bind(3, Int64(uid)).run()
  }

  /// Notes what the source's list says of a message.
  func note(_ folder: Int64, _ entry: SourceUIDs.Entry, keepsGUID: Bool) throws {
    let statement = try database.statement(
      "UPDATE entry SET uid = ?3, uidl = ?4, pop_order = ?5, guid = ?6 WHERE folder = ?1 AND base = ?2"
    ).bind(1, folder).bind(2, Array(entry.base)).bind(3, Int64(entry.uid))
    if let id = entry.uniqueID { statement.bind(4, Array(id)) }
    if let order = entry.popOrder { statement.bind(5, Int64(order)) }
    if keepsGUID, let guid = entry.guid { statement.bind(6, Array(guid)) }
    try statement.run()
  }

  /// Notes a message's keywords.
  func note(_ folder: Int64, base: [UInt8], keywords: [String]) throws {
    try database.statement("UPDATE entry SET keywords = ?3 WHERE folder = ?1 AND base = ?2").bind(1, folder)
      .bind(2, base).bind(3, keywords.joined(separator: "\n")).run()
  }

  /// Notes a message's unique id.
  func note(_ folder: Int64, base: [UInt8], uniqueID: [UInt8]) throws {
    try database.statement("UPDATE entry SET uidl = ?3 WHERE folder = ?1 AND base = ?2").bind(1, folder)
      .bind(2, base).bind(3, uniqueID).run()
  }

  /// Forgets what the source's lists say of unique ids.
  func forgetUniqueIDs(_ folder: Int64) throws {
    try database.statement("UPDATE entry SET uidl = NULL, pop_order = NULL WHERE folder = ?1").bind(1, folder).run()
  }

  /// What two messages must not share.
  enum Unique: String {
    case uid, uniqueID = "uidl"
  }

  /// Leaves a UID or unique id that two messages have to the one that came first.
  ///
  /// - Returns: how many lost theirs.
  func makeUnique(_ folder: Int64, _ column: Unique) throws -> Int {
    let name = column.rawValue
    try database.statement(
      """
      UPDATE entry SET \(name) = NULL WHERE folder = ?1 AND base IN (
        SELECT base FROM (
          SELECT base, row_number() OVER (PARTITION BY \(name) ORDER BY arrival, base) AS place FROM entry
          WHERE folder = ?1 AND \(name) IS NOT NULL AND length(\(name)) > 0) WHERE place > 1)
      """
    ).bind(1, folder).run()
    return Int(try database.integer("SELECT changes()") ?? 0)
  }

  /// Counts of one folder's entries.
  struct Totals {
    var messages = 0
    var new = 0
    var newBytes: Int64 = 0
    var known = 0
    var gone = 0
    var highestUID: UInt32 = 0
  }

  func totals(_ folder: Int64) throws -> Totals {
    let statement = try database.statement(
      """
      SELECT count(*), count(*) FILTER (WHERE state IN (\(State.new), \(State.placed))),
      total(size) FILTER (WHERE state = \(State.new)),
      count(*) FILTER (WHERE state IN (\(State.taken), \(State.indexed))),
      max(uid), (SELECT count(*) FROM gone WHERE folder = ?1) FROM entry WHERE folder = ?1
      """
    ).bind(1, folder)
    defer { statement.reset() }
    guard try statement.step() else { return Totals() }
    return Totals(
      messages: Int(statement.integer(0)), new: Int(statement.integer(1)), newBytes: statement.integer(2),
      known: Int(statement.integer(3)), gone: Int(statement.integer(5)),
      highestUID: UInt32(clamping: statement.integer(4)))
  }
}
