/// A reading position in one whole command: text and literals in one row, without the last CRLF.
///
/// A literal stands as it travelled: `{5}`, CRLF, five octets. Everything is checked against the end.
struct ByteCursor {
  let bytes: [UInt8]
  var position = 0

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  init(_ text: String) { bytes = Array(text.utf8) }

  var isAtEnd: Bool { position >= bytes.count }

  /// The next octet, or `nil` at the end.
  var peek: UInt8? { position < bytes.count ? bytes[position] : nil }

  /// The octet a few places ahead, or `nil` behind the end.
  func peek(ahead offset: Int) -> UInt8? {
    let index = position + offset
    return index < bytes.count ? bytes[index] : nil
  }

  /// Takes one octet when it is the given one.
  mutating func take(_ octet: UInt8) -> Bool {
    guard peek == octet else { return false }
    position += 1
    return true
  }

  mutating func expect(_ octet: UInt8) throws(GrammarError) {
    guard take(octet) else {
      throw GrammarError("Expected \(ByteCursor.name(octet)) at octet \(position)")
    }
  }

  /// Takes what stands between arguments: one space in the grammar, more of them from some clients (Python's
  /// imapclient), which other servers take.
  @discardableResult mutating func takeSpaces() -> Bool {
    guard take(UInt8(ascii: " ")) else { return false }
    while take(UInt8(ascii: " ")) {}
    return true
  }

  mutating func space() throws(GrammarError) {
    guard takeSpaces() else { throw GrammarError("Missing space or argument at octet \(position)") }
  }

  func expectEnd() throws(GrammarError) {
    // Trailing spaces are an old habit of several clients.
    var index = position
    while index < bytes.count, bytes[index] == UInt8(ascii: " ") { index += 1 }
    guard index == bytes.count else { throw GrammarError("Unexpected text at octet \(position)") }
  }

  /// Takes a run of octets that satisfy the test; possibly none.
  mutating func run(while test: (UInt8) -> Bool) -> ArraySlice<UInt8> {
    let start = position
    while position < bytes.count, test(bytes[position]) { position += 1 }
    return bytes[start..<position]
  }

  /// Takes a word when it stands here, in any case, and what follows is not part of a longer atom.
  mutating func takeWord(_ word: StaticString) -> Bool {
    let count = word.utf8CodeUnitCount
    guard bytes.count - position >= count else { return false }
    for index in 0..<count where bytes[position + index].asciiUppercased != word.utf8Start[index].asciiUppercased {
      return false
    }
    if let next = peek(ahead: count), next.isAtomCharacter { return false }
    position += count
    return true
  }

  private static func name(_ octet: UInt8) -> String {
    octet == 0x20 ? "a space" : "'\(Character(UnicodeScalar(octet)))'"
  }
}

extension UInt8 {
  /// The octet with `a`–`z` turned to `A`–`Z`.
  @inline(__always) var asciiUppercased: UInt8 { self >= 0x61 && self <= 0x7a ? self & 0xdf : self }

  @inline(__always) var asciiLowercased: UInt8 { self >= 0x41 && self <= 0x5a ? self | 0x20 : self }

  @inline(__always) var isDigit: Bool { self >= 0x30 && self <= 0x39 }

  /// ATOM-CHAR of RFC 3501: printable ASCII without `( ) { % * " \ ]`.
  @inline(__always) var isAtomCharacter: Bool {
    switch self {
    case 0x21, 0x23, 0x24, 0x26, 0x27, 0x2b...0x5b, 0x5e...0x7a, 0x7c...0x7e: true
    default: false
    }
  }

  /// ASTRING-CHAR, and octets above ASCII, which old clients send bare in names and passwords.
  @inline(__always) var isAStringCharacter: Bool { isAtomCharacter || self == 0x5d || self >= 0x80 }
}
