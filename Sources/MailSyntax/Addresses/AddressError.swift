/// Why an address, a domain or a login was refused; the description is fit for a reply line.
package enum AddressError: Error, Hashable, Sendable, CustomStringConvertible {
  /// Nothing was given.
  case empty
  /// More octets than RFC 5321 section 4.5.3.1 or RFC 1035 section 2.3.4 allow.
  case tooLong
  /// A NUL, another control octet, or octets that are not UTF-8.
  case controlCharacter
  /// There is no `@domain`.
  case missingDomain
  /// The part before `@` is empty or has an octet that needs quotes.
  case invalidLocalPart
  /// The domain has an empty label, a label over 63 octets or a character no host name may have.
  case invalidDomain
  /// A label starting with `xn--` does not decode, or does not encode back to itself.
  case invalidPunycode
  /// What stands in brackets is no IP address.
  case invalidLiteral

  /// A short English reason without a final period.
  package var description: String {
    switch self {
    case .empty: "empty address"
    case .tooLong: "address too long"
    case .controlCharacter: "control character in address"
    case .missingDomain: "address without a domain"
    case .invalidLocalPart: "invalid local part"
    case .invalidDomain: "invalid domain name"
    case .invalidPunycode: "invalid internationalized domain name"
    case .invalidLiteral: "invalid address literal"
    }
  }
}
