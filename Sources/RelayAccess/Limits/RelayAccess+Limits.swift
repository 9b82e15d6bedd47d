import Accounts
import Basics
import GRDB
import Logging
import MailSyntax

/// What a client's rate allows.
package enum RateVerdict: Hashable, Sendable {
  /// It was counted; go on.
  case accepted
  /// This one crosses the limit: send the reply once. The client is blacklisted from now on (or its account stopped),
  /// and its sessions end with 421.
  case refused(SMTPReply)
  /// The client is blacklisted already: the session ends with 421.
  case blacklisted
}

/// What a client did that is refused like any mistake, but not for ever.
package enum StrikeCause: String, Hashable, Sendable {
  /// A message larger than the limit.
  case size
  /// More recipients than the limit.
  case recipients
}

extension RelayAccess {
  /// Whether rates and the blacklist apply to an address: not to loopback, private and exempt networks.
  package func isLimited(_ peer: IPAddress) -> Bool { policy.isLimited(peer) }

  /// Counts a message at MAIL (R3), or its recipients where `counting` says so.
  ///
  /// - Parameter account: who is logged in, by AUTH or by a lease; its own window is counted too.
  package func chargeMessage(peer: IPAddress, account: Account?, count: Int = 1) async throws -> RateVerdict {
    try await charge(.messages, limit: settings.limits.messagesPerMinute, peer: peer, account: account, count: count)
  }

  /// Counts a message to or from a domain that is not validated (R4), once for each transaction.
  package func chargeUnvalidated(peer: IPAddress, account: Account?, count: Int = 1) async throws -> RateVerdict {
    try await charge(
      .unvalidated, limit: settings.limits.unvalidatedPerMinute, peer: peer, account: account, count: count)
  }

  /// Notes an overrun of size or recipients, which is refused normally; the fifth within ten minutes blacklists.
  ///
  /// - Returns: whether the client is blacklisted now.
  @discardableResult
  package func strike(peer: IPAddress, cause: StrikeCause) async throws -> Bool {
    guard policy.isLimited(peer), settings.limits.strikes > 0 else { return false }
    let net = policy.clientNetwork(peer)
    let key = RateKey(.strikes, net: net)
    try await applyReset(net)
    tell(.limit(owner: net.description, limit: cause.rawValue))
    let total = rates.count(key, window: settings.limits.strikeWindow, uptime: time.uptime)
    guard total >= settings.limits.strikes else { return false }
    return try await blacklistForOverrun(
      peer, cause: .strikes, reason: "\(total) messages over the limits of size or recipients",
      counters: "strikes \(total) in \(settings.limits.strikeWindow.setting)")
  }

  /// Notes a failed login by any protocol: from the tenth within ten minutes the network's leases are paused.
  package func loginFailed(peer: IPAddress) async throws {
    guard policy.isLimited(peer), settings.openSMTP.pauseFailures > 0 else { return }
    let net = policy.clientNetwork(peer)
    let window = settings.openSMTP.pauseWindow
    let total = rates.count(RateKey(.failedLogins, net: net), window: window, uptime: time.uptime)
    guard total >= settings.openSMTP.pauseFailures else { return }
    try await applyReset(net)
    guard
      rates.total(RateKey(.failedLogins, net: net), window: window, uptime: time.uptime)
        >= settings.openSMTP.pauseFailures
    else { return }
    let now = time.now
    let isNew = try await database.write { database -> Bool in
      let before = try LeaseRows.pausedUntil(database, net: net)
      try LeaseRows.pause(database, net: net, until: now + window, failures: total)
      return before.map { $0 <= now } ?? true
    }
    guard isNew else { return }
    statistics.add(.paused)
    log.warning("leases paused after failed logins", ["net": "\(net)", "failures": "\(total)"])
  }

  /// The reply for an account that an overrun stopped; `nil` when it may send.
  func sendingStop(_ account: Account) async throws -> SMTPReply? {
    guard settings.limits.overrunTarget == .accountFirst else { return nil }
    let accountID = account.id
    let now = time.now
    let isStopped = try await database.read { database in
      try Bool.fetchOne(
        database.cachedStatement(
          sql: "SELECT EXISTS (SELECT 1 FROM sending_stop WHERE account_id = ? AND (until IS NULL OR until > ?))"),
        arguments: [accountID, now.milliseconds]) ?? false
    }
    return isStopped ? SMTPReply(450, "4.7.1", "\(account.key) has sent too much, sending is stopped") : nil
  }

  private func charge(
    _ kind: RateKind, limit: Int, peer: IPAddress, account: Account?, count: Int
  ) async throws -> RateVerdict {
    guard policy.isLimited(peer) else { return .accepted }
    if isBlacklisted(peer) { return .blacklisted }
    let net = policy.clientNetwork(peer)
    let window = settings.limits.window
    var limits = [RateLimit(key: RateKey(kind, net: net), limit: limit, window: window)]
    if let account { limits.append(RateLimit(key: RateKey(kind, accountID: account.id), limit: limit, window: window)) }
    let uptime = time.uptime
    guard rates.charge(limits, count: count, uptime: uptime) != nil else { return .accepted }
    // An administrator may have reset the counters from another process; that is read only when it matters.
    try await applyReset(net)
    guard let full = rates.charge(limits, count: count, uptime: uptime) else { return .accepted }
    statistics.add(.rateRefused)
    tell(.limit(owner: account?.key ?? net.description, limit: kind.rawValue))
    let total = rates.total(full.key, window: window, uptime: uptime) + count
    try await stop(
      peer, account: account, reason: "\(limit) \(kind == .messages ? "" : "unvalidated ")messages per minute exceeded",
      counters: "\(kind.rawValue) \(total) in \(window.setting)")
    return .refused(RelayTexts(settings: settings).rate(limit))
  }

  /// The account loses sending first where the host wants it so, the network when nobody is known or several accounts
  /// overran.
  private func stop(_ peer: IPAddress, account: Account?, reason: String, counters: String) async throws {
    guard let account, settings.limits.overrunTarget == .accountFirst else {
      if let account { noteOffender(account, net: policy.clientNetwork(peer)) }
      _ = try await blacklistForOverrun(peer, cause: .rate, reason: reason, counters: counters)
      return
    }
    let net = policy.clientNetwork(peer)
    let now = time.now
    let terms = settings.limits.terms
    let isNew = try await database.write { database -> Bool in
      let row = try Row.fetchOne(
        database, sql: "SELECT level, until FROM sending_stop WHERE account_id = ?", arguments: [account.id])
      let level = (row?[0] as Int? ?? 0) + 1
      if let row, (row[1] as Int64?).map({ $0 > now.milliseconds }) ?? true { return false }
      let until = level <= terms.count ? now + terms[level - 1] : nil
      try database.execute(
        sql: """
          INSERT INTO sending_stop VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET net = excluded.net,
            created = excluded.created, until = excluded.until, reason = excluded.reason, level = excluded.level
          """,
        arguments: [account.id, net.description, now.milliseconds, until?.milliseconds, reason, level])
      return true
    }
    guard isNew else { return }
    log.warning("sending stopped", ["account": "\(account.key)", "net": "\(net)", "reason": "\(reason)"])
    let key = RateKey(.stoppedAccounts, net: net)
    if rates.count(key, window: RateKind.stoppedAccounts.window(settings), uptime: time.uptime) > 1 {
      _ = try await blacklistForOverrun(
        peer, cause: .accounts, reason: "several accounts overran their limits", counters: counters)
    }
  }

  /// Blacklists a client for what it did, for a longer term each time.
  private func blacklistForOverrun(
    _ peer: IPAddress, cause: BlacklistEntry.Cause, reason: String, counters: String
  ) async throws -> Bool {
    let net = policy.clientNetwork(peer)
    let now = time.now
    let image = try await refreshBlacklist()
    guard image.entry(peer, now: now) == nil, !image.isExempt(peer, now: now) else {
      return image.entry(peer, now: now) != nil
    }
    let since = now - settings.limits.termMemory
    let offences = try await database.read { try BlacklistRows.offences($0, net: net, since: since) }
    try await commitBlacklisting(
      BlacklistEntry(
        net: net, created: now, expires: term(offences).map { now + $0 }, cause: cause, reason: reason,
        level: offences + 1, counters: counters, node: settings.node))
    return true
  }

  /// Forgets what a network did before an administrator reset its counters.
  private func applyReset(_ net: IPNetwork) async throws {
    guard let moment = try await database.read({ try RateRows.resetMoment($0, net: net) }) else { return }
    let age = time.now - moment
    guard age >= .zero else { return }
    rates.reset(owner: net.description, before: time.uptime - age + .milliseconds(1))
  }
}
