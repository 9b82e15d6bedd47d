import MailSyntax

/// Which names new domains, accounts and aliases may have, and how commands write them.
struct Names {
  let settings: AccountSettings

  /// A domain to be hosted: at least two labels, no literal, within ``AccountSettings/domainLength``.
  func newDomain(_ text: String) throws(AccountsError) -> MailDomain {
    let domain = try Self.domain(text)
    guard domain.literal == nil, domain.ascii.contains("."), domain.ascii.utf8.count <= settings.domainLength else {
      throw .invalidDomain
    }
    return domain
  }

  /// A domain somebody names in a command.
  static func domain(_ text: String) throws(AccountsError) -> MailDomain {
    guard let domain = try? MailDomain(text) else { throw .invalidDomain }
    return domain
  }

  /// The name of an account or alias in a command: `user@domain`, `user%domain` or `user/domain`.
  static func login(_ text: String) throws(AccountsError) -> EmailAddress {
    if let login = try? LoginName(text) { return login.address }
    throw .illegalUser
  }

  /// A name for a new account or alias.
  ///
  /// A dot-atom without `/` and `%`, and without a leading `-`: what also is a harmless name of a directory.
  func newLocalPart(of text: String) throws(AccountsError) -> EmailAddress {
    let address = try Self.login(text)
    let local = address.localPart
    guard local.utf8.count <= settings.localPartLength, local.utf8.first != UInt8(ascii: "-"),
      local.utf8.allSatisfy(Self.isLegal), !local.hasPrefix("."), !local.hasSuffix("."), !local.contains("..")
    else { throw .illegalUser }
    return address
  }

  /// Where an alias leads: an address, never a program, a file or a list of them.
  static func target(_ text: String) throws(AccountsError) -> EmailAddress {
    let isAddress = text.contains("@")
    let address = isAddress ? try? EmailAddress(text) : (try? LoginName(text))?.address
    guard let address, let first = text.utf8.first, !"|/:&.".utf8.contains(first) else {
      throw AccountsError(.usage, "a target is an address, not \(text)")
    }
    return address
  }

  /// What an administrator notes, on one line.
  func comment(_ text: String) throws(AccountsError) -> String {
    guard text.utf8.count <= settings.commentLength, !text.unicodeScalars.contains(where: { $0.value < 0x20 }) else {
      throw AccountsError(.usage, "a comment is one line of at most \(settings.commentLength) octets")
    }
    return text
  }

  /// The name of an offer or app password.
  func label(_ text: String) throws(AccountsError) -> String {
    guard (1...64).contains(text.utf8.count),
      !text.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7f })
    else { throw AccountsError(.usage, "a name has 1 to 64 octets and no control characters") }
    return text
  }

  /// Atom text of RFC 5322 section 3.2.3 and the dot, less `/` and `%`.
  private static func isLegal(_ octet: UInt8) -> Bool {
    switch octet {
    case 0x30...0x39, 0x41...0x5a, 0x61...0x7a: true
    default: "!#$&'*+-=?^_`{|}~.".utf8.contains(octet)
    }
  }
}
