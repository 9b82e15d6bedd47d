import Basics

/// A password for one program, made by the host: it can be withdrawn without changing the owner's own.
package struct AppPassword: Sendable, Hashable {
  /// The row's number; never used again.
  package let id: Int64
  /// What the owner calls it, unique for the account.
  package let name: String
  /// Where it may be used: any of `pop`, `imap` and `smtp`.
  package let services: Set<MailService>
  /// When it was made.
  package let createdAt: Timestamp
  /// When, for what and from where it was last used.
  package let lastUse: Login?

  /// One use of a login.
  package struct Login: Sendable, Hashable {
    /// Which service.
    package let service: MailService
    /// When.
    package let at: Timestamp
    /// From where.
    package let peer: String
  }

  /// A new secret, 125 bits in five groups of five, without letters that look alike.
  static func makeSecret() -> String {
    let alphabet = Array("abcdefghijkmnpqrstuvwxyz23456789".utf8)
    var generator = SystemRandomNumberGenerator()
    let groups = (0..<5).map { _ in
      String(
        decoding: (0..<5).map { _ in alphabet[Int.random(in: 0..<alphabet.count, using: &generator)] }, as: UTF8.self)
    }
    return groups.joined(separator: "-")
  }

  /// What is stored of a secret.
  ///
  /// A plain digest is enough for 125 random bits, and lets all of an account's app
  /// passwords be tried without costing time.
  ///
  /// - Returns: `nil` when the octets cannot be an app password, however it was typed (case, spaces, dashes).
  static func digest(accountID: Int64, password: [UInt8]) -> [UInt8]? {
    guard (25...40).contains(password.count) else { return nil }
    let folded = password.compactMap { octet -> UInt8? in
      switch octet {
      case 0x20, 0x2d: nil
      case 0x41...0x5a: octet | 0x20
      default: octet
      }
    }
    guard folded.count == 25 else { return nil }
    return DigestKind.sha256.digest(Array("martinet app password \(accountID) ".utf8) + folded)
  }
}

/// Random passwords for people.
package enum RandomPassword {
  /// A password without letters that look alike.
  ///
  /// - Parameter length: number of characters; each is worth five bits.
  package static func make(length: Int = 16) -> String {
    let alphabet = Array("abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789".utf8)
    var generator = SystemRandomNumberGenerator()
    let octets = (0..<max(8, min(length, 64))).map { _ in
      alphabet[Int.random(in: 0..<alphabet.count, using: &generator)]
    }
    return String(decoding: octets, as: UTF8.self)
  }
}
