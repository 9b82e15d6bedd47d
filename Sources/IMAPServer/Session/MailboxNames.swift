import MailStore
import MailSyntax

/// Mailbox names between the wire and the house: modified UTF-7 (RFC 3501 section 5.1.3), or UTF-8 where enabled.
extension IMAPSession {
  var usesUTF8Names: Bool { enabled.rev2 || enabled.utf8 }

  /// Reads a name.
  ///
  /// - Throws: `Refusal` with CANNOT for what is no canonical name.
  func mailboxName(_ octets: [UInt8]) throws -> MailboxName {
    do {
      return try MailboxName(try decodedName(octets))
    } catch let error as StoreError {
      throw Refusal.no(.cannot, "Invalid mailbox name: \(error.text)")
    }
  }

  /// The name a CREATE or RENAME makes: a separator at its end only says that levels will follow.
  func newMailboxName(_ octets: [UInt8]) throws -> MailboxName {
    try mailboxName(octets.last == UInt8(ascii: "/") ? Array(octets.dropLast()) : octets)
  }

  private func decodedName(_ octets: [UInt8]) throws -> String {
    if usesUTF8Names, !octets.allSatisfy({ $0 < 0x80 }) {
      guard let text = String(validating: octets, as: UTF8.self) else {
        throw Refusal.no(.cannot, "Mailbox name is not UTF-8")
      }
      return text
    }
    if usesUTF8Names { return String(decoding: octets, as: UTF8.self) }
    guard let text = ModifiedUTF7.decode(octets) else {
      throw Refusal.no(.cannot, "Mailbox name is not valid modified UTF-7")
    }
    return text
  }

  /// The name as this client reads it.
  func encoded(_ name: MailboxName) -> [UInt8] {
    Array((usesUTF8Names ? name.path : ModifiedUTF7.encode(name.path)).utf8)
  }

  func writeMailbox(_ name: MailboxName) { out.mailbox(encoded(name), utf8: usesUTF8Names) }
}
