/// The announcement of a literal at the end of a line (RFC 3501 section 4.3, RFC 7888, RFC 3516).
struct LiteralHeader: Equatable, Sendable {
  /// Octets that follow; `UInt64.max` when the number does not fit.
  var count: UInt64
  /// `{n+}`: the client does not wait for our consent.
  var isNonSynchronizing: Bool
  /// `~{n}`: may hold NUL.
  var isBinary: Bool
  /// Where the announcement starts in the line.
  var start: Int

  /// Reads the announcement at the end of a line without its CRLF.
  init?(atEndOf line: some BidirectionalCollection<UInt8> & RandomAccessCollection) {
    guard line.last == UInt8(ascii: "}") else { return nil }
    let octets = line.suffix(64)
    guard let brace = octets.lastIndex(of: UInt8(ascii: "{")) else { return nil }
    var inner = octets[octets.index(after: brace)...].dropLast()
    isNonSynchronizing = inner.last == UInt8(ascii: "+")
    if isNonSynchronizing { inner = inner.dropLast() }
    guard !inner.isEmpty, inner.allSatisfy(\.isDigit) else { return nil }
    var value: UInt64 = 0
    for digit in inner {
      let (product, overflow) = value.multipliedReportingOverflow(by: 10)
      let (sum, carry) = product.addingReportingOverflow(UInt64(digit & 0x0f))
      if overflow || carry {
        value = .max
        break
      }
      value = sum
    }
    count = value
    isBinary = brace > line.startIndex && line[line.index(before: brace)] == UInt8(ascii: "~")
    start = line.distance(from: line.startIndex, to: brace) - (isBinary ? 1 : 0)
  }
}
