import Basics
import Logging
import MailQueue
import MailSyntax

/// What becomes of mail: decides on recipients, writes local copies, queues the rest, runs the queue.
package final class Delivery: Sendable {
  let queue: MailQueue

  init(queue: MailQueue) { self.queue = queue }

  /// A new queue id, to be named in `Received:` and in the 250.
  package func newID() -> String { queue.newID() }

  /// Says what RCPT must answer; never throws: a failing store becomes a 451.
  ///
  /// - Parameter declaredSize: the SIZE of MAIL, for the quota; `nil` asks only whether the mailbox is full.
  package func decide(recipient: EmailAddress, declaredSize: Int?) async -> RecipientDecision {
    .refuse(SMTPReply(451, "4.3.0", "qqt failure (#4.3.0)"))
  }

  /// The same for `RCPT TO:<postmaster>` without a domain (RFC 5321 section 4.5.1): the address it stands for.
  package func postmaster() async -> EmailAddress? { nil }

  /// Takes responsibility: on return every local copy and every queue entry is durable.
  ///
  /// - Returns: the message's queue id, for `250 2.0.0 Ok: queued as ID`.
  /// - Throws: ``DeliveryRefusal``; then nothing was kept and no one will be told but the client.
  package func accept(_ message: AcceptedMessage) async throws(DeliveryRefusal) -> String {
    throw DeliveryRefusal(SMTPReply(451, "4.3.0", "qqt failure (#4.3.0)"))
  }

  /// As ``accept(_:)`` with one reply per recipient, in their order (LMTP, RFC 2033 section 4.2).
  package func acceptEach(_ message: AcceptedMessage) async -> [SMTPReply] {
    message.recipients.map { _ in SMTPReply(451, "4.3.0", "qqt failure (#4.3.0)") }
  }
}
