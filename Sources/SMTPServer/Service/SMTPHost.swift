import Basics
import DNSResolver
import Logging
import MailLog
import NIOPosix
import Synchronization
import Wire

/// What all SMTP listeners of a host share.
package final class SMTPHost: Sendable {
  let acceptor: any MessageAcceptor
  let rights: any SendingRights
  let resolver: any Resolving
  let queues: any RemoteQueueStarter
  let limiter: FailedLoginLimiter
  let files: NIOThreadPool
  let journal: MailLog?
  let time: any TimeSource
  let senderDomains: SenderDomainMemory
  private let current: Mutex<SMTPServerSettings>
  private let space = Mutex<(checked: Duration, free: Int)?>(nil)

  /// Puts the parts together.
  ///
  /// - Parameters:
  ///   - files: threads that write large messages to the spool directory.
  ///   - journal: where refusals are counted.
  package init(
    settings: SMTPServerSettings, acceptor: any MessageAcceptor, rights: any SendingRights, resolver: any Resolving,
    queues: any RemoteQueueStarter = NoRemoteQueues(), limiter: FailedLoginLimiter, files: NIOThreadPool,
    journal: MailLog? = nil, time: any TimeSource
  ) {
    current = Mutex(settings)
    self.acceptor = acceptor
    self.rights = rights
    self.resolver = resolver
    self.queues = queues
    self.limiter = limiter
    self.files = files
    self.journal = journal
    self.time = time
    senderDomains = SenderDomainMemory(time: time)
  }

  /// The settings that new sessions start with.
  package var settings: SMTPServerSettings { current.withLock { $0 } }

  /// Exchanges the settings; sessions under way keep theirs (SIGHUP).
  package func update(_ settings: SMTPServerSettings) { current.withLock { $0 = settings } }

  /// Makes the spool directory and removes what a killed server left there; to be called before listening.
  ///
  /// - Throws: when the directory cannot be made or read.
  package func prepare() async throws {
    let directory = settings.spoolDirectory
    try await files.runIfActive { try SpoolFile.prepare(directory: directory) }
  }

  /// Whether the spool's disk has room for a message of the largest size and half as much again, as Postfix asks.
  ///
  /// The answer is a second old at most; when the disk cannot be asked, the write will tell.
  func hasSpace(for settings: SMTPServerSettings) -> Bool {
    let now = time.uptime
    let known = space.withLock { $0 }
    let free: Int
    if let known, now - known.checked < .seconds(1) {
      free = known.free
    } else {
      free = SpoolFile.freeSpace(settings.spoolDirectory) ?? .max
      space.withLock { $0 = (now, free) }
    }
    return free / 3 * 2 >= settings.messageSize
  }
}
