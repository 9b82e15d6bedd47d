/// A message as it travels: every LF preceded by CR.
///
/// Files in a Maildir may have been written with bare LF; clients are told sizes and given bytes as if it were CRLF.
package enum WireForm {
  /// How many LFs in a range are not preceded by CR.
  ///
  /// The octet before the range counts as context, so that a range which starts between CR and LF is read right.
  package static func bareLineFeeds(in bytes: Span<UInt8>, range: Range<Int>) -> Int {
    let end = min(range.upperBound, bytes.count)
    var position = max(range.lowerBound, 0)
    var bare = 0
    while let lf = bytes.firstIndex(of: ASCII.lf, in: position..<max(position, end)) {
      if lf == 0 || bytes[lf - 1] != ASCII.cr { bare += 1 }
      position = lf + 1
    }
    return bare
  }

  /// The size in octets of a range in wire form.
  package static func size(of bytes: Span<UInt8>, range: Range<Int>) -> Int {
    range.count + bareLineFeeds(in: bytes, range: range)
  }

  /// The size in octets in wire form.
  package static func size(of bytes: [UInt8]) -> Int { size(of: bytes.span, range: 0..<bytes.count) }

  /// A range in wire form.
  package static func convert(_ bytes: Span<UInt8>, range: Range<Int>) -> [UInt8] {
    var result: [UInt8] = []
    append(bytes, range: range, to: &result)
    return result
  }

  /// The octets in wire form.
  package static func convert(_ bytes: [UInt8]) -> [UInt8] { convert(bytes.span, range: 0..<bytes.count) }

  /// Appends a range in wire form.
  package static func append(_ bytes: Span<UInt8>, range: Range<Int>, to result: inout [UInt8]) {
    let end = min(range.upperBound, bytes.count)
    let start = min(max(range.lowerBound, 0), end)
    // Only once: an array that is told its size again and again is copied as often.
    if result.isEmpty { result.reserveCapacity((end - start) + (end - start) / 32) }
    var copied = start
    var position = start
    while let lf = bytes.firstIndex(of: ASCII.lf, in: position..<max(position, end)) {
      if lf == 0 || bytes[lf - 1] != ASCII.cr {
        bytes.append(copied..<lf, to: &result)
        result.append(ASCII.cr)
        copied = lf
      }
      position = lf + 1
    }
    bytes.append(copied..<end, to: &result)
  }
}
