/// `sequence-set` (RFC 3501 section 9) as ranges, never as single numbers; `$` is the saved result (RFC 5182).
struct SequenceSet: Equatable, Sendable {
  /// One range as written; `nil` stands for `*`.
  struct Element: Equatable, Sendable {
    var first: UInt32?
    var last: UInt32?
  }

  var elements: [Element]
  /// The client wrote `$`.
  var isSavedResult = false

  static let savedResult = SequenceSet(elements: [], isSavedResult: true)

  /// The ranges in ascending order, merged, with `*` standing for the given number.
  ///
  /// - Parameter star: the largest number in use; 0 in an empty mailbox, where `*` then means nothing.
  func ranges(star: UInt32) -> [ClosedRange<UInt32>] {
    var plain: [ClosedRange<UInt32>] = []
    plain.reserveCapacity(elements.count)
    for element in elements {
      let first = element.first ?? star
      let last = element.last ?? star
      if star == 0, element.first == nil || element.last == nil { continue }
      plain.append(min(first, last)...max(first, last))
    }
    if plain.count < 2 { return plain }
    plain.sort { $0.lowerBound < $1.lowerBound }
    var merged: [ClosedRange<UInt32>] = []
    for range in plain {
      if let previous = merged.last,
        range.lowerBound <= previous.upperBound
          || range.lowerBound - previous.upperBound == 1
      {
        merged[merged.count - 1] = previous.lowerBound...max(previous.upperBound, range.upperBound)
      } else {
        merged.append(range)
      }
    }
    return merged
  }

  /// Whether a number without `*` lies wholly above the given count.
  func exceeds(_ count: UInt32) -> Bool {
    elements.contains { element in
      guard let first = element.first, let last = element.last else { return false }
      return min(first, last) > count
    }
  }
}

extension ByteCursor {
  /// `sequence-set`; `$` where RFC 5182 allows it.
  mutating func sequenceSet() throws(GrammarError) -> SequenceSet {
    if take(UInt8(ascii: "$")) { return .savedResult }
    var elements: [SequenceSet.Element] = []
    repeat {
      let first = try sequenceNumber()
      let last = take(UInt8(ascii: ":")) ? try sequenceNumber() : first
      elements.append(SequenceSet.Element(first: first, last: last))
      guard elements.count <= GrammarLimits.sequenceRanges else { throw GrammarError("Sequence set too long") }
    } while take(UInt8(ascii: ","))
    return SequenceSet(elements: elements)
  }

  private mutating func sequenceNumber() throws(GrammarError) -> UInt32? {
    if take(UInt8(ascii: "*")) { return nil }
    return try nonZeroNumber()
  }

  /// Whether a sequence set stands here.
  var startsSequenceSet: Bool {
    guard let octet = peek else { return false }
    return octet.isDigit || octet == UInt8(ascii: "*") || octet == UInt8(ascii: "$")
  }
}
