import Basics
import CSQLite
import GRDBSQLite

/// What SQLite answered when it did not do as asked.
struct DatabaseError: Error, CustomStringConvertible {
  let code: Int32
  let text: String

  /// Whether the file is no usable database and must be made anew.
  var isCorruption: Bool { [SQLITE_CORRUPT, SQLITE_NOTADB].contains(code & 0xff) }

  var description: String { "SQLite \(code): \(text)" }

  /// How the rooms above see it: everything that is not corruption may pass.
  var asStoreError: StoreError { StoreError(.temporary, description) }
}

/// One connection to one SQLite file, used from one thread at a time; no more than the index needs.
final class Database {
  private let handle: OpaquePointer
  private var statements: [String: Statement] = [:]
  private(set) var isInTransaction = false
  let path: String

  init(path: String, busy: Duration) throws {
    self.path = path
    var opened: OpaquePointer?
    let flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX
    let code = sqlite3_open_v2(path, &opened, flags, nil)
    guard code == SQLITE_OK, let opened else {
      let text = opened.map { String(cString: sqlite3_errmsg($0)) } ?? "cannot open"
      sqlite3_close_v2(opened)
      throw DatabaseError(code: code, text: "\(path): \(text)")
    }
    handle = opened
    sqlite3_extended_result_codes(handle, 1)
    // Some 90 KiB a connection, of use to programs that prepare statements all the time; a host has thousands open.
    _ = martinet_sqlite_drop_lookaside(UnsafeMutableRawPointer(handle))
    sqlite3_busy_timeout(handle, Int32(clamping: busy.wholeMilliseconds))
  }

  deinit {
    for statement in statements.values { statement.finalize() }
    sqlite3_close_v2(handle)
  }

  /// Gives pages back that are only kept for the next time.
  func releaseMemory() { sqlite3_db_release_memory(handle) }

  /// The failure SQLite remembers.
  func failure(_ code: Int32) -> DatabaseError {
    DatabaseError(code: code, text: String(cString: sqlite3_errmsg(handle)))
  }

  /// Runs statements that take no values.
  func execute(_ sql: String) throws {
    let code = sqlite3_exec(handle, sql, nil, nil, nil)
    guard code == SQLITE_OK else { throw failure(code) }
  }

  /// A prepared statement, kept for the next time; it comes reset and without values.
  func statement(_ sql: String) throws -> Statement {
    if let known = statements[sql] {
      known.reset()
      return known
    }
    var prepared: OpaquePointer?
    let code = sqlite3_prepare_v3(handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &prepared, nil)
    guard code == SQLITE_OK, let prepared else { throw failure(code) }
    let made = Statement(prepared, database: self)
    statements[sql] = made
    return made
  }

  /// The first column of the first row.
  func integer(_ sql: String) throws -> Int64? {
    let statement = try statement(sql)
    defer { statement.reset() }
    return try statement.step() ? statement.integer(0) : nil
  }

  /// Runs `body` in one write transaction; a nested call joins the outer one.
  ///
  /// - Parameter durable: the commit waits for the disk.
  func transaction<T>(durable: Bool = false, _ body: () throws -> T) throws -> T {
    if isInTransaction {
      // Without space SQLite may have rolled back by itself: what follows would be committed piece by piece.
      guard sqlite3_get_autocommit(handle) == 0 else {
        throw DatabaseError(code: SQLITE_FULL, text: "\(path): the transaction was rolled back")
      }
      return try body()
    }
    if durable { try execute("PRAGMA synchronous=FULL") }
    defer { if durable { try? execute("PRAGMA synchronous=NORMAL") } }
    try execute("BEGIN IMMEDIATE")
    isInTransaction = true
    defer { isInTransaction = false }
    do {
      let result = try body()
      try execute("COMMIT")
      return result
    } catch {
      try? execute("ROLLBACK")
      throw error
    }
  }

  /// Runs `body`, which only reads, on one state of the file: each statement by itself would lock it anew.
  func reading<T>(_ body: () throws -> T) throws -> T {
    if isInTransaction { return try body() }
    try execute("BEGIN")
    isInTransaction = true
    defer {
      isInTransaction = false
      try? execute("COMMIT")
    }
    return try body()
  }
}

/// A prepared statement; values and columns are counted as SQLite does, values from 1, columns from 0.
final class Statement {
  private let handle: OpaquePointer
  private unowned let database: Database
  // Ends when the database closes; the statement is unusable then.
  private static let transient = unsafeBitCast(-1, to: sqlite3_destructor_type.self)

  init(_ handle: OpaquePointer, database: Database) {
    self.handle = handle
    self.database = database
  }

  func finalize() { sqlite3_finalize(handle) }

  func reset() {
    sqlite3_reset(handle)
    sqlite3_clear_bindings(handle)
  }

  @discardableResult func bind(_ index: Int32, _ value: Int64) -> Statement {
    sqlite3_bind_int64(handle, index, value)
    return self
  }

  @discardableResult func bind(_ index: Int32, _ value: String) -> Statement {
    sqlite3_bind_text(handle, index, value, -1, Self.transient)
    return self
  }

  @discardableResult func bind(_ index: Int32, _ value: [UInt8]) -> Statement {
    _ = value.withUnsafeBytes {
      sqlite3_bind_blob(handle, index, $0.baseAddress, Int32(clamping: $0.count), Self.transient)
    }
    return self
  }

  /// Text that need not be UTF-8 in every octet.
  @discardableResult func bind(_ index: Int32, text value: [UInt8]) -> Statement {
    _ = value.withUnsafeBytes {
      sqlite3_bind_text(
        handle, index, $0.bindMemory(to: CChar.self).baseAddress, Int32(clamping: $0.count), Self.transient)
    }
    return self
  }

  /// Takes over a column of another statement's row, of whatever type.
  func bind(_ index: Int32, from source: Statement, column: Int32) {
    sqlite3_bind_value(handle, index, sqlite3_column_value(source.handle, column))
  }

  /// Goes to the next row; `false` at the end.
  func step() throws -> Bool {
    let code = sqlite3_step(handle)
    if code == SQLITE_ROW { return true }
    if code == SQLITE_DONE { return false }
    let failure = database.failure(code)
    sqlite3_reset(handle)
    throw failure
  }

  /// Runs a statement without rows.
  func run() throws {
    _ = try step()
    sqlite3_reset(handle)
  }

  func isNull(_ column: Int32) -> Bool { sqlite3_column_type(handle, column) == SQLITE_NULL }

  func integer(_ column: Int32) -> Int64 { sqlite3_column_int64(handle, column) }

  func text(_ column: Int32) -> String {
    guard let text = sqlite3_column_text(handle, column) else { return "" }
    return String(
      decoding: UnsafeBufferPointer(start: text, count: Int(sqlite3_column_bytes(handle, column))), as: UTF8.self)
  }

  func blob(_ column: Int32) -> [UInt8] { withBlob(column) { Array($0) } }

  /// The column's octets, valid inside `body` only.
  func withBlob<T>(_ column: Int32, _ body: (UnsafeRawBufferPointer) throws -> T) rethrows -> T {
    let start = sqlite3_column_blob(handle, column)
    return try body(UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(handle, column))))
  }
}
