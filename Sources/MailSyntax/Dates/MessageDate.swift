import Basics

/// Dates of messages (RFC 5322 section 3.3, obsolete forms of 4.3 too) and of IMAP (RFC 3501 section 9).
package enum MessageDate {
  /// A moment with the zone in which it was written down.
  package struct Zoned: Hashable, Sendable {
    /// The moment.
    package let time: Timestamp
    /// Minutes east of UTC.
    package let zoneMinutes: Int
    /// Makes a moment in a zone.
    package init(time: Timestamp, zoneMinutes: Int) {
      self.time = time
      self.zoneMinutes = zoneMinutes
    }
    /// Days since 1970-01-01 of the calendar date as written, which IMAP's SENTON compares.
    package var day: Int64 { floorDivide(time.seconds + Int64(zoneMinutes) * 60, 86_400) }
  }

  static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
  static let weekdays = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]

  /// Parses a Date field, tolerantly: any day name, two-digit years, no seconds, obsolete or missing zones,
  /// `asctime` order, comments anywhere.
  ///
  /// - Returns: `nil` when no date that exists can be read.
  package static func parse(_ value: [UInt8]) -> Zoned? {
    var lexer = HeaderLexer(value.count > 512 ? Array(value.prefix(512)) : value)
    var day: Int?
    var month: Int?
    var year: Int?
    var clock: (hour: Int, minute: Int, second: Int)?
    var zone: Int?
    while true {
      lexer.skipCFWS()
      guard let octet = lexer.peek else { break }
      if ASCII.isLetter(octet) {
        let word = lexer.takeWhile(ASCII.isLetter)
        if month == nil, let number = monthNumber(word) {
          month = number
        } else if clock != nil, zone == nil {
          zone = zoneMinutes(named: word)
        }
      } else if ASCII.isDigit(octet) {
        guard let number = number(lexer.takeWhile(ASCII.isDigit)) else { return nil }
        if clock == nil, lexer.peek == ASCII.colon || (lexer.peek == ASCII.dot && year != nil) {
          guard let time = parseClock(hour: number.value, &lexer) else { return nil }
          clock = time
        } else if day == nil {
          day = number.value
        } else if year == nil {
          year = fullYear(number)
        }
      } else if octet == ASCII.plus || octet == ASCII.hyphen {
        lexer.advance()
        if clock != nil, zone == nil, let number = number(lexer.takeWhile(ASCII.isDigit)), number.digits >= 3 {
          let minutes = number.value / 100 * 60 + number.value % 100
          zone = octet == ASCII.plus ? minutes : -minutes
        }
      } else {
        lexer.advance()
      }
    }
    guard let day, let month, let year else { return nil }
    return make(year, month, day, clock ?? (0, 0, 0), zone: zone ?? 0)
  }

  /// `Mon, 7 Feb 1994 21:52:25 -0800`.
  package static func format(_ time: Timestamp, zoneMinutes: Int = 0) -> String {
    let civil = local(time, zoneMinutes)
    return "\(weekdays[civil.weekday]), \(civil.day) \(months[civil.month - 1]) \(civil.year) "
      + "\(two(civil.hour)):\(two(civil.minute)):\(two(civil.second)) \(zoneText(zoneMinutes))"
  }

  /// Parses an IMAP date-time without its quotes: `17-Jul-1996 02:44:25 -0700`, the day as two digits or ` 7`.
  package static func parseInternalDate(_ text: some StringProtocol) -> Zoned? {
    let octets = Array(text.utf8)
    guard octets.count == 26, octets[2] == ASCII.hyphen, octets[6] == ASCII.hyphen, octets[11] == ASCII.space,
      octets[14] == ASCII.colon, octets[17] == ASCII.colon, octets[20] == ASCII.space,
      octets[21] == ASCII.plus || octets[21] == ASCII.hyphen,
      let day = number(octets[0] == ASCII.space ? [octets[1]] : Array(octets[0..<2]))?.value,
      let month = monthNumber(Array(octets[3..<6])), let year = number(Array(octets[7..<11]))?.value,
      let hour = number(Array(octets[12..<14]))?.value, let minute = number(Array(octets[15..<17]))?.value,
      let second = number(Array(octets[18..<20]))?.value, let zoneHour = number(Array(octets[22..<24]))?.value,
      let zoneMinute = number(Array(octets[24..<26]))?.value, zoneMinute < 60
    else { return nil }
    let minutes = zoneHour * 60 + zoneMinute
    return make(
      year, month, day, (hour, minute, second), zone: octets[21] == ASCII.plus ? minutes : -minutes)
  }

  /// `17-Jul-1996 02:44:25 -0700`, the day padded with a space, without quotes.
  package static func formatInternalDate(_ time: Timestamp, zoneMinutes: Int = 0) -> String {
    let civil = local(time, zoneMinutes)
    let year = String(civil.year)
    return "\(civil.day < 10 ? " " : "")\(civil.day)-\(months[civil.month - 1])-"
      + String(repeating: "0", count: max(0, 4 - year.count)) + year
      + " \(two(civil.hour)):\(two(civil.minute)):\(two(civil.second)) \(zoneText(zoneMinutes))"
  }

  /// Parses the date of an IMAP search key, `1-Feb-1994` or `01-Feb-1994`.
  ///
  /// - Returns: days since 1970-01-01.
  package static func parseSearchDate(_ text: some StringProtocol) -> Int64? {
    let parts = text.utf8.split(separator: ASCII.hyphen, omittingEmptySubsequences: false).map { Array($0) }
    guard parts.count == 3, (1...2).contains(parts[0].count), parts[2].count == 4,
      let day = number(parts[0])?.value, let month = monthNumber(parts[1]), let year = number(parts[2])?.value,
      let date = make(year, month, day, (0, 0, 0), zone: 0)
    else { return nil }
    return date.day
  }

  private static func number(_ digits: [UInt8]) -> (value: Int, digits: Int)? {
    guard (1...6).contains(digits.count), digits.allSatisfy(ASCII.isDigit) else { return nil }
    return (digits.reduce(0) { $0 * 10 + Int($1 &- 0x30) }, digits.count)
  }

  private static func monthNumber(_ word: [UInt8]) -> Int? {
    guard word.count >= 3 else { return nil }
    return months.firstIndex { ASCII.equalIgnoringCase($0.utf8, word.prefix(3)) }.map { $0 + 1 }
  }

  /// RFC 5322 section 4.3: 00–49 are 2000–2049, 50–99 and three digits count from 1900.
  private static func fullYear(_ number: (value: Int, digits: Int)) -> Int {
    if number.digits >= 4 { return number.value }
    if number.digits == 3 { return 1900 + number.value }
    return number.value < 50 ? 2000 + number.value : 1900 + number.value
  }

  private static func parseClock(
    hour: Int, _ lexer: inout HeaderLexer
  ) -> (hour: Int, minute: Int, second: Int)? {
    lexer.advance()
    guard let minute = number(lexer.takeWhile(ASCII.isDigit))?.value else { return nil }
    var second = 0
    if lexer.peek == ASCII.colon || lexer.peek == ASCII.dot {
      lexer.advance()
      guard let value = number(lexer.takeWhile(ASCII.isDigit))?.value else { return nil }
      second = value
    }
    return (hour, minute, second)
  }

  /// The zones of RFC 5322 section 4.3; military and unknown ones count as UTC.
  private static func zoneMinutes(named word: [UInt8]) -> Int? {
    switch ASCII.uppercased(String(decoding: word, as: UTF8.self)) {
    case "EDT": -240
    case "EST", "CDT": -300
    case "CST", "MDT": -360
    case "MST", "PDT": -420
    case "PST": -480
    case "CET", "MEZ": 60
    case "CEST", "MESZ": 120
    case "JST": 540
    case "AM", "PM": nil
    default: 0
    }
  }

  private static func make(
    _ year: Int, _ month: Int, _ day: Int, _ clock: (hour: Int, minute: Int, second: Int), zone: Int
  ) -> Zoned? {
    let leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0
    let lengths = [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    guard (1...9999).contains(year), (1...12).contains(month), day >= 1, day <= lengths[month - 1],
      (0...23).contains(clock.hour), (0...59).contains(clock.minute), (0...60).contains(clock.second)
    else { return nil }
    let zone = abs(zone) <= 24 * 60 ? zone : 0
    let days = CivilTime.daysSinceEpoch(year: year, month: month, day: day)
    let seconds = days * 86_400 + Int64(clock.hour * 3600 + clock.minute * 60 + clock.second - zone * 60)
    return Zoned(time: Timestamp(seconds: seconds), zoneMinutes: zone)
  }

  private static func local(_ time: Timestamp, _ zoneMinutes: Int) -> CivilTime {
    CivilTime(secondsSinceEpoch: time.seconds &+ Int64(zoneMinutes) * 60)
  }

  private static func zoneText(_ minutes: Int) -> String {
    "\(minutes < 0 ? "-" : "+")\(two(abs(minutes) / 60))\(two(abs(minutes) % 60))"
  }

  private static func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
}
