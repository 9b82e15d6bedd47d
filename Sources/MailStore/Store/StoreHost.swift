import Basics
import Logging
import NIOCore
import NIOPosix
import Synchronization

/// What all accounts of one store share.
final class StoreHost: Sendable {
  let settings: MailStoreSettings
  let time: any TimeSource
  let log: Logger
  /// Threads for message files: deliveries, reads, parsing.
  let files: NIOThreadPool
  /// Threads on which the accounts' lanes run.
  let indexes: NIOThreadPool
  /// For messages that take hundreds of megabytes to decode, however many sessions ask.
  let alone: LoneWork
  let watcher: DirectoryWatcher
  let filler: IndexFiller
  let writer: MessageWriter
  let template: MaildirTemplate
  let openFiles = Atomic<Int>(0)
  let openIndexes = Atomic<Int>(0)
  let viewBytes = Atomic<Int>(0)
  /// A count that orders uses for the caches.
  let clock = Atomic<UInt64>(0)

  init(
    settings: MailStoreSettings, time: any TimeSource, log: Logger,
    observer: (@Sendable (DurableStep, String) -> Void)? = nil
  ) throws {
    self.settings = settings
    self.time = time
    self.log = log
    files = NIOThreadPool(numberOfThreads: max(1, settings.fileThreads))
    indexes = NIOThreadPool(numberOfThreads: max(1, settings.indexThreads))
    alone = LoneWork(pool: files)
    watcher = DirectoryWatcher(watches: settings.watchedDirectories, log: log)
    let meter = WriteMeter()
    filler = IndexFiller(settings: settings, meter: meter)
    writer = MessageWriter(
      names: NameMaker(hostname: settings.hostname), directories: DirectorySync(), meter: meter, observer: observer)
    template = try MaildirTemplate(directory: settings.templateDirectory)
  }

  func start() {
    files.start()
    indexes.start()
    watcher.start()
    filler.start()
  }

  func stop() async {
    await watcher.close()
    try? await files.shutdownGracefully()
    try? await indexes.shutdownGracefully()
  }

  /// Tells the filler that a session waits for so many messages or their keys: only what is asked for in great numbers
  /// makes it step back, or a host that is always read would never be indexed.
  func noteReading(_ count: Int) { writer.meter.count.wrappingAdd(count / 16, ordering: .relaxed) }

  func tick() -> UInt64 { clock.wrappingAdd(1, ordering: .relaxed).newValue }

  /// Runs blocking file work on the file threads.
  func onFiles<T: Sendable>(_ body: @escaping @Sendable () throws -> T) async throws -> T {
    do { return try await files.runIfActive(body) } catch is NIOThreadPoolError.ThreadPoolInactive {
      throw StoreError(.closed, "the store is closed")
    }
  }
}

extension StoreHost {
  /// Does the same blocking work for many items on the file threads.
  ///
  /// - Parameter width: chunks at once: more than there are cores where the files may still be on the disk, which answers
  ///   many questions in the time of one.
  func parallel<Item: Sendable, Result: Sendable>(
    _ items: [Item], chunk: Int, width: Int = 8, _ body: @escaping @Sendable (Item) throws -> Result
  ) async throws -> [Result] {
    guard items.count > chunk else { return try await onFiles { try items.map(body) } }
    let starts = Array(stride(from: 0, to: items.count, by: chunk))
    return try await withThrowingTaskGroup(of: (Int, [Result]).self) { group in
      var next = 0
      func addOne() {
        guard next < starts.count else { return }
        let number = next
        let part = items[starts[number]..<min(items.count, starts[number] + chunk)]
        next += 1
        group.addTask { (number, try await self.onFiles { try part.map(body) }) }
      }
      for _ in 0..<max(width, System.coreCount) { addOne() }
      var parts = [[Result]](repeating: [], count: starts.count)
      for try await (number, part) in group {
        parts[number] = part
        addOne()
      }
      return parts.flatMap { $0 }
    }
  }
}
