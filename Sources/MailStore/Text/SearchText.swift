#if canImport(Glibc)
  import Glibc
#endif
import MailSyntax

/// A message as SEARCH looks at it: decoded, case folded, fields and parts kept apart.
struct SearchText: Sendable {
  /// Stands behind each field and part: no octet of UTF-8, so that nothing is found across it.
  static let separator: UInt8 = 0xff

  /// The fields of the message's own header section, each as `name: value`.
  var header: [UInt8] = []
  /// Header fields of parts, which TEXT looks at and BODY does not.
  var parts: [UInt8] = []
  /// Text parts, and header sections of messages inside.
  var body: [UInt8] = []
  /// Whether nothing was left out for its size.
  var isWhole = true

  /// Octets together.
  var count: Int { header.count + parts.count + body.count }

  /// Text that was kept elsewhere.
  init(header: [UInt8], parts: [UInt8], body: [UInt8], isWhole: Bool) {
    self.header = header
    self.parts = parts
    self.body = body
    self.isWhole = isWhole
  }

  /// Decodes a message.
  ///
  /// - Parameter limit: octets that are taken; what lies behind is left out.
  init(_ bytes: [UInt8], limit: Int = .max) {
    let root = MIMEPart.parse(bytes)
    Self.appendHeader(of: root, bytes, to: &header)
    isWhole = Self.cut(&header, to: limit)
    walk(root, bytes, insideMessage: false, limit: limit)
  }

  private mutating func walk(_ part: MIMEPart, _ bytes: [UInt8], insideMessage: Bool, limit: Int) {
    guard isWhole else { return }
    if part.isText {
      let octets = TransferEncoding(part.encoding).decode(bytes.span, range: part.bodyRange)
      let charset = part.charset
      // Pure ASCII needs no charset; folding in place is most of what a search costs.
      body +=
        charset == "us-ascii" || charset == "utf-8"
        ? CaseMap.fold(utf8: octets) : Array(CaseMap.fold(CharsetDecoder(charset).decode(octets)).utf8)
      body.append(Self.separator)
    }
    if part.content != .leaf {
      for child in part.children {
        // The header of an attached message belongs to the body it is part of.
        let inside = insideMessage || part.type == "message"
        if inside {
          Self.appendHeader(of: child, bytes, to: &body)
        } else {
          Self.appendHeader(of: child, bytes, to: &parts)
        }
        walk(child, bytes, insideMessage: inside, limit: limit)
      }
    }
    let cutParts = Self.cut(&parts, to: limit - header.count)
    let cutBody = Self.cut(&body, to: limit - header.count - parts.count)
    isWhole = isWhole && cutParts && cutBody
  }

  /// Shortens octets; gives whether they were short enough.
  private static func cut(_ octets: inout [UInt8], to limit: Int) -> Bool {
    guard octets.count > max(0, limit) else { return true }
    octets.removeLast(octets.count - max(0, limit))
    return false
  }

  private static func appendHeader(of part: MIMEPart, _ bytes: [UInt8], to result: inout [UInt8]) {
    let range = part.headerRange
    guard range.lowerBound >= 0, range.upperBound <= bytes.count else { return }
    let section = HeaderSection(Array(bytes[range]))
    for field in section.fields {
      result += CaseMap.fold(utf8: Array(section.name(of: field).utf8))
      result += [0x3a, 0x20]
      result += Array(CaseMap.fold(EncodedWord.decode(section.value(of: field))).utf8)
      result.append(separator)
    }
  }
}

/// A text condition made ready to be tried on many messages.
struct TextNeedle: Sendable {
  let condition: TextCondition
  let folded: [UInt8]
  private let fieldStart: [UInt8]
  private let absence: PlainAbsence?

  init(_ condition: TextCondition) {
    self.condition = condition
    switch condition {
    case .header(let name, let text):
      fieldStart = CaseMap.fold(utf8: Array(name.utf8)) + [0x3a, 0x20]
      folded = Array(CaseMap.fold(text).utf8)
    case .body(let text), .text(let text), .addresses(_, let text):
      (fieldStart, folded) = ([], Array(CaseMap.fold(text).utf8))
    }
    absence = PlainAbsence(folded)
  }

  /// Decides on a message's octets.
  func matches(_ bytes: [UInt8]) -> Bool {
    guard case .addresses(let name, _) = condition else {
      if let absence, absence.isCertain(bytes) { return false }
      return matches(SearchText(bytes)) ?? false
    }
    guard let field = Envelope.searchableAddresses.firstIndex(of: name.lowercased()) else { return false }
    return found(in: Array(Envelope(bytes.span, headerRange: 0..<bytes.count).searchText(field).utf8))
  }

  /// Decides on a message's text; `nil` when what was left out decides.
  func matches(_ text: SearchText) -> Bool? {
    let isFound =
      switch condition {
      case .header: text.header.withUnsafeBytes(isInField)
      case .body: found(in: text.body)
      // Decided by the index or the octets: `SearchText` keeps the header as it is spelt.
      case .addresses: false
      case .text: found(in: text.header) || found(in: text.parts) || found(in: text.body)
      }
    return isFound || text.isWhole ? isFound : nil
  }

  private func found(in octets: [UInt8]) -> Bool { octets.withUnsafeBytes { Self.contains($0, folded) } }

  /// Whether a field of the name holds the text; an empty text asks whether there is such a field.
  func isInField(_ header: UnsafeRawBufferPointer) -> Bool {
    var position = 0
    while position < header.count {
      let end = header[position...].firstIndex(of: SearchText.separator) ?? header.count
      let field = header[position..<end]
      if field.starts(with: fieldStart),
        Self.contains(UnsafeRawBufferPointer(rebasing: field.dropFirst(fieldStart.count)), folded)
      {
        return true
      }
      position = end + 1
    }
    return false
  }

  /// Whether folded text contains folded octets.
  static func contains(_ text: UnsafeRawBufferPointer, _ needle: [UInt8]) -> Bool {
    guard let first = needle.first else { return true }
    guard let start = text.baseAddress, text.count >= needle.count else { return false }

    let last = text.count - needle.count
    var position = 0
    return needle.withUnsafeBytes { wanted in
      guard let wantedStart = wanted.baseAddress else { return true }
      while position <= last, let found = memchr(start + position, Int32(first), last - position + 1) {
        let index = UnsafeRawPointer(found) - start
        if memcmp(start + index, wantedStart, wanted.count) == 0 { return true }
        position = index + 1
      }
      return false
    }
  }
}
