import Basics

/// A domain as mail uses it: a DNS name in its one ASCII form, or an address literal.
///
///     try MailDomain("Bücher.Example.").ascii  // "xn--bcher-kva.example"
package struct MailDomain: Hashable, Sendable {
  /// Lower-case A-labels without a final dot, or a literal such as `[192.0.2.1]`.
  package let ascii: String

  /// Longest DNS name in octets, RFC 1035 section 2.3.4 less the length octets.
  package static let maximumLength = 253

  /// Parses a name in any script and case, or a literal in brackets (RFC 5321 section 4.1.3).
  ///
  /// One final dot is dropped, and the ideographic full stops of RFC 3490 section 3.1 separate labels as well.
  /// - Throws: `AddressError` when the text is neither.
  package init(_ text: some StringProtocol) throws(AddressError) {
    guard !text.isEmpty else { throw .empty }
    guard text.utf8.count <= 1024 else { throw .tooLong }
    if text.utf8.first == ASCII.openBracket {
      guard text.hasSuffix("]"), let address = IPAddress(text) else { throw .invalidLiteral }
      ascii = address.literal
      return
    }
    guard !text.utf8.contains(where: ASCII.isControl) else { throw .controlCharacter }
    var scalars = Substring(text).unicodeScalars
    if let last = scalars.last, Self.isDot(last) { scalars.removeLast() }
    var labels: [String] = []
    for part in scalars.split(omittingEmptySubsequences: false, whereSeparator: Self.isDot) {
      labels.append(try IDNA.asciiLabel(Substring(part)))
    }
    guard let top = labels.last, !top.utf8.allSatisfy(ASCII.isDigit) else { throw .invalidDomain }
    let joined = labels.joined(separator: ".")
    guard joined.utf8.count <= Self.maximumLength else { throw .tooLong }
    ascii = joined
  }

  /// Makes the domain of an address literal.
  package init(literal: IPAddress) { ascii = literal.literal }

  /// The name with its A-labels shown in their scripts; labels that break IDNA's rules stay as they are.
  package var unicode: String {
    guard ascii.contains("xn--") else { return ascii }
    return ascii.split(separator: ".").map(IDNA.unicodeLabel).joined(separator: ".")
  }

  /// The address when this is a literal.
  package var literal: IPAddress? { ascii.utf8.first == ASCII.openBracket ? IPAddress(ascii) : nil }

  /// Whether this domain is another one or a name below it.
  package func isWithin(_ other: MailDomain) -> Bool { self == other || ascii.hasSuffix("." + other.ascii) }

  private static func isDot(_ scalar: Unicode.Scalar) -> Bool {
    scalar == "." || scalar.value == 0x3002 || scalar.value == 0xff0e || scalar.value == 0xff61
  }
}

extension MailDomain: CustomStringConvertible {
  /// The ASCII form.
  package var description: String { ascii }
}
