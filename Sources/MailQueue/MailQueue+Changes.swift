import Basics
import GRDB
import Synchronization

/// Those who want to hear that there may be something to do.
final class WakeupList: Sendable {
  private struct State {
    var next = 0
    var continuations: [Int: AsyncStream<Void>.Continuation] = [:]
  }
  private let state = Mutex(State())

  func stream() -> AsyncStream<Void> {
    let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    let id = state.withLock { state in
      state.next += 1
      state.continuations[state.next] = continuation
      return state.next
    }
    continuation.onTermination = { [weak self] _ in
      self?.state.withLock { _ = $0.continuations.removeValue(forKey: id) }
    }
    return stream
  }

  func wake() {
    for continuation in state.withLock({ Array($0.continuations.values) }) { continuation.yield() }
  }
}

extension MailQueue {
  /// A signal for every time the queue may have got something to do; several may melt into one.
  package func changes() -> AsyncStream<Void> { listeners.stream() }

  /// Signals at once, for a control command that knows another process changed the queue.
  package func poke() { listeners.wake() }

  /// Looks for changes made by other processes and signals them, until the task is cancelled.
  package func watchOtherProcesses() async throws {
    var seen = try await dataVersion()
    while true {
      try await time.sleep(for: settings.changeInterval)
      // A busy or full database is no reason to stop watching.
      guard let version = try? await dataVersion() else {
        try Task.checkCancellation()
        continue
      }
      if version != seen { listeners.wake() }
      seen = version
    }
  }

  /// SQLite's counter of commits by other connections, as the writer sees it: its own do not count.
  private func dataVersion() async throws -> Int64 {
    try await pool.writeWithoutTransaction { db in
      try Int64.fetchOne(db, sql: "PRAGMA data_version") ?? 0
    }
  }
}
