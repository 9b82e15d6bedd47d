import Basics

/// Every number of the spool.
package struct MailQueueSettings: Sendable {
  /// The folder of the queue, `<data>/queue`, made when missing.
  package var directory: String
  /// Age at which a message is given up: the last attempt is made then (R38).
  package var lifetime: Duration = .seconds(86_400)
  /// How far the square root of the age grows from one attempt to the next, in √seconds; qmail's 20.
  package var retryStep: Int64 = 20
  /// How long a claim holds when its process neither settles it nor restarts.
  package var leaseTime: Duration = .seconds(3_600)
  /// Threads for message files.
  package var fileThreads = 16
  /// Most changes that share one transaction.
  package var groupSize = 512
  /// How often changes made by other processes are looked for.
  package var changeInterval: Duration = .seconds(1)
  /// Age at which a file without a row counts as left behind by a crash rather than as being written.
  package var orphanAge: Duration = .seconds(600)
  /// How long a writer waits for another process's transaction.
  package var busyTimeout: Duration = .seconds(10)
  /// Recipients of one message.
  package var recipientLimit = 100_000

  /// The defaults, for a folder.
  package init(directory: String) { self.directory = directory }
}
