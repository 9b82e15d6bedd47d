/// `section` (RFC 3501 section 6.4.5): which octets of a message a BODY[] item asks for.
struct SectionArgument: Equatable, Sendable {
  /// What of the part is meant; `nil` is the part's whole content.
  enum Text: Equatable, Sendable {
    case header
    case headerFields([[UInt8]], not: Bool)
    case text
    case mime
  }

  /// Part numbers from the outermost inwards; empty for the message itself.
  var part: [UInt32] = []
  var text: Text?
}

/// `<origin.count>` behind a section.
struct PartialArgument: Equatable, Sendable {
  var origin: UInt32
  var count: UInt32
}

extension ByteCursor {
  /// `section` with its brackets.
  mutating func section() throws(GrammarError) -> SectionArgument {
    try expect(UInt8(ascii: "["))
    var section = SectionArgument()
    section.part = try partNumbers()
    if take(UInt8(ascii: "]")) { return section }
    section.text = try sectionText(inPart: !section.part.isEmpty)
    try expect(UInt8(ascii: "]"))
    return section
  }

  /// `section-binary` (RFC 3516): part numbers only.
  mutating func binarySection() throws(GrammarError) -> [UInt32] {
    try expect(UInt8(ascii: "["))
    let part = try partNumbers()
    try expect(UInt8(ascii: "]"))
    return part
  }

  /// Part numbers with their dots; a dot before a word is taken too.
  private mutating func partNumbers() throws(GrammarError) -> [UInt32] {
    var numbers: [UInt32] = []
    while let octet = peek, octet.isDigit {
      numbers.append(try nonZeroNumber())
      guard numbers.count <= GrammarLimits.depth else { throw GrammarError("Section too deep") }
      guard take(UInt8(ascii: ".")) else { break }
      guard let next = peek, next != UInt8(ascii: "]") else { throw GrammarError("Invalid section") }
    }
    return numbers
  }

  private mutating func sectionText(inPart: Bool) throws(GrammarError) -> SectionArgument.Text {
    let word = String(
      decoding: run { ($0 | 0x20) >= 0x61 && ($0 | 0x20) <= 0x7a || $0 == UInt8(ascii: ".") }
        .lazy.map(\.asciiUppercased), as: UTF8.self)
    switch word {
    case "HEADER": return .header
    case "TEXT": return .text
    case "MIME" where inPart: return .mime
    case "HEADER.FIELDS", "HEADER.FIELDS.NOT":
      try space()
      let names = try list { (cursor) throws(GrammarError) in try cursor.headerFieldName() }
      return .headerFields(names, not: word.hasSuffix("NOT"))
    default: throw GrammarError("Unknown section")
    }
  }

  /// `header-fld-name`: an astring of RFC 5322 field-name octets.
  mutating func headerFieldName() throws(GrammarError) -> [UInt8] {
    let name = try aString()
    guard !name.isEmpty, name.allSatisfy({ $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: ":") }) else {
      throw GrammarError("Invalid header field name")
    }
    return name
  }

  /// `partial` when one stands here.
  mutating func partial() throws(GrammarError) -> PartialArgument? {
    guard take(UInt8(ascii: "<")) else { return nil }
    let origin = try number()
    try expect(UInt8(ascii: "."))
    let count = try nonZeroNumber()
    try expect(UInt8(ascii: ">"))
    return PartialArgument(origin: origin, count: count)
  }
}
