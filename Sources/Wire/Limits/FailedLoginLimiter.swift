import Basics
import Synchronization

/// Limits of `FailedLoginLimiter`.
package struct FailedLoginSettings: Sendable {
  /// Failures a minute from one address after which its logins are checked one after the other
  /// (`failed-logins-per-minute`).
  package var failuresPerMinute = 10
  /// Failures a minute that cost nothing; each further one doubles the wait before its reply.
  package var freeFailures = 2
  /// The wait before the reply to the first failure that is not free.
  package var firstDelay: Duration = .seconds(1)
  /// The longest wait before a reply.
  package var longestDelay: Duration = .seconds(8)
  /// Time between two checks from one address that is over the limit.
  package var checkInterval: Duration = .seconds(1)
  /// The longest time a login waits for its turn; what would have to wait longer is refused.
  package var longestTurn: Duration = .seconds(15)
  /// Addresses remembered at most.
  package var addresses = 65_536
  /// Networks that are never slowed down.
  package var exemptNetworks: [IPNetwork] = []

  /// The defaults.
  package init() {}
}

/// Slows down and bounds password guessing by address (/32, /64).
///
/// From the third failure in a minute on, replies to failures come later and later. From `failuresPerMinute` on, the
/// address's logins take turns, a second apart, right or wrong: so a guesser gets one check a second, while the owner
/// of an account behind the same address waits `longestTurn` at most. Where very many wait, turns move closer together,
/// and what would wait longer still is refused unchecked. Owners at other addresses notice nothing.
package final class FailedLoginLimiter: Sendable {
  private struct Record {
    /// When the failures of the last minute were, oldest first, `failuresPerMinute` at most.
    var failures: [Duration] = []
    /// The first moment at which the next login may be checked.
    var nextTurn: Duration = .zero
  }
  /// Two generations: what was not touched while the newer one filled up is forgotten with the older one.
  private struct State {
    var recent: [IPNetwork: Record] = [:]
    var older: [IPNetwork: Record] = [:]
  }
  private let state = Mutex(State())
  private let current: Mutex<FailedLoginSettings>
  private let time: any TimeSource

  /// Makes a limiter that knows no failure yet.
  package init(settings: FailedLoginSettings = FailedLoginSettings(), time: any TimeSource) {
    current = Mutex(settings)
    self.time = time
  }

  /// Takes over other limits (SIGHUP).
  package func update(_ settings: FailedLoginSettings) { current.withLock { $0 = settings } }

  private var settings: FailedLoginSettings { current.withLock { $0 } }

  /// Waits for the address's turn; to be called before a password is checked.
  ///
  /// - Throws: `LoginRefusal.tooManyFailures` when too many logins of this address wait already, nothing may be checked
  ///   then; `CancellationError`.
  package func admit(_ peer: IPAddress) async throws {
    guard let network = watched(peer) else { return }
    let now = time.uptime
    let wait: Duration? = withRecord(network) { record in
      Self.forget(&record, before: now - .seconds(60))
      guard record.failures.count >= settings.failuresPerMinute else { return .zero }
      let turn = max(now, record.nextTurn)
      let wait = turn - now
      if wait > settings.longestTurn { return nil }
      // The more wait, the closer the turns: a bounded wait for everyone matters more than the guesser's rate.
      let closer = (settings.longestTurn - wait) / 8
      record.nextTurn = turn + max(.milliseconds(50), min(settings.checkInterval, closer))
      return wait
    }
    guard let wait else { throw LoginRefusal.tooManyFailures(retryAfter: settings.longestTurn) }
    if wait > .zero { try await time.sleep(for: wait) }
  }

  /// Notes a failure and waits as long as the reply has to be held back.
  package func failed(_ peer: IPAddress) async {
    let delay = note(peer)
    if delay > .zero { try? await time.sleep(for: delay) }
  }

  /// Notes a failure.
  ///
  /// - Returns: how long its reply has to be held back.
  func note(_ peer: IPAddress) -> Duration {
    guard let network = watched(peer) else { return .zero }
    let now = time.uptime
    return withRecord(network) { record in
      Self.forget(&record, before: now - .seconds(60))
      if record.failures.count >= max(1, settings.failuresPerMinute) { record.failures.removeFirst() }
      record.failures.append(now)
      let costly = record.failures.count - settings.freeFailures
      guard costly > 0 else { return .zero }
      return min(settings.longestDelay, settings.firstDelay * (1 << min(costly - 1, 16)))
    }
  }

  /// Admits, checks and notes: what a login needs, in one call.
  ///
  /// - Throws: what `check` throws; `LoginRefusal.badCredentials` is noted and held back first.
  package nonisolated(nonsending) func guarded<Identity>(
    _ peer: IPAddress, _ check: () async throws -> Identity
  ) async throws -> Identity {
    try await admit(peer)
    do {
      return try await check()
    } catch LoginRefusal.badCredentials {
      await failed(peer)
      throw LoginRefusal.badCredentials
    }
  }

  /// Number of addresses remembered.
  var remembered: Int { state.withLock { $0.recent.count + $0.older.count } }

  private func watched(_ peer: IPAddress) -> IPNetwork? {
    settings.exemptNetworks.contains { $0.contains(peer) } ? nil : peer.clientNetwork()
  }

  private func withRecord<Result: Sendable>(_ network: IPNetwork, _ body: (inout Record) -> Result) -> Result {
    state.withLock { state in
      var record = state.recent[network] ?? state.older.removeValue(forKey: network) ?? Record()
      let result = body(&record)
      if record.failures.isEmpty {
        state.recent[network] = nil
        return result
      }
      state.recent[network] = record
      if state.recent.count > settings.addresses / 2 {
        state.older = state.recent
        state.recent = [:]
      }
      return result
    }
  }

  private static func forget(_ record: inout Record, before: Duration) {
    record.failures.removeAll { $0 <= before }
  }
}
