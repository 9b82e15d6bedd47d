/// The header section of a message, with its own copy of the octets.
///
///     HeaderSection(Array("Subject: hi\r\n there\r\n\r\nbody".utf8)).first("subject")  // "hi there"
package struct HeaderSection: Sendable {
  /// The octets of the section, the blank line included.
  package let bytes: [UInt8]
  /// The fields in their order; at most `Limits.fields`.
  package let fields: [HeaderField]
  /// Whether a blank line ended the section.
  package let hasBlankLine: Bool

  /// What is kept of a header section.
  package struct Limits: Sendable {
    /// Most fields that can be looked up; later ones are only octets.
    package var fields = 10_000
    /// Most octets of one value that are looked at.
    package var valueOctets = 262_144
    /// The defaults.
    package init() {}
  }

  private let limits: Limits

  /// Scans the octets up to the first blank line.
  package init(_ bytes: [UInt8], limits: Limits = Limits()) { self.init(bytes.span, limits: limits) }

  /// Scans the octets up to the first blank line, and copies that much.
  package init(_ bytes: Span<UInt8>, limits: Limits = Limits()) {
    var scanner = HeaderScanner(from: 0, to: bytes.count)
    var fields: [HeaderField] = []
    while let field = scanner.next(in: bytes) {
      if fields.count < limits.fields { fields.append(field) }
    }
    self.limits = limits
    self.fields = fields
    hasBlankLine = scanner.sectionEnd > scanner.position
    self.bytes = bytes.copy(0..<scanner.sectionEnd)
  }

  /// The name of a field in lower case.
  package func name(of field: HeaderField) -> String { bytes.span.lowercased(field.name) }

  /// The value of a field on one line, trimmed.
  package func value(of field: HeaderField) -> [UInt8] {
    HeaderField.unfold(bytes.span, field.value, limit: limits.valueOctets)
  }

  /// The values of all fields of a name, case ignored.
  package func values(_ name: String) -> [[UInt8]] {
    let wanted = Array(name.utf8)
    return fields.filter { ASCII.equalIgnoringCase(bytes[$0.name], wanted) }.map(value)
  }

  /// The octets of the first field of a name, on one line.
  package func firstBytes(_ name: String) -> [UInt8]? {
    let wanted = Array(name.utf8)
    return fields.first { ASCII.equalIgnoringCase(bytes[$0.name], wanted) }.map(value)
  }

  /// The first field of a name as text; encoded words stay, octets that are no UTF-8 become U+FFFD.
  package func first(_ name: String) -> String? { firstBytes(name).map { String(decoding: $0, as: UTF8.self) } }

  /// The first field of a name as a reader sees it, encoded words decoded (RFC 2047).
  package func decoded(_ name: String) -> String? { firstBytes(name).map { EncodedWord.decode($0) } }

  /// How often a name stands in the section.
  package func count(_ name: String) -> Int {
    let wanted = Array(name.utf8)
    return fields.lazy.filter { ASCII.equalIgnoringCase(bytes[$0.name], wanted) }.count
  }

  /// The addresses in all fields of a name (RFC 5322 section 3.4).
  package func addresses(_ name: String) -> [HeaderAddress] {
    var result: [HeaderAddress] = []
    for value in values(name) {
      HeaderAddress.parse(value, limit: HeaderAddress.maximumCount - result.count, into: &result)
    }
    return result
  }

  /// The fields that IMAP's `HEADER.FIELDS` or `HEADER.FIELDS.NOT` asks for, in wire form, with a blank line
  /// behind (RFC 3501 section 6.4.5).
  ///
  /// - Parameters:
  ///   - names: field names in any case.
  ///   - excluding: whether the named fields are left out instead of taken.
  ///   - bytes: the message.
  ///   - range: where its header section stands.
  package static func select(
    _ names: [String], excluding: Bool = false, from bytes: Span<UInt8>, range: Range<Int>
  ) -> [UInt8] {
    let wanted = Set(names.map { ASCII.lowercased($0) })
    let longest = wanted.map(\.utf8.count).max() ?? 0
    let end = min(range.upperBound, bytes.count)
    var scanner = HeaderScanner(from: min(max(range.lowerBound, 0), end), to: end)
    var result: [UInt8] = []
    while let field = scanner.next(in: bytes) {
      let isNamed = field.name.count <= longest && wanted.contains(bytes.lowercased(field.name))
      guard isNamed != excluding else { continue }
      WireForm.append(bytes, range: field.range, to: &result)
      if result.last != ASCII.lf { result += [ASCII.cr, ASCII.lf] }
    }
    return result + [ASCII.cr, ASCII.lf]
  }
}
