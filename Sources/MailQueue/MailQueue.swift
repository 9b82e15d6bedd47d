import Basics
import Logging

/// The durable spool: envelope rows in `queue.db`, octets in `messages/<id>`.
package final class MailQueue: Sendable {
  /// The numbers it works by.
  package let settings: MailQueueSettings

  /// Opens or makes the spool.
  package init(settings: MailQueueSettings, time: any TimeSource, log: Logger) throws { self.settings = settings }

  /// Makes an id that no other message of this spool ever had: ten capital hexadecimal digits.
  package func newID() -> String { "0000000000" }
}
