/// `partial-range` (RFC 9394 section 4): a window of a result, counted from its first or, negative, from its last.
struct ResultRange: Equatable, Sendable {
  var first: Int64
  var last: Int64

  /// How many places it has.
  var count: Int { Int(abs(last - first)) + 1 }

  /// The places of a result of the given length that lie in the window.
  func places(of count: Int) -> Range<Int> {
    let (low, high) = (min(abs(first), abs(last)), max(abs(first), abs(last)))
    guard low <= Int64(count) else { return 0..<0 }
    let top = Int(min(high, Int64(count)))
    return first > 0 ? Int(low) - 1..<top : count - top..<count - Int(low) + 1
  }
}

extension ResultRange: CustomStringConvertible {
  /// Counted away from its end of the result: RFC 9394 section 4 takes `4:2` for `2:4`.
  var description: String { abs(first) <= abs(last) ? "\(first):\(last)" : "\(last):\(first)" }
}

extension ByteCursor {
  /// `partial-range`: both ends positive or both negative.
  mutating func resultRange() throws(GrammarError) -> ResultRange {
    let isNegative = take(UInt8(ascii: "-"))
    let first = Int64(try nonZeroNumber())
    try expect(UInt8(ascii: ":"))
    guard take(UInt8(ascii: "-")) == isNegative else { throw GrammarError("Both ends of a range need the same sign") }
    let last = Int64(try nonZeroNumber())
    return isNegative ? ResultRange(first: -first, last: -last) : ResultRange(first: first, last: last)
  }
}
