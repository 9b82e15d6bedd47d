import GRDB

/// A row of a report's question, free of the connection that read it.
struct ReportRow: Sendable {
  private let values: [DatabaseValue]

  init(_ row: Row) { values = Array(row.databaseValues) }

  subscript(_ index: Int) -> Int64 { Int64.fromDatabaseValue(values[index]) ?? 0 }
  subscript(_ index: Int) -> String { String.fromDatabaseValue(values[index]) ?? "" }
  /// A number, or `nil` for NULL.
  func decimal(_ index: Int) -> Double? { Double.fromDatabaseValue(values[index]) }
}

extension MailLog {
  /// Asks; the answer is bounded by `settings.answerLimit`.
  func rows(_ sql: String, _ arguments: StatementArguments) async throws -> [ReportRow] {
    let limit = settings.answerLimit
    return try await pool.read { db in
      try Row.fetchAll(db, sql: sql + " LIMIT ?", arguments: arguments + [limit]).map(ReportRow.init)
    }
  }
}
