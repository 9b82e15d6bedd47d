#if canImport(Glibc)
  import Glibc
#endif

/// Tells quickly of most messages that they cannot hold a text, without parsing and decoding them.
///
/// A message of ASCII only, without encoded words, transfer encodings that change octets, and charsets that are no superset
/// of ASCII, says after decoding nothing that its octets do not say. All others are looked at closely.
struct PlainAbsence: Sendable {
  private let needle: [UInt8]

  /// - Parameter folded: the text, case folded; `nil` when nothing can be told for it. Blanks may lie where a line is
  ///   folded, and a colon is put behind each field's name anew.
  init?(_ folded: [UInt8]) {
    guard !folded.isEmpty, folded.allSatisfy({ (0x21...0x7e).contains($0) && $0 != UInt8(ascii: ":") }) else {
      return nil
    }
    needle = folded
  }

  /// Whether the message certainly does not hold the text.
  func isCertain(_ bytes: [UInt8]) -> Bool {
    guard Self.isPlain(bytes) else { return false }
    let upper = [UInt8](unsafeUninitializedCapacity: bytes.count) { space, count in
      for (index, octet) in bytes.enumerated() {
        let isLower = octet &- UInt8(ascii: "a") < 26
        space[index] = isLower ? octet & 0xdf : octet
      }
      count = bytes.count
    }
    return upper.withUnsafeBytes { text in
      !TextNeedle.contains(text, needle) && Self.allow(text, behind: Self.encoding, Self.encodings)
        && Self.allow(text, behind: Self.charset, Self.charsets)
    }
  }

  private static let encoding = Array("-ENCODING".utf8)
  private static let encodings = ["7BIT", "8BIT", "BINARY"].map { Array($0.utf8) }
  private static let charset = Array("CHARSET".utf8)
  private static let charsets = ["US-ASCII", "UTF-8", "ISO-8859-", "WINDOWS-125"].map { Array($0.utf8) }
  /// What may stand between a name and its value.
  private static let between = Set(" \t\r\n:=\"".utf8)

  /// ASCII, lines ended by CRLF or LF, no NUL, and nothing that looks like an encoded word.
  private static func isPlain(_ bytes: [UInt8]) -> Bool {
    var all: UInt8 = 0
    for octet in bytes { all |= octet }
    guard all < 0x80 else { return false }
    return bytes.withUnsafeBytes { text in
      guard let start = text.baseAddress else { return true }
      if memchr(start, 0, text.count) != nil { return false }
      return each(0x0d, in: text) { $0 + 1 < text.count && text[$0 + 1] == 0x0a }
        && each(UInt8(ascii: "="), in: text) { $0 + 1 == text.count || text[$0 + 1] != UInt8(ascii: "?") }
    }
  }

  /// Whether a test holds at every place where an octet stands.
  private static func each(_ octet: UInt8, in text: UnsafeRawBufferPointer, _ test: (Int) -> Bool) -> Bool {
    guard let start = text.baseAddress else { return true }
    var position = 0
    while position < text.count, let found = memchr(start + position, Int32(octet), text.count - position) {
      let index = UnsafeRawPointer(found) - start
      guard test(index) else { return false }
      position = index + 1
    }
    return true
  }

  /// Whether one of the values stands behind the name wherever that stands.
  private static func allow(_ text: UnsafeRawBufferPointer, behind name: [UInt8], _ values: [[UInt8]]) -> Bool {
    guard let first = name.first else { return true }
    return each(first, in: text) { index in
      guard text[index...].starts(with: name) else { return true }
      let value = text[(index + name.count)...].drop(while: between.contains)
      return values.contains { value.starts(with: $0) }
    }
  }
}
