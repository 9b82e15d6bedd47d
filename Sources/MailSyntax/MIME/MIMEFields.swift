/// The places of one header section's `Content-…` fields; of repeated ones the first counts.
struct MIMEFields {
  private var type: Range<Int>?
  private var encoding: Range<Int>?
  private var id: Range<Int>?
  private var description: Range<Int>?
  private var md5: Range<Int>?
  private var disposition: Range<Int>?
  private var language: Range<Int>?
  private var location: Range<Int>?

  /// Remembers a field when it is one of these.
  mutating func note(_ field: HeaderField, in bytes: Span<UInt8>) {
    func take(_ place: inout Range<Int>?, _ name: StaticString) {
      if place == nil, bytes.matches(field.name, lowercase: name) { place = field.value }
    }
    switch field.name.count {
    case 10: take(&id, "content-id")
    case 11: take(&md5, "content-md5")
    case 12: take(&type, "content-type")
    case 16:
      take(&language, "content-language")
      take(&location, "content-location")
    case 19:
      take(&description, "content-description")
      take(&disposition, "content-disposition")
    case 25: take(&encoding, "content-transfer-encoding")
    default: break
    }
  }

  /// Fills in a part.
  func apply(to part: inout MIMEPart, in bytes: Span<UInt8>, limits: MIMEPart.Limits, isDigestMember: Bool) {
    func value(_ range: Range<Int>?) -> [UInt8]? {
      range.map { HeaderField.unfold(bytes, $0, limit: limits.fieldOctets) }
    }
    if isDigestMember {
      part.type = "message"
      part.subtype = "rfc822"
    }
    if let field = value(type) { applyType(MIMEParameter.parse(field), to: &part) }
    if let field = value(encoding) {
      var lexer = HeaderLexer(field)
      lexer.skipCFWS()
      let token = lexer.takeWhile { ASCII.isToken($0) }
      if !token.isEmpty { part.encoding = ASCII.lowercased(String(decoding: token.prefix(64), as: UTF8.self)) }
    }
    part.id = value(id)
    part.description = value(description)
    part.md5 = value(md5)
    part.location = value(location)
    if let field = value(disposition) {
      let list = MIMEParameter.parse(field)
      if !list.value.isEmpty, list.value.allSatisfy(ASCII.isToken) {
        part.disposition = ASCII.lowercased(String(decoding: list.value, as: UTF8.self))
        part.dispositionParameters = list.parameters
      }
    }
    if let field = value(language) {
      var lexer = HeaderLexer(field)
      while !lexer.isAtEnd, part.languages.count < 100 {
        lexer.skipCFWS()
        let tag = lexer.takeWhile { ASCII.isToken($0) }
        if tag.isEmpty { lexer.advance() } else { part.languages.append(tag) }
      }
    }
    if part.type == "multipart" {
      part.content = .multipart
    } else if part.type == "message", part.subtype == "rfc822" {
      part.content = .message
    }
  }

  /// A broken type means text/plain (RFC 2045 section 5.2), and so does a multipart without a boundary.
  private func applyType(_ list: MIMEParameter.List, to part: inout MIMEPart) {
    let halves = list.value.split(separator: ASCII.slash, maxSplits: 1, omittingEmptySubsequences: false)
    guard halves.count == 2, !halves[0].isEmpty, !halves[1].isEmpty, list.value.count <= 255,
      halves.allSatisfy({ $0.allSatisfy(ASCII.isToken) })
    else { return }
    let type = ASCII.lowercased(String(decoding: halves[0], as: UTF8.self))
    if type == "multipart", list.parameters.named("boundary")?.boundary.isEmpty ?? true { return }
    part.type = type
    part.subtype = ASCII.lowercased(String(decoding: halves[1], as: UTF8.self))
    part.parameters = list.parameters
  }
}

extension MIMEParameter {
  /// The value as a boundary: without the blanks at its end that RFC 2046 section 5.1.1 forbids.
  var boundary: [UInt8] {
    var octets = isExtended ? Array(text.utf8) : value
    while let last = octets.last, ASCII.isWhite(last) { octets.removeLast() }
    return octets
  }
}
