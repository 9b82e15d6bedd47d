/// Where one header field stands; the ranges are offsets into the octets that were scanned.
package struct HeaderField: Hashable, Sendable {
  /// The name without blanks before the colon; empty for a line that has no colon.
  package let name: Range<Int>
  /// What stands behind the colon, folds included, without the last line end.
  package let value: Range<Int>
  /// The whole field with its last line end.
  package let range: Range<Int>

  /// A value on one line: line ends taken out (RFC 5322 section 2.2.3), blanks trimmed on both sides.
  package static func unfold(_ bytes: Span<UInt8>, _ range: Range<Int>, limit: Int = .max) -> [UInt8] {
    var start = max(range.lowerBound, 0)
    var end = min(range.upperBound, bytes.count)
    while start < end, ASCII.isWhite(bytes[start]) { start += 1 }
    while end > start, ASCII.isWhite(bytes[end - 1]) { end -= 1 }
    if end - start > limit { end = start + limit }
    var result = bytes.copy(start..<max(start, end))
    if result.contains(ASCII.lf) || result.contains(ASCII.cr) {
      result.removeAll { $0 == ASCII.cr || $0 == ASCII.lf }
    }
    return result
  }
}

/// Walks over the fields of a header section, one at a time, without keeping them.
struct HeaderScanner {
  /// Where the next field starts.
  private(set) var position: Int
  /// Behind the blank line that ended the section, or the end of the octets.
  private(set) var sectionEnd: Int
  private let end: Int
  private(set) var isDone = false

  /// Starts at an offset; the section ends at the first blank line or at `end`.
  init(from start: Int, to end: Int) {
    position = start
    sectionEnd = end
    self.end = end
  }

  /// The next field, or `nil` at the blank line or the end.
  mutating func next(in bytes: Span<UInt8>) -> HeaderField? {
    guard !isDone, position < end else {
      isDone = true
      return nil
    }
    let start = position
    if bytes[start] == ASCII.lf || (bytes[start] == ASCII.cr && start + 1 < end && bytes[start + 1] == ASCII.lf) {
      sectionEnd = start + (bytes[start] == ASCII.lf ? 1 : 2)
      isDone = true
      return nil
    }
    let firstLineEnd = bytes.lineEnd(from: start, to: end)
    position = firstLineEnd
    while position < end, ASCII.isBlank(bytes[position]) {
      position = bytes.lineEnd(from: position, to: end)
    }
    return Self.field(bytes, start: start, firstLineEnd: firstLineEnd, end: position)
  }

  static func field(_ bytes: Span<UInt8>, start: Int, firstLineEnd: Int, end: Int) -> HeaderField {
    var valueEnd = end
    if valueEnd > start, bytes[valueEnd - 1] == ASCII.lf {
      valueEnd -= 1
      if valueEnd > start, bytes[valueEnd - 1] == ASCII.cr { valueEnd -= 1 }
    }
    guard let colon = bytes.firstIndex(of: ASCII.colon, in: start..<firstLineEnd) else {
      return HeaderField(name: start..<start, value: start..<valueEnd, range: start..<end)
    }
    var nameEnd = colon
    while nameEnd > start, ASCII.isBlank(bytes[nameEnd - 1]) { nameEnd -= 1 }
    return HeaderField(name: start..<nameEnd, value: (colon + 1)..<max(colon + 1, valueEnd), range: start..<end)
  }
}

extension Span where Element == UInt8 {
  /// Whether a range spells an ASCII name, case ignored; the name is given in lower case.
  func matches(_ range: Range<Int>, lowercase name: StaticString) -> Bool {
    guard range.count == name.utf8CodeUnitCount, range.lowerBound >= 0, range.upperBound <= count else { return false }
    return name.withUTF8Buffer { wanted in
      for offset in 0..<wanted.count where ASCII.lower(self[range.lowerBound + offset]) != wanted[offset] {
        return false
      }
      return true
    }
  }

  /// A range as a lower-case ASCII string.
  func lowercased(_ range: Range<Int>) -> String { String(decoding: copy(range).map(ASCII.lower), as: UTF8.self) }
}
