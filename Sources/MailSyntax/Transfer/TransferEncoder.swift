extension TransferEncoding {
  /// Octets in wire form as quoted-printable: lines of at most 76, blanks at line ends and lone CR or LF escaped
  /// (RFC 2045 section 6.7).
  package static func encodeQuotedPrintable(_ bytes: [UInt8]) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(bytes.count + bytes.count / 8)
    var column = 0
    var index = 0
    while index < bytes.count {
      let octet = bytes[index]
      let next = index + 1 < bytes.count ? bytes[index + 1] : nil
      index += 1
      if octet == ASCII.cr, next == ASCII.lf {
        result += [ASCII.cr, ASCII.lf]
        column = 0
        index += 1
        continue
      }
      let endsLine = next == nil || next == ASCII.cr || next == ASCII.lf
      let isPlain =
        (octet > ASCII.space && octet < 0x7f && octet != ASCII.equals) || (ASCII.isBlank(octet) && !endsLine)
      let piece = isPlain ? [octet] : [ASCII.equals, ASCII.hexDigit(octet >> 4), ASCII.hexDigit(octet)]
      if column + piece.count > 75 {
        result += [ASCII.equals, ASCII.cr, ASCII.lf]
        column = 0
      }
      result += piece
      column += piece.count
    }
    return result
  }

  /// Octets as base64 in lines of 76 (RFC 2045 section 6.8).
  package static func encodeBase64Lines(_ bytes: [UInt8]) -> [UInt8] {
    var result: [UInt8] = []
    var index = 0
    while index < bytes.count {
      let end = min(index + 57, bytes.count)
      result += Base64.encodedBytes(bytes[index..<end])
      result += [ASCII.cr, ASCII.lf]
      index = end
    }
    return result
  }
}
