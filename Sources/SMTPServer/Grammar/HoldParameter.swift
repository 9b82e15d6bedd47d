import Basics

/// When a submitted message may go (FUTURERELEASE, RFC 4865 section 4).
package enum HoldParameter: Sendable, Equatable {
  /// HOLDFOR: so many seconds from now.
  case interval(Int64)
  /// HOLDUNTIL: at this moment.
  case moment(Timestamp)

  /// Reads a value; `nil` when it breaks the grammar.
  package init?(keyword: String, _ value: String) {
    let octets = Array(value.utf8)
    if keyword == "HOLDFOR" {
      // RFC 4865 section 3: at most nine digits.
      guard (1...9).contains(octets.count), octets.allSatisfy({ (0x30...0x39).contains($0) }),
        let seconds = Int64(value)
      else { return nil }
      self = .interval(seconds)
    } else {
      guard let moment = Self.moment(octets) else { return nil }
      self = .moment(moment)
    }
  }

  /// The moment of release.
  package func release(from now: Timestamp) -> Timestamp {
    switch self {
    case .interval(let seconds): now + .seconds(seconds)
    case .moment(let moment): moment
    }
  }

  /// A date-time of RFC 3339 section 5.6.
  private static func moment(_ octets: [UInt8]) -> Timestamp? {
    func number(_ range: Range<Int>) -> Int? {
      guard range.upperBound <= octets.count, octets[range].allSatisfy({ (0x30...0x39).contains($0) }) else {
        return nil
      }
      return octets[range].reduce(0) { $0 * 10 + Int($1 - 0x30) }
    }
    guard octets.count >= 20, octets.count <= 40, octets[4] == 0x2d, octets[7] == 0x2d, octets[10] | 0x20 == 0x74,
      octets[13] == 0x3a, octets[16] == 0x3a, let year = number(0..<4), let month = number(5..<7),
      let day = number(8..<10), let hour = number(11..<13), let minute = number(14..<16),
      let second = number(17..<19), year >= 1970, (1...12).contains(month),
      (1...days(year, month)).contains(day), hour < 24, minute < 60, second <= 60
    else { return nil }
    var position = 19
    if octets[position] == 0x2e {
      position += 1
      let digits = octets[position...].prefix { (0x30...0x39).contains($0) }
      guard !digits.isEmpty else { return nil }
      position += digits.count
    }
    guard position < octets.count, let offset = zone(Array(octets[position...])) else { return nil }
    let date = CivilTime.daysSinceEpoch(year: year, month: month, day: day)
    return Timestamp(seconds: date * 86_400 + Int64(hour * 3600 + minute * 60 + second) - offset)
  }

  /// Seconds east of UTC.
  private static func zone(_ octets: [UInt8]) -> Int64? {
    if octets.count == 1, octets[0] | 0x20 == 0x7a { return 0 }
    guard octets.count == 6, octets[0] == 0x2b || octets[0] == 0x2d, octets[3] == 0x3a,
      [1, 2, 4, 5].allSatisfy({ (0x30...0x39).contains(octets[$0]) })
    else { return nil }
    let hours = Int64(octets[1] - 0x30) * 10 + Int64(octets[2] - 0x30)
    let minutes = Int64(octets[4] - 0x30) * 10 + Int64(octets[5] - 0x30)
    guard hours < 24, minutes < 60 else { return nil }
    return (octets[0] == 0x2d ? -1 : 1) * (hours * 3600 + minutes * 60)
  }

  private static func days(_ year: Int, _ month: Int) -> Int {
    switch month {
    case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
    case 4, 6, 9, 11: 30
    default: 31
    }
  }
}
