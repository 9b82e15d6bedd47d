/// The name an account logs in with: `user%domain`, `user@domain` and `user/domain` are one (rows R51, CLI).
package struct LoginName: Hashable, Sendable {
  /// The account's address.
  package let address: EmailAddress
  /// `user@domain` folded to lower case and A-labels.
  package var key: String { address.key }

  /// Parses a login; it is split at the first `@`, else at the first `%`, else at the first `/`.
  ///
  /// - Throws: `AddressError`; a NUL or any other control character is never cut off but refused.
  package init(_ text: some StringProtocol) throws(AddressError) {
    let octets = Array(text.utf8)
    guard !octets.isEmpty else { throw .empty }
    guard octets.count <= EmailAddress.maximumLength else { throw .tooLong }
    guard !octets.contains(where: ASCII.isControl) else { throw .controlCharacter }
    let separators = [ASCII.at, ASCII.percent, ASCII.slash]
    guard let cut = separators.lazy.compactMap({ octets.firstIndex(of: $0) }).first, cut + 1 < octets.count else {
      throw .missingDomain
    }
    let local = octets[..<cut]
    guard !local.isEmpty, local.allSatisfy({ ASCII.isAtomText($0) || $0 == ASCII.dot }) else {
      throw .invalidLocalPart
    }
    let domain = try MailDomain(String(decoding: octets[(cut + 1)...], as: UTF8.self))
    address = try EmailAddress(localPart: TextFold.fold(String(decoding: local, as: UTF8.self)), domain: domain)
  }
}

extension LoginName: CustomStringConvertible {
  /// The folded login.
  package var description: String { key }
}
