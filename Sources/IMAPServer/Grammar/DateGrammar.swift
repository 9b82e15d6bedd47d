/// `date` (RFC 3501 section 9): a day as people name it, without a time zone.
struct DateArgument: Equatable, Sendable {
  var year: Int
  var month: Int
  var day: Int
}

/// `date-time` (RFC 3501 section 9), the argument of APPEND.
struct DateTimeArgument: Equatable, Sendable {
  var date: DateArgument
  var hour: Int
  var minute: Int
  var second: Int
  /// Minutes east of UTC.
  var zone: Int
}

extension ByteCursor {
  /// `date`: `1-Feb-1994` or `"1-Feb-1994"`.
  mutating func date() throws(GrammarError) -> DateArgument {
    let isQuoted = take(UInt8(ascii: "\""))
    let date = try dateText()
    if isQuoted { try expect(UInt8(ascii: "\"")) }
    return date
  }

  private mutating func dateText() throws(GrammarError) -> DateArgument {
    let day = try digits(1...2)
    try expect(UInt8(ascii: "-"))
    let month = try monthName()
    try expect(UInt8(ascii: "-"))
    let year = try digits(4...4)
    guard year >= 1, (1...DateArgument.days(in: month, year: year)).contains(day) else {
      throw GrammarError("No such day")
    }
    return DateArgument(year: year, month: month, day: day)
  }

  /// `date-time`: `" 7-Feb-1994 21:52:25 -0800"`.
  mutating func dateTime() throws(GrammarError) -> DateTimeArgument {
    try expect(UInt8(ascii: "\""))
    _ = take(UInt8(ascii: " "))
    let date = try dateText()
    try space()
    let hour = try digits(2...2)
    try expect(UInt8(ascii: ":"))
    let minute = try digits(2...2)
    try expect(UInt8(ascii: ":"))
    let second = try digits(2...2)
    try space()
    guard let sign = peek, sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") else {
      throw GrammarError("Missing time zone")
    }
    position += 1
    let zone = try digits(4...4)
    try expect(UInt8(ascii: "\""))
    guard hour < 24, minute < 60, second <= 60, zone % 100 < 60, zone / 100 < 24 else {
      throw GrammarError("No such time")
    }
    let minutes = zone / 100 * 60 + zone % 100
    return DateTimeArgument(
      date: date, hour: hour, minute: minute, second: second, zone: sign == UInt8(ascii: "-") ? -minutes : minutes)
  }

  private mutating func digits(_ allowed: ClosedRange<Int>) throws(GrammarError) -> Int {
    let run = run { $0.isDigit }
    guard allowed.contains(run.count) else { throw GrammarError("Invalid date or time") }
    return run.reduce(0) { $0 * 10 + Int($1 & 0x0f) }
  }

  private mutating func monthName() throws(GrammarError) -> Int {
    let name = run { ($0 | 0x20) >= 0x61 && ($0 | 0x20) <= 0x7a }
    let text = String(decoding: name.lazy.map(\.asciiLowercased), as: UTF8.self)
    guard let index = DateArgument.months.firstIndex(of: text) else { throw GrammarError("No such month") }
    return index + 1
  }
}

extension DateArgument {
  static let months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]

  static func days(in month: Int, year: Int) -> Int {
    switch month {
    case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
    case 4, 6, 9, 11: 30
    default: 31
    }
  }
}
