/// Writes header fields: safe from injection, folded at 78 columns, in 7-bit (RFC 5322 section 2.2.3, RFC 2047).
struct HeaderWriter {
  private(set) var bytes: [UInt8] = []
  /// Where a line is folded when it can be.
  static let preferredLength = 78
  /// Longest line SMTP carries, without its CRLF.
  static let maximumLength = 998

  /// A field made of words that may be folded between; line ends and controls become blanks.
  mutating func field(_ name: String, words: [String]) {
    let cleanName = name.utf8.filter { $0 > ASCII.space && $0 < 0x7f && $0 != ASCII.colon }
    guard !cleanName.isEmpty else { return }
    bytes += cleanName
    bytes.append(ASCII.colon)
    var column = cleanName.count + 1
    for word in words {
      let octets = word.utf8.map { ASCII.isControl($0) ? ASCII.space : $0 }
      guard !octets.isEmpty else { continue }
      if column + 1 + octets.count > Self.preferredLength, column > cleanName.count + 1 {
        bytes += [ASCII.cr, ASCII.lf]
        column = 0
      }
      bytes.append(ASCII.space)
      bytes += octets
      column += 1 + octets.count
    }
    bytes += [ASCII.cr, ASCII.lf]
  }

  /// A field of free text.
  mutating func text(_ name: String, _ value: String) {
    let clean = String(
      String.UnicodeScalarView(value.unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7f ? " " : $0 }))
    let words = clean.split(separator: " ").map(String.init)
    let isPlain = EncodedWord.isPlain(clean) && words.allSatisfy { $0.utf8.count < Self.maximumLength - 100 }
    field(name, words: isPlain ? words : EncodedWord.encodedWords(clean))
  }

  /// A field of mailboxes.
  mutating func addresses(_ name: String, _ list: [NamedAddress]) {
    var words: [String] = []
    for (index, item) in list.enumerated() {
      let comma = index + 1 < list.count ? "," : ""
      guard let display = item.name, !display.isEmpty else {
        words.append("\(item.address)\(comma)")
        continue
      }
      words += Self.phrase(display)
      words.append("<\(item.address)>\(comma)")
    }
    field(name, words: words)
  }

  /// A display name as words of a phrase: atoms, one quoted string, or encoded words.
  static func phrase(_ name: String) -> [String] {
    guard EncodedWord.isPlain(name), name.utf8.count < 200 else { return EncodedWord.encodedWords(name) }
    if name.utf8.allSatisfy({ ASCII.isAtomText($0) || $0 == ASCII.space }) {
      return name.split(separator: " ").map(String.init)
    }
    return ["\"" + name.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""]
  }
}

/// An address with the name of who reads mail there.
package struct NamedAddress: Hashable, Sendable {
  /// The display name.
  package let name: String?
  /// The address.
  package let address: EmailAddress
  /// Makes a named address.
  package init(_ address: EmailAddress, name: String? = nil) {
    self.name = name
    self.address = address
  }
}
