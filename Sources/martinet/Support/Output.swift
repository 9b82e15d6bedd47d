#if canImport(Glibc)
  import Glibc
#endif

/// Everything the command line prints.
enum Output {
  /// Prints a result: one JSON object, or text for people with warnings on stderr.
  static func result(_ result: CommandResult, json: Bool) {
    if json {
      object(ok: true, data: result.data, error: .null, warnings: result.warnings)
      return
    }
    if !result.text.isEmpty { line(result.text) }
    for warning in result.warnings { errorLine("martinet: warning: \(warning)") }
  }

  /// Prints a failure as a JSON object on stdout.
  static func failure(_ failure: CommandFailure) {
    object(
      ok: false, data: failure.data,
      error: ["code": .string(failure.status.word), "text": .string(failure.text)], warnings: [])
  }

  /// Prints a line to stdout.
  static func line(_ text: String) { write(text, to: STDOUT_FILENO) }

  /// Prints a line to stderr.
  static func errorLine(_ text: String) { write(text, to: STDERR_FILENO) }

  /// Writes octets to stdout as they are.
  static func raw(_ bytes: [UInt8]) { write(bytes, to: STDOUT_FILENO) }

  /// Writes to stderr without ending the line.
  static func prompt(_ text: String) { write(Array(text.utf8), to: STDERR_FILENO) }

  private static func object(ok: Bool, data: JSONValue, error: JSONValue, warnings: [String]) {
    let value: JSONValue = ["ok": .bool(ok), "data": data, "error": error, "warnings": JSONValue(warnings)]
    line(value.text)
  }

  private static func write(_ text: String, to descriptor: Int32) {
    write(Array(text.hasSuffix("\n") ? text.utf8 : (text + "\n").utf8), to: descriptor)
  }

  private static func write(_ bytes: [UInt8], to descriptor: Int32) {
    var offset = 0
    while offset < bytes.count {
      let written = bytes.withUnsafeBytes { buffer in
        Glibc.write(descriptor, buffer.baseAddress.map { $0 + offset }, buffer.count - offset)
      }
      if written < 0 && errno == EINTR { continue }
      guard written > 0 else { return }
      offset += written
    }
  }
}

/// Columns of text under a header line, as wide as their longest cell.
struct Table {
  private var rows: [[String]]

  /// Starts a table with its header.
  init(_ header: String...) { rows = [header] }

  /// Starts a table with a header that is known only then.
  init(_ header: [String]) { rows = [header] }

  /// Adds a row; missing cells are empty.
  mutating func add(_ cells: String...) { rows.append(cells) }

  /// Adds a row that is a list already.
  mutating func add(_ cells: [String]) { rows.append(cells) }

  /// The lines, without trailing blanks; header only when there are no rows.
  var text: String {
    let columns = rows.map(\.count).max() ?? 0
    let widths = (0..<columns).map { column in rows.map { $0.count > column ? $0[column].count : 0 }.max() ?? 0 }
    return rows.map { row in
      var line = ""
      for column in 0..<columns {
        let cell = row.count > column ? row[column] : ""
        line += cell
        if column < columns - 1 { line += String(repeating: " ", count: widths[column] - cell.count + 2) }
      }
      while line.hasSuffix(" ") { line.removeLast() }
      return line
    }.joined(separator: "\n")
  }
}
