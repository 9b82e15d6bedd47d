import Delivery
import MailSyntax

/// Where accepted mail goes: `Delivery` in the server, a sink in tests.
package protocol MessageAcceptor: Sendable {
  /// A new queue id, to be named in `Received:` and in the 250.
  func newID() -> String
  /// What RCPT must answer.
  func decide(recipient: EmailAddress, declaredSize: Int?) async -> RecipientDecision
  /// The address that `<postmaster>` without a domain stands for.
  func postmaster() async -> EmailAddress?
  /// Takes responsibility: all is durable on return. A content file stays the caller's, who removes it.
  func accept(_ message: AcceptedMessage) async throws(DeliveryRefusal) -> String
  /// The same with one reply per recipient (RFC 2033 section 4.2).
  func acceptEach(_ message: AcceptedMessage) async -> [SMTPReply]
}

extension Delivery: MessageAcceptor {}
