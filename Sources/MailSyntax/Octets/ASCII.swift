/// The octets that mail grammar names, and the character classes of RFC 5322 and RFC 2045.
package enum ASCII {
  static let tab: UInt8 = 0x09
  static let lf: UInt8 = 0x0a
  static let cr: UInt8 = 0x0d
  static let space: UInt8 = 0x20
  static let quote: UInt8 = 0x22
  static let percent: UInt8 = 0x25
  static let ampersand: UInt8 = 0x26
  static let apostrophe: UInt8 = 0x27
  static let open: UInt8 = 0x28
  static let close: UInt8 = 0x29
  static let star: UInt8 = 0x2a
  static let plus: UInt8 = 0x2b
  static let comma: UInt8 = 0x2c
  static let hyphen: UInt8 = 0x2d
  static let dot: UInt8 = 0x2e
  static let slash: UInt8 = 0x2f
  static let colon: UInt8 = 0x3a
  static let semicolon: UInt8 = 0x3b
  static let less: UInt8 = 0x3c
  static let equals: UInt8 = 0x3d
  static let greater: UInt8 = 0x3e
  static let question: UInt8 = 0x3f
  static let at: UInt8 = 0x40
  static let openBracket: UInt8 = 0x5b
  static let backslash: UInt8 = 0x5c
  static let closeBracket: UInt8 = 0x5d
  static let underscore: UInt8 = 0x5f
  static let tilde: UInt8 = 0x7e

  /// `0`–`9`.
  static func isDigit(_ octet: UInt8) -> Bool { octet &- 0x30 < 10 }
  /// `A`–`Z`, `a`–`z`.
  static func isLetter(_ octet: UInt8) -> Bool { (octet | 0x20) &- 0x61 < 26 }
  /// Space or tab.
  static func isBlank(_ octet: UInt8) -> Bool { octet == space || octet == tab }
  /// Space, tab, CR or LF.
  static func isWhite(_ octet: UInt8) -> Bool { octet == space || octet == tab || octet == cr || octet == lf }
  /// Below space, or DEL.
  static func isControl(_ octet: UInt8) -> Bool { octet < space || octet == 0x7f }
  /// The octet with `A`–`Z` lowered.
  static func lower(_ octet: UInt8) -> UInt8 { octet &- 0x41 < 26 ? octet | 0x20 : octet }
  /// The octet with `a`–`z` raised.
  static func upper(_ octet: UInt8) -> UInt8 { octet &- 0x61 < 26 ? octet & 0xdf : octet }

  /// The value of a hexadecimal digit of either case.
  package static func hexValue(_ octet: UInt8) -> UInt8? {
    if isDigit(octet) { return octet &- 0x30 }
    let letter = (octet | 0x20) &- 0x61
    return letter < 6 ? letter &+ 10 : nil
  }

  /// The upper-case hexadecimal digit of the low four bits.
  static func hexDigit(_ value: UInt8) -> UInt8 {
    let low = value & 0x0f
    return low < 10 ? 0x30 &+ low : 0x37 &+ low
  }

  /// `atext` of RFC 5322 section 3.2.3, with RFC 6532 section 3.2's octets above 127.
  static func isAtomText(_ octet: UInt8) -> Bool {
    if isLetter(octet) || isDigit(octet) || octet >= 0x80 { return true }
    switch octet {
    case 0x21, 0x23...0x27, star, plus, hyphen, slash, equals, question, 0x5e, underscore, 0x60, 0x7b...0x7e:
      return true
    default:
      return false
    }
  }

  /// A token octet of RFC 2045 section 5.1: no controls, blanks or tspecials.
  static func isToken(_ octet: UInt8) -> Bool {
    guard octet > space, octet < 0x7f else { return false }
    switch octet {
    case quote, open, close, comma, slash, colon, semicolon, less, equals, greater, question, at, openBracket,
      backslash, closeBracket:
      return false
    default:
      return true
    }
  }

  /// Whether two runs of octets are the same but for the case of ASCII letters.
  static func equalIgnoringCase(_ left: some Collection<UInt8>, _ right: some Collection<UInt8>) -> Bool {
    left.count == right.count && zip(left, right).allSatisfy { lower($0) == lower($1) }
  }

  /// The text with ASCII letters raised; other scalars stay.
  static func uppercased(_ text: some StringProtocol) -> String {
    String(decoding: text.utf8.map(upper), as: UTF8.self)
  }

  /// The text with ASCII letters lowered; other scalars stay.
  static func lowercased(_ text: some StringProtocol) -> String {
    String(decoding: text.utf8.map(lower), as: UTF8.self)
  }
}
