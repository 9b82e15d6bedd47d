import Accounts
import Synchronization

/// Tells a session from outside that its account is no longer what it logged in to.
final class EndSignal: Sendable {
  private let state = Mutex<AccountChange.What?>(nil)

  /// Notes a change that open sessions have to act upon.
  func raise(_ what: AccountChange.What) {
    state.withLock { state in
      // A changed password or a removed account ends the session; nothing milder may hide that.
      if state != .password, state != .deleted { state = what }
    }
  }

  /// Takes the noted change.
  func take() -> AccountChange.What? {
    state.withLock { state in
      defer { state = nil }
      return state
    }
  }
}
