import Basics
import GRDB
import Logging
import NIOPosix
import Synchronization

#if canImport(Glibc)
  import Glibc
#endif

/// The durable spool: envelope rows in `queue.db`, octets in `messages/<id>`.
///
/// A message is in the queue when its row and its file are on disk. The file comes first and goes last, so that a crash
/// leaves at most a file without a row; the envelope at its end tells whether that is a remainder or whether the
/// database was lost and must be rebuilt. One process runs deliveries (`Role.server`); others may list and change the
/// queue beside it (`Role.tool`), and the server hears of it within a second.
package final class MailQueue: Sendable {
  /// What a process does with the queue.
  package enum Role: Sendable {
    /// Delivers: takes the folder's lock, gives back the claims of a killed predecessor, mends what it left.
    case server
    /// Lists, changes and adds.
    case tool
  }

  /// What a server found at start.
  package struct Recovery: Sendable, Equatable {
    /// Claims of the predecessor that were given back.
    package var returnedClaims = 0
    /// Files without a row that were removed: never acknowledged, or already delivered.
    package var removedFiles = 0
    /// Messages taken over from files because their database was lost.
    package var adoptedMessages = 0
    /// Messages put on hold since their file is missing.
    package var missingFiles = 0
    /// Where a broken database was put aside.
    package var brokenDatabase: String?
  }

  /// The numbers it works by.
  package var settings: MailQueueSettings { current.withLock { $0 } }
  private let current: Mutex<MailQueueSettings>
  /// What was found at start; empty for tools.
  package let recovery: Recovery
  let time: any TimeSource
  let log: Logger
  let pool: DatabasePool
  let folder: SpoolFolder
  let writes: WriteGroup
  let files: NIOThreadPool
  let generation: String
  let listeners = WakeupList()
  private let ids: QueueIDs
  private let lock: Int32

  /// Opens or makes the spool.
  ///
  /// Blocks, so not on an event loop; 100,000 messages take well under two seconds.
  ///
  /// - Throws: ``QueueError`` `inUse` when another server has it; a database error.
  package init(settings: MailQueueSettings, role: Role, time: any TimeSource, log: Logger) throws {
    current = Mutex(settings)
    self.time = time
    self.log = log
    folder = SpoolFolder(directory: settings.directory)
    try folder.create()
    let lock = role == .server ? try Self.takeLock(settings.directory) : -1
    do {
      var recovery = Recovery()
      (pool, recovery.brokenDatabase) = try QueueDatabase.open(settings, role, now: time.now, log: log)
      generation = try QueueDatabase.generation(pool)
      if role == .server {
        let scan = SpoolScan(pool: pool, folder: folder, generation: generation, settings: settings, log: log)
        try scan.run(now: time.now, &recovery)
      }
      self.recovery = recovery
      let files = NIOThreadPool(numberOfThreads: max(1, settings.fileThreads))
      let (pool, time) = (pool, time)
      ids = QueueIDs(
        reserve: { try QueueIDs.reserve(pool, now: time.now) },
        refillLater: { work in files.submit { state in if case .active = state { work() } } })
      if role == .server { ids.prepare() }
      files.start()
      self.files = files
      writes = WriteGroup(pool: pool, folder: folder, size: settings.groupSize)
      self.lock = lock
    } catch {
      if lock >= 0 { Glibc.close(lock) }
      throw error
    }
  }

  deinit {
    files.shutdownGracefully { _ in }
    if lock >= 0 { Glibc.close(lock) }
  }

  /// Makes an id that no other message of this spool ever had: ten capital hexadecimal digits.
  package func newID() -> String { ids.next() }

  /// Takes another lifetime (SIGHUP), for messages that come from now on.
  package func update(lifetime: Duration) { current.withLock { $0.lifetime = lifetime } }

  /// Closes the database; afterwards every call fails.
  package func close() throws { try pool.close() }

  private static func takeLock(_ directory: String) throws -> Int32 {
    let path = directory + "/lock"
    let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw SystemFailure("open", path).error }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      let failure = errno == EWOULDBLOCK ? QueueError.inUse(directory) : SystemFailure("lock", path).error
      Glibc.close(descriptor)
      throw failure
    }
    return descriptor
  }
}
