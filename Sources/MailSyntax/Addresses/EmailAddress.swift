/// A mailbox address, `local@domain` of RFC 5321 section 4.1.2, with UTF-8 local parts of RFC 6531.
///
///     try EmailAddress("\"John Doe\"@Example.ORG").key  // "john doe@example.org"
package struct EmailAddress: Hashable, Sendable {
  /// The part before `@`, without quotes or backslashes, its case kept.
  package let localPart: String
  /// The part after `@`.
  package let domain: MailDomain

  /// Most octets of an address: the path of RFC 5321 section 4.5.3.1.3 without its brackets.
  package static let maximumLength = 254

  /// Parses `local@domain` with a dot-atom or quoted local part.
  ///
  /// Dots may stand anywhere in an unquoted local part, as carriers have given out such addresses for years;
  /// `description` writes them quoted, which is the same mailbox.
  /// - Throws: `AddressError`.
  package init(_ text: some StringProtocol) throws(AddressError) {
    let octets = Array(text.utf8)
    guard !octets.isEmpty else { throw .empty }
    guard octets.count <= 1024 else { throw .tooLong }
    let (local, rest) = try Self.splitLocalPart(octets[...])
    guard let at = rest.first, at == ASCII.at, rest.count > 1 else { throw .missingDomain }
    let domain = try MailDomain(String(decoding: rest.dropFirst(), as: UTF8.self))
    try self.init(localPart: String(decoding: local, as: UTF8.self), domain: domain)
  }

  /// Makes an address from an unquoted local part.
  ///
  /// - Throws: `AddressError` when the local part is empty, has control characters, or makes the address too long.
  package init(localPart: String, domain: MailDomain) throws(AddressError) {
    guard !localPart.isEmpty else { throw .invalidLocalPart }
    guard !localPart.utf8.contains(where: ASCII.isControl), !localPart.unicodeScalars.contains("\u{fffd}") else {
      throw .controlCharacter
    }
    guard localPart.utf8.count + 1 + domain.ascii.utf8.count <= Self.maximumLength else { throw .tooLong }
    self.localPart = localPart
    self.domain = domain
  }

  /// What stores look up: the local part in lower case and NFC (RFC 6532 section 3.1), `@`, and the ASCII domain.
  package var key: String { TextFold.fold(localPart) + "@" + domain.ascii }

  /// The local part as it travels: quoted when it is no dot-atom (RFC 5321 section 4.1.2).
  package var quotedLocalPart: String {
    let octets = localPart.utf8
    let isDotAtom =
      octets.allSatisfy { ASCII.isAtomText($0) || $0 == ASCII.dot } && octets.first != ASCII.dot
      && octets.last != ASCII.dot && !localPart.contains("..")
    if isDotAtom { return localPart }
    var quoted = "\""
    for scalar in localPart.unicodeScalars {
      if scalar == "\"" || scalar == "\\" { quoted.unicodeScalars.append("\\") }
      quoted.unicodeScalars.append(scalar)
    }
    return quoted + "\""
  }

  /// Whether the local part needs SMTPUTF8 to travel (RFC 6531).
  package var needsSMTPUTF8: Bool { localPart.utf8.contains { $0 >= 0x80 } }

  /// Reads a dot-atom or a quoted string from the front; the rest begins with whatever ended it.
  static func splitLocalPart(
    _ octets: ArraySlice<UInt8>
  ) throws(AddressError) -> (local: [UInt8], rest: ArraySlice<UInt8>) {
    var rest = octets
    var local: [UInt8] = []
    guard rest.first == ASCII.quote else {
      while let octet = rest.first, ASCII.isAtomText(octet) || octet == ASCII.dot {
        local.append(octet)
        rest.removeFirst()
      }
      if let octet = rest.first, ASCII.isControl(octet) { throw .controlCharacter }
      guard !local.isEmpty, rest.isEmpty || rest.first == ASCII.at else { throw .invalidLocalPart }
      return (local, rest)
    }
    rest.removeFirst()
    while let octet = rest.popFirst() {
      if octet == ASCII.quote {
        guard !local.isEmpty, rest.isEmpty || rest.first == ASCII.at else { throw .invalidLocalPart }
        return (local, rest)
      }
      var literal = octet
      if octet == ASCII.backslash {
        guard let escaped = rest.popFirst() else { throw .invalidLocalPart }
        literal = escaped
      }
      guard !ASCII.isControl(literal) else { throw .controlCharacter }
      local.append(literal)
    }
    throw .invalidLocalPart
  }
}

extension EmailAddress: CustomStringConvertible {
  /// The address as it travels, the local part quoted when it must be.
  package var description: String { quotedLocalPart + "@" + domain.ascii }
}
