/// Atoms, numbers and strings (RFC 3501 section 4).
extension ByteCursor {
  /// An atom as upper-case text: a keyword of the grammar.
  mutating func keyword() throws(GrammarError) -> String {
    let atom = run { $0.isAtomCharacter }
    guard !atom.isEmpty else { throw GrammarError("Missing keyword at octet \(position)") }
    return String(decoding: atom.lazy.map(\.asciiUppercased), as: UTF8.self)
  }

  /// `tag`: any ASTRING-CHAR except `+`.
  mutating func tag() throws(GrammarError) -> [UInt8] {
    let tag = run { ($0.isAtomCharacter || $0 == 0x5d) && $0 != UInt8(ascii: "+") }
    guard !tag.isEmpty, tag.count <= 128 else { throw GrammarError("Missing or invalid tag") }
    return Array(tag)
  }

  /// `astring`.
  mutating func aString() throws(GrammarError) -> [UInt8] {
    if let string = try stringIfPresent() { return string }
    let atom = run { $0.isAStringCharacter }
    guard !atom.isEmpty else { throw GrammarError("Missing argument at octet \(position)") }
    return Array(atom)
  }

  /// A login name or password: an astring, or any bare word, since `user%domain` (R51) is no atom by the letter.
  mutating func credential() throws(GrammarError) -> [UInt8] {
    if let string = try stringIfPresent() { return string }
    let word = run { $0 > 0x20 && $0 != 0x7f }
    guard !word.isEmpty else { throw GrammarError("Missing argument at octet \(position)") }
    return Array(word)
  }

  /// `list-mailbox`: an astring that may hold the wildcards `%` and `*`.
  mutating func listMailbox() throws(GrammarError) -> [UInt8] {
    if let string = try stringIfPresent() { return string }
    let atom = run { $0.isAStringCharacter || $0 == UInt8(ascii: "%") || $0 == UInt8(ascii: "*") }
    guard !atom.isEmpty else { throw GrammarError("Missing mailbox pattern at octet \(position)") }
    return Array(atom)
  }

  /// `string`: quoted or literal.
  mutating func string() throws(GrammarError) -> [UInt8] {
    guard let string = try stringIfPresent() else { throw GrammarError("Expected a string at octet \(position)") }
    return string
  }

  /// `nstring`.
  mutating func nString() throws(GrammarError) -> [UInt8]? {
    if let string = try stringIfPresent() { return string }
    guard takeWord("NIL") else { throw GrammarError("Expected a string or NIL at octet \(position)") }
    return nil
  }

  private mutating func stringIfPresent() throws(GrammarError) -> [UInt8]? {
    switch peek {
    case UInt8(ascii: "\""): return try quoted()
    case UInt8(ascii: "{"): return try literalOctets(allowNUL: false)
    case UInt8(ascii: "~"):
      guard peek(ahead: 1) == UInt8(ascii: "{") else { return nil }
      throw GrammarError("A binary literal is not allowed here")
    default: return nil
    }
  }

  private mutating func quoted() throws(GrammarError) -> [UInt8] {
    position += 1
    var result: [UInt8] = []
    while let octet = peek {
      position += 1
      switch octet {
      case UInt8(ascii: "\""): return result
      case UInt8(ascii: "\\"):
        guard let escaped = peek, escaped == UInt8(ascii: "\"") || escaped == UInt8(ascii: "\\") else {
          throw GrammarError("Invalid escape in a quoted string")
        }
        position += 1
        result.append(escaped)
      case 0, 0x0d, 0x0a: throw GrammarError("NUL, CR and LF are not allowed in a quoted string")
      default: result.append(octet)
      }
    }
    throw GrammarError("Missing closing quote")
  }

  /// The octets of a literal that stands here.
  mutating func literalOctets(allowNUL: Bool) throws(GrammarError) -> [UInt8] {
    position += 1
    let count = try number64()
    _ = take(UInt8(ascii: "+"))
    try expect(UInt8(ascii: "}"))
    guard take(0x0d), take(0x0a), count <= UInt64(bytes.count - position) else {
      throw GrammarError("Invalid literal")
    }
    let end = position + Int(truncatingIfNeeded: count)
    let content = Array(bytes[position..<end])
    guard allowNUL || !content.contains(0) else { throw GrammarError("NUL is not allowed in a literal") }
    position = end
    return content
  }

  /// `number`: 0 to 4294967295.
  mutating func number() throws(GrammarError) -> UInt32 {
    let value = try number64()
    guard let number = UInt32(exactly: value) else { throw GrammarError("Number too large") }
    return number
  }

  /// `nz-number`.
  mutating func nonZeroNumber() throws(GrammarError) -> UInt32 {
    let value = try number()
    guard value > 0 else { throw GrammarError("Zero is not allowed here") }
    return value
  }

  /// `number64` and `mod-sequence-valzer`: 0 to 2^63 - 1 (RFC 9051 section 9, RFC 7162).
  mutating func number64() throws(GrammarError) -> UInt64 {
    let digits = run { $0.isDigit }
    guard !digits.isEmpty else { throw GrammarError("Expected a number at octet \(position)") }
    var value: UInt64 = 0
    for digit in digits {
      let (product, overflow) = value.multipliedReportingOverflow(by: 10)
      let next = UInt64(digit & 0x0f)
      guard !overflow, product <= UInt64(Int64.max) - next else { throw GrammarError("Number too large") }
      value = product + next
    }
    return value
  }

  /// A parenthesised list with one space between its members; `allowEmpty` lets `()` pass.
  mutating func list<Element>(
    allowEmpty: Bool = false, _ element: (inout ByteCursor) throws(GrammarError) -> Element
  ) throws(GrammarError) -> [Element] {
    try expect(UInt8(ascii: "("))
    takeSpaces()
    if allowEmpty, take(UInt8(ascii: ")")) { return [] }
    var result: [Element] = []
    while true {
      result.append(try element(&self))
      guard result.count <= GrammarLimits.listItems else { throw GrammarError("List too long") }
      if take(UInt8(ascii: ")")) { return result }
      try space()
      if take(UInt8(ascii: ")")) { return result }
    }
  }
}
