/// Reads a message line by line up to a dot that stands alone, undoing the doubled dots of SMTP.
package struct DotReader: Sendable {
  /// Whether the end was seen.
  package private(set) var isComplete = false
  /// What came so far; `nil` once it is more than the limit.
  package private(set) var bytes: [UInt8]? = []
  private let limit: Int
  private let isTransparent: Bool
  private let endsAtDot: Bool

  /// Starts.
  ///
  /// - Parameters:
  ///   - limit: octets that are kept; what comes beyond is read and forgotten.
  ///   - isTransparent: whether leading dots were doubled by the sender (RFC 5321 section 4.5.2).
  ///   - endsAtDot: whether a dot alone ends the message; else only the end of input does.
  package init(limit: Int, isTransparent: Bool, endsAtDot: Bool = true) {
    self.limit = limit
    self.isTransparent = isTransparent
    self.endsAtDot = endsAtDot
  }

  /// Takes one line without its line end.
  package mutating func line(_ line: [UInt8]) {
    if endsAtDot, line == [0x2e] {
      isComplete = true
      return
    }
    let kept = isTransparent && line.first == 0x2e ? Array(line.dropFirst()) : line
    guard let count = bytes?.count, count + kept.count + 2 <= limit + 2 else {
      bytes = nil
      return
    }
    bytes? += kept + [0x0d, 0x0a]
  }
}
