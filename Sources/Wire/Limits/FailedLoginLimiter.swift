import Basics

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

/// Slows down and bounds password guessing by address (/32, /64); an account's owner elsewhere notices nothing.
package final class FailedLoginLimiter: Sendable {
  /// Makes a limiter that knows no failure yet.
  package init(settings: FailedLoginSettings = FailedLoginSettings(), time: any TimeSource) {}

  /// Waits for the address's turn; to be called before a password is checked.
  ///
  /// - Throws: `LoginRefusal.tooManyFailures` when too many logins of this address wait already; nothing may be checked.
  package func admit(_ peer: IPAddress) async throws {}

  /// Notes a failure and waits as long as the reply has to be held back.
  package func failed(_ peer: IPAddress) async {}

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
}
