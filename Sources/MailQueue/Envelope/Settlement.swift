import Basics

/// What came of one attempt for one claimed recipient.
package struct Settlement: Sendable {
  /// What happens to the recipient now.
  package enum Outcome: Sendable {
    /// Done: the next server, or a mailbox, has it.
    case delivered
    /// Try again at the given time.
    case deferred(until: Timestamp)
    /// Put off unattempted, because the destination asked for less; the reply says so.
    case paced(until: Timestamp)
    /// Given up; whoever settles it reports it to the sender.
    case failed
    /// Back to the queue as if never claimed: no attempt is counted, the due time stays.
    case released
  }

  /// The recipient's row number.
  package var recipient: Int64
  /// What happens to it.
  package var outcome: Outcome
  /// The remote's words, shown by `queue show`.
  package var reply: String
  /// The RFC 3463 status.
  package var status: String
  /// The host that was spoken to.
  package var remote: String

  /// Makes a settlement.
  package init(
    recipient: Int64, outcome: Outcome, reply: String = "", status: String = "", remote: String = ""
  ) {
    self.recipient = recipient
    self.outcome = outcome
    self.reply = reply
    self.status = status
    self.remote = remote
  }
}
