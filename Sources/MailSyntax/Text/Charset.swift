#if canImport(Glibc)
  import Glibc
#endif

/// Text in the character sets that mail names, turned into Swift strings.
///
/// Only sets on a list are handed to the C library's `iconv`: a message picks the name, and rarely used converters
/// have been the place of aborts and overruns. Anything else is read as UTF-8, or else as Windows-1252.
package struct CharsetDecoder: Sendable {
  private enum Method: Sendable {
    case utf8
    case latin1
    case iconv(String)
    case unknown
  }
  private let method: Method

  /// Whether the name stands for a set that can be decoded exactly.
  package var isKnown: Bool {
    if case .unknown = method { return false }
    return true
  }

  /// Makes a decoder for a MIME charset name of any case; a language suffix (`*en`, RFC 2231) is dropped.
  package init(_ name: some StringProtocol) {
    // As nearly all parts spell it.
    guard name != "us-ascii", name != "utf-8" else {
      method = .utf8
      return
    }
    let bare = ASCII.uppercased(name.prefix(64).prefix { $0 != "*" })
    switch bare {
    case "UTF-8", "UTF8", "US-ASCII", "ASCII", "ANSI_X3.4-1968": method = .utf8
    case "ISO-8859-1", "ISO8859-1", "ISO_8859-1", "LATIN1", "L1", "WINDOWS-1252", "CP1252", "X-CP1252":
      method = .latin1
    default: method = Self.iconvNames[bare].map(Method.iconv) ?? .unknown
    }
  }

  /// Decodes octets; what cannot be read becomes U+FFFD.
  package func decode(_ bytes: [UInt8]) -> String {
    switch method {
    case .utf8, .unknown:
      if let text = String(validating: bytes, as: UTF8.self) { return text }
      return looksLikeUTF8(bytes) ? String(decoding: bytes, as: UTF8.self) : Self.windows1252(bytes)
    case .latin1:
      return Self.windows1252(bytes)
    case .iconv(let name):
      return Self.convert(bytes, from: name) ?? Self.windows1252(bytes)
    }
  }

  /// More multi-octet sequences than strays: damaged UTF-8 rather than another set.
  private func looksLikeUTF8(_ bytes: [UInt8]) -> Bool {
    var good = 0
    var strays = 0
    for scalar in String(decoding: bytes.prefix(65_536), as: UTF8.self).unicodeScalars where !scalar.isASCII {
      if scalar.value == 0xfffd { strays += 1 } else { good += 1 }
    }
    return good > strays
  }

  /// Windows-1252, which is what senders mean by ISO-8859-1 (WHATWG Encoding standard).
  static func windows1252(_ bytes: [UInt8]) -> String {
    if bytes.allSatisfy({ $0 < 0x80 }) { return String(decoding: bytes, as: UTF8.self) }
    var text = String.UnicodeScalarView()
    for byte in bytes {
      let value = byte & 0xe0 == 0x80 ? c1[Int(byte & 0x1f)] : UInt16(byte)
      text.append(Unicode.Scalar(value) ?? "\u{fffd}")
    }
    return String(text)
  }

  private static let c1: [UInt16] = [
    0x20ac, 0x81, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160, 0x2039, 0x0152, 0x8d,
    0x017d, 0x8f, 0x90, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a,
    0x0153, 0x9d, 0x017e, 0x0178,
  ]

  private static func convert(_ bytes: [UInt8], from name: String) -> String? {
    guard let handle = iconv_open("UTF-8", name), handle != iconv_t(bitPattern: -1) else { return nil }
    defer { iconv_close(handle) }
    var input = bytes
    var result: [UInt8] = []
    result.reserveCapacity(bytes.count + bytes.count / 2)
    var output = [UInt8](repeating: 0, count: min(max(256, bytes.count * 2), 65_536))
    input.withUnsafeMutableBytes { source in
      output.withUnsafeMutableBytes { target in
        var read = source.baseAddress?.assumingMemoryBound(to: CChar.self)
        var left = source.count
        while left > 0 {
          var write = target.baseAddress?.assumingMemoryBound(to: CChar.self)
          var room = target.count
          let status = iconv(handle, &read, &left, &write, &room)
          let code = errno
          result.append(contentsOf: target[0..<(target.count - room)])
          guard status == -1 else { break }
          if code == E2BIG { continue }
          result += [0xef, 0xbf, 0xbd]
          guard code == EILSEQ, left > 0 else { break }
          read = read?.advanced(by: 1)
          left -= 1
        }
        var write = target.baseAddress?.assumingMemoryBound(to: CChar.self)
        var room = target.count
        _ = iconv(handle, nil, nil, &write, &room)
        result.append(contentsOf: target[0..<(target.count - room)])
      }
    }
    return String(decoding: result, as: UTF8.self)
  }

  /// MIME names and common aliases in upper case, with the C library's name.
  private static let iconvNames: [String: String] = {
    var names: [String: String] = [
      "UTF-7": "UTF-7", "UTF-16": "UTF-16", "UTF-16BE": "UTF-16BE", "UTF-16LE": "UTF-16LE", "UTF-32": "UTF-32",
      "UTF-32BE": "UTF-32BE", "UTF-32LE": "UTF-32LE", "KOI8-R": "KOI8-R", "KOI8-U": "KOI8-U", "KOI8-RU": "KOI8-U",
      "ISO-2022-JP": "ISO-2022-JP", "CSISO2022JP": "ISO-2022-JP", "SHIFT_JIS": "CP932", "SHIFT-JIS": "CP932",
      "SJIS": "CP932", "X-SJIS": "CP932", "CP932": "CP932", "WINDOWS-31J": "CP932", "EUC-JP": "EUC-JP",
      "EUCJP": "EUC-JP", "X-EUC-JP": "EUC-JP", "GB2312": "GBK", "GBK": "GBK", "CP936": "GBK", "GB18030": "GB18030",
      "EUC-CN": "GBK", "HZ-GB-2312": "GBK", "BIG5": "CP950", "BIG-5": "CP950", "CP950": "CP950", "EUC-KR": "CP949",
      "KS_C_5601-1987": "CP949", "KS_C_5601": "CP949", "CP949": "CP949", "UHC": "CP949", "EUC-TW": "EUC-TW",
      "TIS-620": "TIS-620", "WINDOWS-874": "CP874", "CP874": "CP874", "VISCII": "VISCII", "MACINTOSH": "MACINTOSH",
      "X-MAC-ROMAN": "MACINTOSH", "CP437": "CP437", "IBM437": "CP437", "CP850": "CP850", "IBM850": "CP850",
      "CP852": "CP852", "IBM852": "CP852", "CP866": "CP866", "IBM866": "CP866", "LATIN2": "ISO-8859-2",
      "LATIN9": "ISO-8859-15", "ISO-8859-8-I": "ISO-8859-8",
    ]
    for number in 2...16 where number != 12 {
      for spelling in ["ISO-8859-", "ISO8859-", "ISO_8859-"] { names["\(spelling)\(number)"] = "ISO-8859-\(number)" }
    }
    for number in 1250...1258 {
      for spelling in ["WINDOWS-", "CP", "X-CP"] { names["\(spelling)\(number)"] = "CP\(number)" }
    }
    return names
  }()
}
