import Accounts
import Basics
import GRDB
import Logging

/// Whether a POP login with the right password may go on.
package enum PopLoginDecision: Hashable, Sendable {
  /// It may.
  case allow
  /// It comes too soon after the last one.
  case tooSoon(PopDelay)
}

/// A POP login that came too soon.
package struct PopDelay: Hashable, Sendable {
  /// The pause asked for between two logins.
  package let interval: Duration
  /// After how long a login passes again; more than zero.
  package let retryAfter: Duration
  /// How to refuse.
  package let mode: PopThrottleSettings.Reply

  /// The refusal's text after `[LOGIN-DELAY] `: `mail check too frequent, minimum interval 60 seconds, retry in 37 s`.
  package var text: String {
    "mail check too frequent, minimum interval \(seconds(interval)) seconds, retry in \(seconds(retryAfter)) s"
  }

  /// Whole seconds, rounded up: a client that waits as long as it is told must pass.
  private func seconds(_ duration: Duration) -> Int64 { (duration.wholeMilliseconds + 999) / 1000 }
}

/// One network's state in an account's login delay.
package struct PopThrottleState: Hashable, Sendable {
  /// The network; `nil` when the delay counts for the whole account.
  package let net: String?
  /// The latest login.
  package let lastLogin: Timestamp
  /// How long a login from there is still refused; zero when it passes.
  package let retryAfter: Duration
}

extension RelayAccess {
  /// The pause between two POP logins of an account: its offer's or the host's, 0–300 s.
  package func popDelay(of account: Account) -> Duration {
    let wanted = account.offer.popLoginDelay ?? settings.popThrottle.delay
    return min(max(wanted, .zero), settings.popThrottle.longestDelay)
  }

  /// The longest pause any account may have, and whether accounts differ: what CAPA can say before login.
  package func largestPopDelay() async throws -> (delay: Duration, differs: Bool) {
    let general = min(max(settings.popThrottle.delay, .zero), settings.popThrottle.longestDelay)
    let offers = try await database.read { database in
      try Int64.fetchAll(
        database, sql: "SELECT DISTINCT pop_login_delay FROM offer WHERE pop_login_delay IS NOT NULL")
    }
    let longest = offers.max().map { min(.milliseconds($0), settings.popThrottle.longestDelay) } ?? .zero
    return (max(general, longest), offers.contains { $0 != general.wholeMilliseconds })
  }

  /// Tests the login delay (R54).
  ///
  /// Ask after the password was found right, and once more when the mailbox is locked.
  ///
  /// Exactly at the end of the pause a login passes. A refusal changes nothing.
  package func popLogin(account: Account, peer: IPAddress) async throws -> PopLoginDecision {
    let delay = popDelay(of: account)
    guard delay > .zero else { return .allow }
    let key = popKey(account, peer)
    let rows = try await database.read { try PopRows.find($0, key) }
    let recent = stamps.ages(key, rows: rows, now: time.now, uptime: time.uptime).filter { $0 < delay }.sorted()
    let burst = max(1, settings.popThrottle.burst)
    guard recent.count >= burst else { return .allow }
    statistics.add(.throttled)
    tell(.throttled(account: account.key))
    return .tooSoon(
      PopDelay(interval: delay, retryAfter: delay - recent[burst - 1], mode: settings.popThrottle.reply))
  }

  /// Records a POP login that is about to be answered `+OK`: its stamp and its lease, in one commit.
  ///
  /// - Throws: `LeaseRefusal` when the account changed since its password was checked, or the database's error; the
  ///   login must then not be answered `+OK`, and nothing was recorded.
  @discardableResult
  package func popLoggedIn(account: Account, peer: IPAddress, tls: Bool) async throws -> LeaseOutcome {
    let isDelayed = popDelay(of: account) > .zero
    return try await recordLogin(
      account: account, peer: peer, service: .pop, tls: tls, popStamp: isDelayed ? popKey(account, peer) : nil)
  }

  /// Records the stamp alone, for callers that open the lease by themselves.
  package func popLoginSucceeded(account: Account, peer: IPAddress) async throws {
    guard popDelay(of: account) > .zero else { return }
    let key = popKey(account, peer)
    let now = time.now
    let uptime = time.uptime
    try await database.write { try PopRows.put($0, accountID: key.accountID, net: key.net, at: now) }
    stamps.add(key, at: now, uptime: uptime)
  }

  /// The account's login delay, network by network (`account throttle show`).
  package func popThrottle(of account: Account) async throws -> [PopThrottleState] {
    let accountID = account.id
    let delay = popDelay(of: account)
    let rows = try await database.read { try PopRows.all($0, accountID: accountID) }
    let now = time.now
    let uptime = time.uptime
    let burst = max(1, settings.popThrottle.burst)
    return Dictionary(grouping: rows, by: \.net).sorted { $0.key < $1.key }.compactMap { net, rows in
      guard let last = rows.map(\.at).max() else { return nil }
      let key = PopKey(accountID: accountID, net: net)
      let recent = stamps.ages(key, rows: rows.map(\.at), now: now, uptime: uptime).filter { $0 < delay }.sorted()
      return PopThrottleState(
        net: net.isEmpty ? nil : net, lastLogin: Timestamp(milliseconds: last),
        retryAfter: recent.count >= burst ? delay - recent[burst - 1] : .zero)
    }
  }

  /// Forgets the account's logins: the next one passes (`account throttle reset`).
  ///
  /// Gives the stamps forgotten.
  @discardableResult
  package func resetPopThrottle(of account: Account) async throws -> Int {
    let accountID = account.id
    return try await database.write { try PopRows.reset($0, accountID: accountID) }
  }

  private func popKey(_ account: Account, _ peer: IPAddress) -> PopKey {
    let net = settings.popThrottle.accountOnly ? "" : policy.clientNetwork(peer).description
    return PopKey(accountID: account.id, net: net)
  }
}
