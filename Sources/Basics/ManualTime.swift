import Synchronization

/// A clock that stands still until a test moves it; sleepers wake when their time has come.
package final class ManualTime: TimeSource {
  private struct State {
    var now: Timestamp
    var uptime: Duration = .zero
    var nextID: UInt64 = 0
    var sleepers: [UInt64: (wake: Duration, continuation: CheckedContinuation<Void, any Error>)] = [:]
    var cancelled: Set<UInt64> = []
  }
  private let state: Mutex<State>

  /// Starts at the given civil time.
  package init(_ start: Timestamp = Timestamp(seconds: 1_790_000_000)) { state = Mutex(State(now: start)) }

  /// The civil time as last set.
  package var now: Timestamp { state.withLock { $0.now } }
  /// How far the clock was moved since it was made.
  package var uptime: Duration { state.withLock { $0.uptime } }

  /// How many sleepers wait for the clock to be moved.
  package var waiting: Int { state.withLock { $0.sleepers.count } }

  /// Moves both clocks forward and wakes the sleepers that are due.
  package func advance(by duration: Duration) {
    let due = state.withLock { state in
      state.now = state.now + duration
      state.uptime += duration
      let ids = state.sleepers.filter { $0.value.wake <= state.uptime }.keys
      return ids.compactMap { state.sleepers.removeValue(forKey: $0)?.continuation }
    }
    for continuation in due { continuation.resume() }
  }

  /// Sets the wall clock only, as an administrator or NTP would; uptime stays.
  package func setWallClock(_ time: Timestamp) { state.withLock { $0.now = time } }

  /// Waits until `advance(by:)` has passed the given time.
  package func sleep(for duration: Duration) async throws {
    let id = state.withLock { state in
      state.nextID += 1
      return state.nextID
    }
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
        let immediate: Result<Void, any Error>? = state.withLock { state in
          if state.cancelled.remove(id) != nil { return .failure(CancellationError()) }
          if duration <= .zero { return .success(()) }
          state.sleepers[id] = (state.uptime + duration, continuation)
          return nil
        }
        if let immediate { continuation.resume(with: immediate) }
      }
    } onCancel: {
      let waiting = state.withLock { state -> CheckedContinuation<Void, any Error>? in
        if let sleeper = state.sleepers.removeValue(forKey: id) { return sleeper.continuation }
        state.cancelled.insert(id)
        return nil
      }
      waiting?.resume(throwing: CancellationError())
    }
  }
}
