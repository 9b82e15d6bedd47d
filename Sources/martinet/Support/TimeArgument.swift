import ArgumentParser
import Basics

/// A moment on the command line: `2026-11-22`, `2026-11-22T08:00:00Z`, or `2h` for two hours ago.
struct TimeArgument: ExpressibleByArgument {
  /// The moment; a bare date is its midnight (UTC).
  let value: Timestamp
  /// Whether it was a date alone.
  let isDate: Bool

  init?(argument: String) {
    if let ago = Duration(setting: argument) {
      self.init(value: SystemTime().now - ago, isDate: false)
      return
    }
    let parts = argument.split(separator: "T", maxSplits: 1, omittingEmptySubsequences: false)
    guard let date = parts.first.flatMap(Self.day) else { return nil }
    guard parts.count == 2 else {
      self.init(value: Timestamp(seconds: date * 86_400), isDate: true)
      return
    }
    let clock = parts[1].hasSuffix("Z") ? parts[1].dropLast() : parts[1]
    let numbers = clock.split(separator: ":", omittingEmptySubsequences: false).map { Int64($0) }
    guard (2...3).contains(numbers.count), let hour = numbers[0], let minute = numbers[1], (0...23).contains(hour),
      (0...59).contains(minute)
    else { return nil }
    var second: Int64 = 0
    if numbers.count == 3 {
      guard let given = numbers[2], (0...60).contains(given) else { return nil }
      second = given
    }
    self.init(value: Timestamp(seconds: date * 86_400 + hour * 3600 + minute * 60 + second), isDate: false)
  }

  private init(value: Timestamp, isDate: Bool) {
    self.value = value
    self.isDate = isDate
  }

  /// Days since 1970 of `2026-11-22`.
  private static func day(_ text: Substring) -> Int64? {
    let parts = text.split(separator: "-", omittingEmptySubsequences: false)
    guard parts.count == 3, let year = Int(parts[0]), let month = Int(parts[1]), let day = Int(parts[2]),
      (1970...9999).contains(year), (1...12).contains(month), (1...31).contains(day)
    else { return nil }
    return CivilTime.daysSinceEpoch(year: year, month: month, day: day)
  }
}
