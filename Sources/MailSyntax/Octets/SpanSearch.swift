#if canImport(Glibc)
  import Glibc
#endif

extension Span where Element == UInt8 {
  /// The first place of an octet in a range, found by `memchr`; ranges outside the span are clamped.
  func firstIndex(of octet: UInt8, in range: Range<Int>) -> Int? {
    let lower = Swift.max(range.lowerBound, 0)
    let upper = Swift.min(range.upperBound, count)
    guard lower < upper else { return nil }
    return withUnsafeBytes { raw -> Int? in
      guard let base = raw.baseAddress, let found = memchr(base + lower, Int32(octet), upper - lower) else {
        return nil
      }
      return base.distance(to: UnsafeRawPointer(found))
    }
  }

  /// A copy of a range; ranges outside the span are clamped.
  func copy(_ range: Range<Int>) -> [UInt8] {
    let lower = Swift.min(Swift.max(range.lowerBound, 0), count)
    let upper = Swift.min(Swift.max(range.upperBound, lower), count)
    return withUnsafeBytes { Array($0[lower..<upper]) }
  }

  /// Appends a range to an array; ranges outside the span are clamped.
  func append(_ range: Range<Int>, to result: inout [UInt8]) {
    let lower = Swift.min(Swift.max(range.lowerBound, 0), count)
    let upper = Swift.min(Swift.max(range.upperBound, lower), count)
    withUnsafeBytes { result.append(contentsOf: $0[lower..<upper]) }
  }

  /// Where the line that starts at `start` ends, behind its LF, or the end of the range.
  func lineEnd(from start: Int, to end: Int) -> Int {
    firstIndex(of: ASCII.lf, in: start..<Swift.max(start, end)).map { $0 + 1 } ?? end
  }
}

extension Array where Element == UInt8 {
  /// The first place of an octet at or behind `start`, found by `memchr`.
  func firstIndex(of octet: UInt8, from start: Int) -> Int? {
    span.firstIndex(of: octet, in: start..<Swift.max(start, count))
  }
}
