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
  private let meter: WriteMeter
  /// When the meter was last read, and what it said.
  private let reading = Mutex<(at: ContinuousClock.Instant, count: Int)>((ContinuousClock.now, 0))

  /// How much less than others its thread gets, as nice(1) counts.
  private static let niceness: Int32 = 10

  init(settings: MailStoreSettings, meter: WriteMeter) {
    self.settings = settings
    self.meter = meter
  }

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
        if await store.fill(self, steps: settings.fillSteps, isPatient: true) { note(store) }
      }
    }
  }

  /// Waits while messages pour in, so that those who wait for the disk have it to themselves; not for ever.
  func waitForQuiet() async {
    for _ in 0..<settings.fillPatience where !Task.isCancelled {
      let isBusy = reading.withLock { last in
        let (now, count) = (ContinuousClock.now, meter.count.load(ordering: .relaxed))
        defer { last = (now, count) }
        let milliseconds = max(1, last.at.duration(to: now).wholeMilliseconds)
        return Int64(count - last.count) * 1000 > milliseconds * Int64(settings.fillBusyRate)
      }
      guard isBusy else { return }
      try? await Task.sleep(for: .milliseconds(100))
    }
  }

  /// Runs blocking work on the filler's thread.
  func run<T: Sendable>(_ body: @escaping @Sendable () throws -> T) async throws -> T {
    try await thread.runIfActive(body)
  }
}
