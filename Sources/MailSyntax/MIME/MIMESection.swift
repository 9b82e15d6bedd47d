/// What a `BODY[…]` item names (RFC 3501 section 6.4.5).
package struct MIMESection: Hashable, Sendable {
  /// The text behind the part numbers.
  package enum Item: Hashable, Sendable {
    /// Nothing: the whole message, or the content of the part.
    case all
    /// `HEADER`
    case header
    /// `HEADER.FIELDS (…)`
    case headerFields([String])
    /// `HEADER.FIELDS.NOT (…)`
    case headerFieldsNot([String])
    /// `TEXT`
    case text
    /// `MIME`
    case mime
  }

  /// The part numbers, each from 1.
  package var path: [Int]
  /// The text behind them.
  package var item: Item

  /// Most part numbers in a section.
  package static let maximumDepth = 200

  /// Makes a section.
  package init(path: [Int] = [], item: Item = .all) {
    self.path = path
    self.item = item
  }

  /// Parses what stands between the brackets, the header list with plain atoms or quoted strings.
  ///
  ///     MIMESection(Array("1.2.HEADER.FIELDS (From \"Subject\")".utf8))
  package init?(_ bytes: [UInt8]) {
    var lexer = HeaderLexer(bytes)
    path = []
    while let octet = lexer.peek, ASCII.isDigit(octet) {
      let digits = lexer.takeWhile(ASCII.isDigit)
      guard digits.count <= 9, digits.first != 0x30, path.count < Self.maximumDepth else { return nil }
      path.append(digits.reduce(0) { $0 * 10 + Int($1 &- 0x30) })
      if lexer.isAtEnd {
        item = .all
        return
      }
      guard lexer.take(ASCII.dot) else { return nil }
    }
    let word = ASCII.uppercased(
      String(decoding: lexer.takeWhile { ASCII.isLetter($0) || $0 == ASCII.dot }, as: UTF8.self))
    switch word {
    case "" where bytes.isEmpty: item = .all
    case "HEADER": item = .header
    case "TEXT": item = .text
    case "MIME" where !path.isEmpty: item = .mime
    case "HEADER.FIELDS", "HEADER.FIELDS.NOT":
      guard let names = Self.fieldList(&lexer) else { return nil }
      item = word.hasSuffix("NOT") ? .headerFieldsNot(names) : .headerFields(names)
    default: return nil
    }
    guard lexer.isAtEnd else { return nil }
  }

  private static func fieldList(_ lexer: inout HeaderLexer) -> [String]? {
    guard lexer.take(ASCII.space), lexer.take(ASCII.open) else { return nil }
    var names: [String] = []
    while names.count < 1000 {
      var name: [UInt8]
      if lexer.peek == ASCII.quote {
        name = lexer.takeQuotedString()
      } else {
        name = lexer.takeWhile { $0 > ASCII.space && $0 < 0x7f && $0 != ASCII.open && $0 != ASCII.close }
        guard !name.isEmpty else { return nil }
      }
      names.append(String(decoding: name, as: UTF8.self))
      if lexer.take(ASCII.close) { return names }
      guard lexer.take(ASCII.space) else { return nil }
    }
    return nil
  }
}

extension MIMEPart {
  /// A section's octets in the file, and their size in wire form.
  package struct Slice: Hashable, Sendable {
    /// Offsets into the file.
    package let range: Range<Int>
    /// Size with every LF as CRLF; equal to `range.count` when the file can be sent as it is.
    package let wireSize: Int
  }

  /// The part that part numbers name, seen from this message (RFC 3501 section 6.4.5).
  ///
  /// Number 1 of a message that is no multipart is the message's own content; numbers behind a message/rfc822
  /// count inside the message it holds.
  package func part(_ path: [Int]) -> MIMEPart? {
    // The multipart or message that numbers count in; nil behind a leaf or a message/rfc822.
    var container: MIMEPart? = self
    var current = self
    for number in path {
      if container == nil, current.content == .message { container = current.children.first }
      guard let holder = container else { return nil }
      if holder.content == .multipart {
        guard number >= 1, number <= holder.children.count else { return nil }
        current = holder.children[number - 1]
      } else {
        guard number == 1 else { return nil }
        current = holder
      }
      container = current.content == .multipart ? current : nil
    }
    return current
  }

  /// Where a section stands; for header field lists, the whole header section to pick from with
  /// `HeaderSection.select`.
  ///
  /// - Returns: `nil` when there is no such part, or HEADER or TEXT is asked of a part that is no message.
  package func slice(of section: MIMESection) -> Slice? {
    guard let part = part(section.path) else { return nil }
    if section.path.isEmpty {
      switch section.item {
      case .all: return Slice(range: range, wireSize: wireSize)
      case .text: return bodySlice
      case .header, .headerFields, .headerFieldsNot, .mime: return headerSlice
      }
    }
    switch section.item {
    case .all:
      return part.bodySlice
    case .mime:
      return part.headerSlice
    case .header, .headerFields, .headerFieldsNot:
      guard part.content == .message else { return nil }
      return part.children.first?.headerSlice
    case .text:
      guard part.content == .message else { return nil }
      return part.children.first?.bodySlice
    }
  }

  /// A section in wire form, header field lists already picked; `nil` as for `slice(of:)`.
  package func content(of section: MIMESection, in bytes: Span<UInt8>) -> [UInt8]? {
    guard let slice = slice(of: section) else { return nil }
    switch section.item {
    case .headerFields(let names): return HeaderSection.select(names, from: bytes, range: slice.range)
    case .headerFieldsNot(let names):
      return HeaderSection.select(names, excluding: true, from: bytes, range: slice.range)
    default: return WireForm.convert(bytes, range: slice.range)
    }
  }

  private var headerSlice: Slice { Slice(range: headerRange, wireSize: headerWireSize) }
  private var bodySlice: Slice { Slice(range: bodyRange, wireSize: bodyWireSize) }
}
