#if canImport(Glibc)
  import Glibc
#endif

/// A point in civil time, in whole milliseconds since 1970-01-01T00:00:00Z.
package struct Timestamp: Hashable, Comparable, Sendable {
  /// Milliseconds since the epoch; negative before it.
  package var milliseconds: Int64

  /// Makes a timestamp from milliseconds since the epoch.
  package init(milliseconds: Int64) { self.milliseconds = milliseconds }

  /// Makes a timestamp from whole seconds since the epoch.
  package init(seconds: Int64) { milliseconds = seconds.multipliedReportingOverflow(by: 1000).partialValue }

  /// Whole seconds since the epoch, rounded down.
  package var seconds: Int64 { floorDivide(milliseconds, 1000) }

  /// The timestamp of this moment by the system's wall clock.
  package static var systemNow: Timestamp {
    var spec = timespec()
    clock_gettime(CLOCK_REALTIME, &spec)
    return Timestamp(milliseconds: Int64(spec.tv_sec) * 1000 + Int64(spec.tv_nsec) / 1_000_000)
  }

  /// Orders by time.
  package static func < (left: Timestamp, right: Timestamp) -> Bool { left.milliseconds < right.milliseconds }

  /// The timestamp that lies a duration later.
  package static func + (left: Timestamp, right: Duration) -> Timestamp {
    Timestamp(milliseconds: left.milliseconds &+ right.wholeMilliseconds)
  }

  /// The timestamp that lies a duration earlier.
  package static func - (left: Timestamp, right: Duration) -> Timestamp {
    Timestamp(milliseconds: left.milliseconds &- right.wholeMilliseconds)
  }

  /// The time from `right` to `left`.
  package static func - (left: Timestamp, right: Timestamp) -> Duration {
    .milliseconds(left.milliseconds &- right.milliseconds)
  }

  /// The broken-down UTC form.
  package var utc: CivilTime { CivilTime(secondsSinceEpoch: seconds) }

  /// `2026-11-22T04:35:29Z` (RFC 3339), with whole seconds.
  package var rfc3339: String {
    let time = utc
    return
      "\(pad(time.year, 4))-\(pad(time.month, 2))-\(pad(time.day, 2))T\(pad(time.hour, 2)):\(pad(time.minute, 2)):\(pad(time.second, 2))Z"
  }
}

/// A UTC date and time in the proleptic Gregorian calendar.
package struct CivilTime: Hashable, Sendable {
  /// Year, for instance 2026.
  package var year: Int
  /// Month, 1–12.
  package var month: Int
  /// Day of the month, 1–31.
  package var day: Int
  /// Hour, 0–23.
  package var hour: Int
  /// Minute, 0–59.
  package var minute: Int
  /// Second, 0–60.
  package var second: Int
  /// Day of the week, 0 = Sunday.
  package var weekday: Int

  /// Breaks down seconds since the epoch, without tables or the C library's time zone state.
  package init(secondsSinceEpoch: Int64) {
    let days = floorDivide(secondsSinceEpoch, 86_400)
    let rest = Int(secondsSinceEpoch - days * 86_400)
    hour = rest / 3600
    minute = rest / 60 % 60
    second = rest % 60
    weekday = Int(((days % 7) + 11) % 7)
    // Howard Hinnant's days-to-civil algorithm: eras of 400 years counted from 1 March.
    let shifted = days + 719_468
    let era = floorDivide(shifted, 146_097)
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let monthIndex = (5 * dayOfYear + 2) / 153
    day = Int(dayOfYear - (153 * monthIndex + 2) / 5 + 1)
    month = Int(monthIndex < 10 ? monthIndex + 3 : monthIndex - 9)
    year = Int(yearOfEra + era * 400) + (month <= 2 ? 1 : 0)
  }

  /// Days from 1970-01-01 to a civil date; the date is not checked for existence.
  package static func daysSinceEpoch(year: Int, month: Int, day: Int) -> Int64 {
    let shiftedYear = Int64(month <= 2 ? year - 1 : year)
    let era = floorDivide(shiftedYear, 400)
    let yearOfEra = shiftedYear - era * 400
    let dayOfYear = Int64((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1)
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    return era * 146_097 + dayOfEra - 719_468
  }
}

/// Integer division that rounds towards minus infinity; the divisor is positive.
package func floorDivide(_ value: Int64, _ divisor: Int64) -> Int64 {
  let quotient = value / divisor
  return value % divisor < 0 ? quotient - 1 : quotient
}

func pad(_ value: Int, _ width: Int) -> String {
  let digits = String(value)
  return digits.count >= width ? digits : String(repeating: "0", count: width - digits.count) + digits
}

extension Duration {
  /// The duration in whole milliseconds, rounded towards zero and saturating.
  package var wholeMilliseconds: Int64 {
    let (seconds, attoseconds) = components
    let (product, overflow) = seconds.multipliedReportingOverflow(by: 1000)
    if overflow { return seconds < 0 ? .min : .max }
    return product &+ attoseconds / 1_000_000_000_000_000
  }
}

/// Where the house reads the time and waits: the only clock any room may ask.
///
/// The standard library's `Clock` has no civil time, and leases, queue ages and throttles outlive the
/// process; so this protocol carries both the wall clock and the monotonic one. Tests pass `ManualTime`.
package protocol TimeSource: Sendable {
  /// Civil time; may jump when the system's clock is set.
  var now: Timestamp { get }
  /// Time since an arbitrary start; never goes back.
  var uptime: Duration { get }
  /// Waits; throws `CancellationError` when the task is cancelled.
  func sleep(for duration: Duration) async throws
}

/// The system's own clocks.
package struct SystemTime: TimeSource {
  /// Makes the source; it has no state.
  package init() {}
  /// Civil time by `CLOCK_REALTIME`.
  package var now: Timestamp { .systemNow }
  /// Monotonic time by `CLOCK_MONOTONIC`.
  package var uptime: Duration {
    var spec = timespec()
    clock_gettime(CLOCK_MONOTONIC, &spec)
    return .seconds(Int64(spec.tv_sec)) + .nanoseconds(Int64(spec.tv_nsec))
  }
  /// Waits by the continuous clock.
  package func sleep(for duration: Duration) async throws { try await Task.sleep(for: duration) }
}
