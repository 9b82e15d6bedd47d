import Synchronization

/// Wakes a session that waits for its client, from any thread (IMAP IDLE).
///
/// One session waits on it at a time. Signals that come while nobody waits are kept (as one), so that none is lost.
package final class Wakeup: Sendable {
  private struct State {
    var signalled = false
    var waiter: (@Sendable () -> Void)?
  }
  private let state = Mutex(State())

  /// Makes a wakeup without a signal.
  package init() {}

  /// Wakes the session now, or at its next wait.
  package func signal() {
    let waiter = state.withLock { state in
      state.signalled = true
      defer { state.waiter = nil }
      return state.waiter
    }
    waiter?()
  }

  /// Takes the kept signal, if there is one.
  func take() -> Bool {
    state.withLock { state in
      defer { state.signalled = false }
      return state.signalled
    }
  }

  /// Registers what a signal shall call; calls it at once when one is kept.
  func attach(_ waiter: @escaping @Sendable () -> Void) {
    let now = state.withLock { state in
      if !state.signalled { state.waiter = waiter }
      return state.signalled
    }
    if now { waiter() }
  }

  /// Forgets the registered call.
  func detach() { state.withLock { $0.waiter = nil } }
}

/// What `Connection.readLine(limit:timeout:or:)` came back with.
package enum LineOrWake: Equatable, Sendable {
  /// A line, without its line end.
  case line([UInt8])
  /// The wakeup was signalled.
  case woken
  /// The client has closed its side.
  case end
}
