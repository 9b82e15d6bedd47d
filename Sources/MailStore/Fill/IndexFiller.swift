import Glibc
import NIOPosix
import Synchronization

/// Fills indexes behind what deliveries and sessions wait for: envelopes, structures, keys, previews and text of new
/// messages, one account after the other, on one thread that gives way to all others.
///
/// What it has not reached yet is computed when somebody asks for it.
final class IndexFiller: Sendable {
  private struct State {
    var waiting: [AccountStore] = []
    var known: Set<ObjectIdentifier> = []
    var task: Task<Void, Never>?
    var isClosed = false
  }
  private let state = Mutex(State())
  private let thread = NIOThreadPool(numberOfThreads: 1)
  private let settings: MailStoreSettings

  /// How much less than others its thread gets, as nice(1) counts.
  private static let niceness: Int32 = 10

  init(settings: MailStoreSettings) { self.settings = settings }

  func start() {
    thread.start()
    // On Linux this is about the calling thread alone.
    thread.submit { _ in setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, Self.niceness) }
  }

  func close() async {
    let task = state.withLock { state in
      state.isClosed = true
      state.waiting = []
      return state.task
    }
    task?.cancel()
    await task?.value
    try? await thread.shutdownGracefully()
  }

  /// Notes that an account has something to fill in; more than can wait are found when somebody opens them again.
  func note(_ store: AccountStore) {
    state.withLock { state in
      guard !state.isClosed, state.waiting.count < settings.waitingFills,
        state.known.insert(ObjectIdentifier(store)).inserted
      else { return }
      state.waiting.append(store)
      if state.task == nil { state.task = Task { await self.run() } }
    }
  }

  private func run() async {
    while true {
      // What comes in quick succession is done together.
      try? await Task.sleep(for: settings.fillDelay)
      let stores = state.withLock { state -> [AccountStore] in
        defer {
          state.waiting = []
          state.known = []
        }
        if state.waiting.isEmpty || Task.isCancelled { state.task = nil }
        return state.waiting
      }
      if stores.isEmpty || Task.isCancelled { return }
      for store in stores where !Task.isCancelled {
        if await store.fill(self, steps: settings.fillSteps) { note(store) }
      }
    }
  }

  /// Runs blocking work on the filler's thread.
  func run<T: Sendable>(_ body: @escaping @Sendable () throws -> T) async throws -> T {
    try await thread.runIfActive(body)
  }
}
