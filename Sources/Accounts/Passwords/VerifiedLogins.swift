import Basics
import Synchronization

/// Remembers passwords that were verified a short while ago, so that a client that polls does not cost a hash each time;
/// and lets logins with the same password at the same moment share one hash.
///
/// What is kept is a digest under a key of this process, over login, stored hash and password: a change of the stored
/// hash, by whichever process, is another digest, and so is never found here.
final class VerifiedLogins: Sendable {
  private struct State {
    var expiries: [[UInt8]: Duration] = [:]
    /// Insertion order, for dropping the oldest; a digest appears once.
    var order: [[UInt8]] = []
    var head = 0
    var running: [[UInt8]: [CheckedContinuation<Bool, any Error>]] = [:]
  }
  private enum Road { case known, lead, wait }

  private let state = Mutex(State())
  private let key = randomBytes(32)
  private let lifetime: Duration
  private let capacity: Int
  private let time: any TimeSource

  init(lifetime: Duration, capacity: Int, time: any TimeSource) {
    self.lifetime = lifetime
    self.capacity = max(1, capacity)
    self.time = time
  }

  /// The answer from memory, from a check that is running, or from `check`.
  ///
  /// - Returns: whether the password is right, and whether that took a while to find out.
  func verify(
    login: String, stored: String, password: [UInt8], check: @Sendable () async throws -> Bool
  ) async throws -> (isRight: Bool, tookTime: Bool) {
    let digest = hmacSHA256(key: key, Array(login.utf8) + [0] + Array(stored.utf8) + [0] + password)
    switch enter(digest) {
    case .known: return (true, false)
    case .lead: return (try await lead(digest, check), true)
    case .wait: return (try await wait(digest), true)
    }
  }

  private func wait(_ digest: [UInt8]) async throws -> Bool {
    try await withCheckedThrowingContinuation { continuation in
      let missed = state.withLock { state in
        guard state.running[digest] != nil else { return true }
        state.running[digest]?.append(continuation)
        return false
      }
      // The check ended between the two looks; its answer is in memory when it was yes.
      if missed { continuation.resume(returning: isKnown(digest)) }
    }
  }

  private func lead(_ digest: [UInt8], _ check: @Sendable () async throws -> Bool) async throws -> Bool {
    let result: Result<Bool, any Error>
    do {
      result = .success(try await check())
    } catch {
      result = .failure(error)
    }
    let waiters = state.withLock { state in
      if case .success(true) = result { remember(digest, in: &state) }
      return state.running.removeValue(forKey: digest) ?? []
    }
    for waiter in waiters { waiter.resume(with: result) }
    return try result.get()
  }

  private func enter(_ digest: [UInt8]) -> Road {
    let now = time.uptime
    return state.withLock { state in
      if let expiry = state.expiries[digest], now < expiry { return .known }
      if state.running[digest] != nil { return .wait }
      state.running[digest] = []
      return .lead
    }
  }

  private func isKnown(_ digest: [UInt8]) -> Bool {
    let now = time.uptime
    return state.withLock { state in state.expiries[digest].map { now < $0 } ?? false }
  }

  private func remember(_ digest: [UInt8], in state: inout State) {
    if state.expiries.updateValue(time.uptime + lifetime, forKey: digest) == nil { state.order.append(digest) }
    while state.expiries.count > capacity, state.head < state.order.count {
      state.expiries[state.order[state.head]] = nil
      state.head += 1
    }
    if state.head > capacity {
      state.order.removeFirst(state.head)
      state.head = 0
    }
  }
}
