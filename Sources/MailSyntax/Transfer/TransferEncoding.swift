/// Content transfer encodings of RFC 2045 section 6, decoded tolerantly, whole or piece by piece.
///
///     var decoder = TransferEncoding("base64").decoder()
///     decoder.decode(chunk.span, into: &octets)
///     decoder.finish(into: &octets)
package enum TransferEncoding: Hashable, Sendable {
  /// 7bit, 8bit or binary: octets as they are.
  case identity
  /// quoted-printable.
  case quotedPrintable
  /// base64.
  case base64
  /// A name nobody defined; its octets cannot be decoded.
  case unknown

  /// Makes an encoding from its name in any case; an empty name is 7bit.
  package init(_ name: some StringProtocol) {
    switch ASCII.lowercased(name) {
    case "", "7bit", "8bit", "binary": self = .identity
    case "quoted-printable": self = .quotedPrintable
    case "base64": self = .base64
    default: self = .unknown
    }
  }

  /// A decoder that takes the body in pieces.
  package func decoder() -> TransferDecoder { TransferDecoder(self) }

  /// Decodes a range at once; unknown encodings give the octets as they are.
  package func decode(_ bytes: Span<UInt8>, range: Range<Int>) -> [UInt8] {
    let end = min(range.upperBound, bytes.count)
    let start = min(max(range.lowerBound, 0), end)
    guard self == .base64 || self == .quotedPrintable else { return bytes.copy(start..<end) }
    var result: [UInt8] = []
    result.reserveCapacity(end - start)
    var decoder = decoder()
    decoder.decode(bytes.extracting(start..<end), into: &result)
    decoder.finish(into: &result)
    return result
  }

  /// Decodes base64 whatever stands between its digits.
  static func decodeBase64(_ bytes: [UInt8]) -> [UInt8] {
    TransferEncoding.base64.decode(bytes.span, range: 0..<bytes.count)
  }
}

/// The state of a body that is decoded piece by piece.
package struct TransferDecoder: Sendable {
  private let encoding: TransferEncoding
  private var group: UInt32 = 0
  private var digits = 0
  /// The start of an `=XX`, or blanks that may turn out to end a line.
  private var escape: [UInt8] = []
  private var blanks: [UInt8] = []

  /// Makes a decoder in its first state.
  package init(_ encoding: TransferEncoding) { self.encoding = encoding }

  /// Takes the next octets and appends what they decode to.
  package mutating func decode(_ bytes: Span<UInt8>, into result: inout [UInt8]) {
    switch encoding {
    case .identity, .unknown: bytes.append(0..<bytes.count, to: &result)
    case .base64: decodeBase64(bytes, into: &result)
    case .quotedPrintable: decodeQuotedPrintable(bytes, into: &result)
    }
  }

  /// Appends what the last octets leave.
  package mutating func finish(into result: inout [UInt8]) {
    if encoding == .base64 { flushGroup(into: &result) }
    if escape.count > 1 { result += escape }
    escape = []
    blanks = []
  }

  private mutating func decodeBase64(_ bytes: Span<UInt8>, into result: inout [UInt8]) {
    let values = Base64.values
    for index in bytes.indices {
      let octet = bytes[index]
      let value = values[Int(octet)]
      if value < 64 {
        group = group << 6 | UInt32(value)
        digits += 1
        if digits == 4 {
          result.append(UInt8(truncatingIfNeeded: group >> 16))
          result.append(UInt8(truncatingIfNeeded: group >> 8))
          result.append(UInt8(truncatingIfNeeded: group))
          group = 0
          digits = 0
        }
      } else if octet == ASCII.equals {
        flushGroup(into: &result)
      }
    }
  }

  private mutating func flushGroup(into result: inout [UInt8]) {
    if digits >= 2 { result.append(UInt8(truncatingIfNeeded: group >> UInt32(6 * digits - 8))) }
    if digits == 3 { result.append(UInt8(truncatingIfNeeded: group >> 2)) }
    group = 0
    digits = 0
  }

  private mutating func decodeQuotedPrintable(_ bytes: Span<UInt8>, into result: inout [UInt8]) {
    var index = 0
    while index < bytes.count {
      let octet = bytes[index]
      if !escape.isEmpty {
        index = continueEscape(octet, at: index, into: &result)
        continue
      }
      let end = Self.plainEnd(bytes, from: index)
      if end > index {
        flushBlanks(into: &result)
        bytes.append(index..<end, to: &result)
        index = end
        continue
      }
      index += 1
      switch octet {
      case ASCII.equals:
        flushBlanks(into: &result)
        if let next = Self.wholeEscape(bytes, at: index, into: &result) { index = next } else { escape = [octet] }
      case ASCII.space, ASCII.tab:
        blanks.append(octet)
      case ASCII.lf, ASCII.cr:
        blanks = []
        result.append(octet)
      default:
        flushBlanks(into: &result)
        result.append(octet)
      }
    }
  }

  /// The end of a run of octets that stand for themselves, blanks between words included.
  private static func plainEnd(_ bytes: Span<UInt8>, from start: Int) -> Int {
    var index = start
    while index < bytes.count {
      let octet = bytes[index]
      if octet == ASCII.equals || octet == ASCII.lf || octet == ASCII.cr { break }
      if ASCII.isBlank(octet), index + 1 == bytes.count || ASCII.isWhite(bytes[index + 1]) { break }
      index += 1
    }
    return index
  }

  /// Decodes what stands behind `=` where all of it has come and is as it should be; returns where to go on.
  private static func wholeEscape(_ bytes: Span<UInt8>, at index: Int, into result: inout [UInt8]) -> Int? {
    guard index + 1 < bytes.count else { return nil }
    let (first, second) = (bytes[index], bytes[index + 1])
    if first == ASCII.cr, second == ASCII.lf { return index + 2 }
    guard let high = ASCII.hexValue(first), let low = ASCII.hexValue(second) else { return nil }
    result.append(high << 4 | low)
    return index + 2
  }

  /// Handles the octet behind `=`, `=X`, `= ` or `=CR`; returns where to go on.
  private mutating func continueEscape(_ octet: UInt8, at index: Int, into result: inout [UInt8]) -> Int {
    let last = escape[escape.count - 1]
    if last == ASCII.equals || ASCII.isBlank(last) {
      switch octet {
      case ASCII.lf:
        escape = []
        return index + 1
      case ASCII.cr, ASCII.space, ASCII.tab:
        escape.append(octet)
        return index + 1
      default:
        if escape.count == 1, ASCII.hexValue(octet) != nil {
          escape.append(octet)
          return index + 1
        }
      }
    } else if last == ASCII.cr, octet == ASCII.lf {
      escape = []
      return index + 1
    } else if escape.count == 2, let high = ASCII.hexValue(last), let low = ASCII.hexValue(octet) {
      result.append(high << 4 | low)
      escape = []
      return index + 1
    }
    result += escape
    escape = []
    return index
  }

  private mutating func flushBlanks(into result: inout [UInt8]) {
    guard !blanks.isEmpty else { return }
    result += blanks
    blanks = []
  }
}
