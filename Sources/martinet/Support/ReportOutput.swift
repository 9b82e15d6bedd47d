import MailLog

/// A report as table, CSV and JSON.
enum ReportOutput {
  /// Columns for people.
  static func table(_ report: MailReport) -> String {
    var table = Table(report.columns.map { $0.uppercased() })
    for row in report.rows { table.add(row.map { text($0, empty: "-") }) }
    return table.text
  }

  /// RFC 4180: quoted where it must be, CRLF line ends; formulas are disarmed, as the text may be a stranger's.
  static func csv(_ report: MailReport) -> String {
    let lines = [report.columns.map(quoted)] + report.rows.map { $0.map { quoted(text($0, empty: "")) } }
    return lines.map { $0.joined(separator: ",") }.joined(separator: "\r\n") + "\r\n"
  }

  /// One object a row; keys are the titles in lower case with underscores.
  static func json(_ report: MailReport) -> JSONValue {
    let keys = report.columns.map(key)
    return .array(report.rows.map { row in .object(zip(keys, row).map { ($0, value($1)) }) })
  }

  private static func key(_ title: String) -> String {
    var result = ""
    for character in title.lowercased() {
      if character.isLetter || character.isNumber {
        result.append(character)
      } else if result.last != "_" {
        result.append("_")
      }
    }
    return result
  }

  private static func value(_ cell: MailReport.Cell) -> JSONValue {
    switch cell {
    case .text(let text): .string(text)
    case .number(let number): .integer(number)
    case .decimal(let number): .double((number * 100).rounded() / 100)
    case .none: .null
    }
  }

  private static func text(_ cell: MailReport.Cell, empty: String) -> String {
    switch cell {
    case .text(let text): return text.isEmpty ? empty : text
    case .number(let number): return "\(number)"
    case .decimal(let number):
      let hundredths = Int64((number * 100).rounded())
      let rest = hundredths % 100
      return "\(hundredths / 100).\(rest < 10 ? "0" : "")\(rest)"
    case .none: return empty
    }
  }

  private static func quoted(_ text: String) -> String {
    var text = text
    if let first = text.first, "=+-@\t\r".contains(first), Double(text) == nil { text = "'" + text }
    guard text.contains(where: { ",\"\r\n".contains($0) || $0 == "\r\n" }) else { return text }
    return "\"" + text.replacing("\"", with: "\"\"") + "\""
  }
}
