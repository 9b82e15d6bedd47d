import GRDB

extension HostDatabase {
  /// Asks SQLite whether the file is whole and every reference leads somewhere.
  ///
  /// - Returns: one line per fault, at most 100; empty when all is well.
  /// - Throws: a database error when the file cannot even be read.
  package func faults() async throws -> [String] {
    try await read { database in
      let lines = try String.fetchAll(database, sql: "PRAGMA integrity_check(100)").filter { $0 != "ok" }
      let dangling = try Row.fetchAll(database, sql: "PRAGMA foreign_key_check").prefix(100).map { row in
        "a row of \(row["table"] as String? ?? "?") refers to a missing row of \(row["parent"] as String? ?? "?")"
      }
      return lines + dangling
    }
  }
}
