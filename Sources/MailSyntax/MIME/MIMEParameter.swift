/// One parameter of a Content-Type or Content-Disposition field, its continuations joined (RFC 2231 section 3).
package struct MIMEParameter: Hashable, Sendable {
  /// The name in lower case, without `*` or numbers.
  package let name: String
  /// The value without quotes; for an extended one still `charset'language'%XX…`.
  package let value: [UInt8]
  /// Whether the value is in the extended form of RFC 2231 section 4.
  package let isExtended: Bool

  /// The value as text: extended values and encoded words, which many programs wrongly use here, are decoded.
  package var text: String {
    guard isExtended else { return EncodedWord.decode(value) }
    let parts = value.split(separator: ASCII.apostrophe, maxSplits: 2, omittingEmptySubsequences: false)
    guard parts.count == 3 else { return CharsetDecoder("utf-8").decode(Self.percentDecoded(value[...])) }
    let charset = String(decoding: parts[0], as: UTF8.self)
    return CharsetDecoder(charset.isEmpty ? "utf-8" : charset).decode(Self.percentDecoded(parts[2]))
  }

  /// A value and its parameters: `text/plain; charset=utf-8`.
  struct List {
    let value: [UInt8]
    let parameters: [MIMEParameter]
  }

  /// Most raw parameters of one field, so that a field made of thousands costs no more than one of these.
  static let maximumCount = 512

  /// Parses `value *( ";" name "=" value )` in linear time.
  static func parse(_ field: [UInt8]) -> List {
    var lexer = HeaderLexer(field)
    lexer.skipCFWS()
    var value: [UInt8] = []
    while let octet = lexer.peek, octet != ASCII.semicolon {
      if octet == ASCII.quote {
        value += lexer.takeQuotedString()
      } else if ASCII.isWhite(octet) || octet == ASCII.open {
        lexer.skipCFWS()
      } else {
        value.append(octet)
        lexer.advance()
      }
    }
    var raw: [(name: String, value: [UInt8])] = []
    var isBehindValue = false
    while !lexer.isAtEnd, raw.count < maximumCount {
      lexer.skipCFWS()
      // The semicolon is forgotten here and there, first of all in the example of RFC 2046 section 5.2.3.2.
      guard lexer.take(ASCII.semicolon) || (isBehindValue && lexer.beginsParameter) else {
        isBehindValue = false
        lexer.advance()
        continue
      }
      isBehindValue = false
      lexer.skipCFWS()
      let name = ASCII.lowercased(String(decoding: lexer.takeWhile { ASCII.isToken($0) }, as: UTF8.self))
      lexer.skipCFWS()
      guard !name.isEmpty, lexer.take(ASCII.equals) else { continue }
      lexer.skipCFWS()
      raw.append((name, parameterValue(&lexer, isFileName: name.hasPrefix("name") || name.hasPrefix("filename"))))
      isBehindValue = true
    }
    return List(value: value, parameters: join(raw))
  }

  private static func parameterValue(_ lexer: inout HeaderLexer, isFileName: Bool) -> [UInt8] {
    if lexer.peek == ASCII.quote { return lexer.takeQuotedString() }
    // Unquoted blanks and tspecials are common, in file names above all: take all up to the next semicolon, or, where no
    // file is named, to what looks like the next parameter.
    let isInside = { (octet: UInt8) in octet != ASCII.semicolon && octet != ASCII.open && octet != 0 }
    var value: [UInt8] = []
    while let octet = lexer.peek, isInside(octet) {
      if isFileName {
        value += lexer.takeWhile(isInside)
      } else if ASCII.isWhite(octet) {
        value += lexer.takeWhile { ASCII.isWhite($0) }
        if lexer.beginsParameter { break }
      } else {
        value += lexer.takeWhile { isInside($0) && !ASCII.isWhite($0) }
      }
    }
    while let last = value.last, ASCII.isWhite(last) { value.removeLast() }
    value.removeAll { $0 == ASCII.cr || $0 == ASCII.lf }
    return value
  }

  private struct Section {
    let number: Int
    let isExtended: Bool
    let value: [UInt8]
  }

  /// Joins `name*0*=`, `name*1=` … in the order of their numbers; what does not begin at 0 or has a gap is cut there.
  private static func join(_ raw: [(name: String, value: [UInt8])]) -> [MIMEParameter] {
    var result: [MIMEParameter] = []
    var sections: [String: [Section]] = [:]
    var seen: Set<String> = []
    for (name, value) in raw {
      let parts = name.split(separator: "*", omittingEmptySubsequences: false)
      let base = String(parts[0])
      guard !base.isEmpty else { continue }
      if parts.count == 1 {
        if seen.insert(base).inserted { result.append(MIMEParameter(name: base, value: value, isExtended: false)) }
      } else if parts.count == 2, parts[1].isEmpty {
        if seen.insert(base + "*").inserted {
          result.append(MIMEParameter(name: base, value: value, isExtended: true))
        }
      } else if let number = Int(parts[1]), (0..<maximumCount).contains(number),
        parts.count == 2 || (parts.count == 3 && parts[2].isEmpty)
      {
        sections[base, default: []].append(
          Section(number: number, isExtended: parts.count == 3, value: value))
      }
    }
    for (base, pieces) in sections.sorted(by: { $0.key < $1.key }) {
      guard let parameter = assemble(base, pieces) else { continue }
      if seen.insert(parameter.isExtended ? base + "*" : base).inserted { result.append(parameter) }
    }
    return result
  }

  private static func assemble(_ name: String, _ pieces: [Section]) -> MIMEParameter? {
    let isExtended = pieces.contains(where: \.isExtended)
    var value: [UInt8] = []
    var wanted = 0
    for piece in pieces.sorted(by: { $0.number < $1.number }) {
      if piece.number < wanted { continue }
      guard piece.number == wanted else { break }
      if isExtended, !piece.isExtended {
        if wanted == 0 { value += "''".utf8 }
        percentEncode(piece.value, into: &value)
      } else {
        value += piece.value
      }
      wanted += 1
    }
    return wanted == 0 ? nil : MIMEParameter(name: name, value: value, isExtended: isExtended)
  }

  private static func percentEncode(_ octets: [UInt8], into result: inout [UInt8]) {
    for octet in octets {
      if ASCII.isToken(octet), octet != ASCII.percent, octet != ASCII.apostrophe, octet != ASCII.star {
        result.append(octet)
      } else {
        result += [ASCII.percent, ASCII.hexDigit(octet >> 4), ASCII.hexDigit(octet)]
      }
    }
  }

  private static func percentDecoded(_ octets: ArraySlice<UInt8>) -> [UInt8] {
    var result: [UInt8] = []
    var index = octets.startIndex
    while index < octets.endIndex {
      if octets[index] == ASCII.percent, index + 2 < octets.endIndex, let high = ASCII.hexValue(octets[index + 1]),
        let low = ASCII.hexValue(octets[index + 2])
      {
        result.append(high << 4 | low)
        index += 3
      } else {
        result.append(octets[index])
        index += 1
      }
    }
    return result
  }
}

extension [MIMEParameter] {
  /// The parameter of a lower-case name, the extended form first.
  package func named(_ name: String) -> MIMEParameter? {
    first { $0.name == name && $0.isExtended } ?? first { $0.name == name }
  }
}
