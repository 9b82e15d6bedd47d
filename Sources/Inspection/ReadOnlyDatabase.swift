import GRDBSQLite

/// What SQLite answered when it could not do as asked.
package struct DatabaseFault: Error, CustomStringConvertible {
  /// One line without the path.
  package let description: String
}

/// A database opened for reading only: nothing is written, no log is brought home, no schema is changed.
///
/// Used from one thread at a time.
package final class ReadOnlyDatabase {
  private let handle: OpaquePointer

  /// Opens a file.
  ///
  /// - Parameter isServing: a server may write to it meanwhile; then SQLite's locks are obeyed, else none are needed.
  /// - Throws: ``DatabaseFault``.
  package init(_ file: DatabaseFile, isServing: Bool) throws {
    var opened: OpaquePointer?
    let flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_URI
    let code = sqlite3_open_v2(file.uri(isServing: isServing), &opened, flags, nil)
    guard code == SQLITE_OK, let opened else {
      let text = opened.map { String(cString: sqlite3_errmsg($0)) } ?? "cannot be opened"
      sqlite3_close_v2(opened)
      throw DatabaseFault(description: text)
    }
    handle = opened
    sqlite3_busy_timeout(handle, 5000)
  }

  deinit { sqlite3_close_v2(handle) }

  /// Runs a query and shows each row to `body`.
  ///
  /// - Parameter values: integers for `?1`, `?2` …
  /// - Throws: ``DatabaseFault``, or what `body` throws.
  package func forEach(_ sql: String, _ values: [Int64] = [], _ body: (ReadOnlyRow) throws -> Void) throws {
    var prepared: OpaquePointer?
    guard sqlite3_prepare_v2(handle, sql, -1, &prepared, nil) == SQLITE_OK, let prepared else { throw fault() }
    defer { sqlite3_finalize(prepared) }
    for (position, value) in values.enumerated() { sqlite3_bind_int64(prepared, Int32(clamping: position + 1), value) }
    while true {
      switch sqlite3_step(prepared) {
      case SQLITE_ROW: try body(ReadOnlyRow(statement: prepared))
      case SQLITE_DONE: return
      default: throw fault()
      }
    }
  }

  /// The first column of the first row as a number; `nil` when there is none.
  ///
  /// - Throws: ``DatabaseFault``.
  package func integer(_ sql: String) throws -> Int64? {
    var value: Int64?
    try forEach(sql) { row in if value == nil, !row.isNull(0) { value = row.integer(0) } }
    return value
  }

  /// The first column of all rows as text.
  ///
  /// - Throws: ``DatabaseFault``.
  package func texts(_ sql: String) throws -> [String] {
    var values: [String] = []
    try forEach(sql) { values.append($0.text(0)) }
    return values
  }

  private func fault() -> DatabaseFault { DatabaseFault(description: String(cString: sqlite3_errmsg(handle))) }
}

/// A row under inspection, valid inside the call that shows it.
package struct ReadOnlyRow {
  fileprivate let statement: OpaquePointer

  /// Whether a column holds NULL; columns count from 0.
  package func isNull(_ column: Int32) -> Bool { sqlite3_column_type(statement, column) == SQLITE_NULL }

  /// A column as a number; 0 when it is none.
  package func integer(_ column: Int32) -> Int64 { sqlite3_column_int64(statement, column) }

  /// A column as text; empty when NULL.
  package func text(_ column: Int32) -> String {
    guard let text = sqlite3_column_text(statement, column) else { return "" }
    let count = Int(sqlite3_column_bytes(statement, column))
    return String(decoding: UnsafeBufferPointer(start: text, count: count), as: UTF8.self)
  }

  /// A column's octets, valid inside `body` only.
  package func withBlob<T>(_ column: Int32, _ body: (UnsafeRawBufferPointer) throws -> T) rethrows -> T {
    let start = sqlite3_column_blob(statement, column)
    return try body(UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(statement, column))))
  }
}
