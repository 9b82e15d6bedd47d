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

  /// Counts a message at MAIL (R3); nothing where recipients are counted instead.
  ///
  /// An account's offer may bound the hour as well. Who is above that bound is told so and nothing more follows: it was
  /// bought so, and is no misuse.
  ///
  /// - Parameter account: who is logged in, by AUTH or by a lease; its own window is counted too.
  package func chargeMessage(peer: IPAddress, account: Account?, count: Int = 1) async throws -> RateVerdict {
    guard settings.limits.counting == .messages else {
      return isBlacklisted(peer) ? .blacklisted : .accepted
    }
    return try await chargeRates(peer, account, count)
  }

  /// Counts a recipient at RCPT where recipients are counted instead of messages.
  package func chargeRecipient(peer: IPAddress, account: Account?) async throws -> RateVerdict {
    guard settings.limits.counting == .recipients else { return .accepted }
    return try await chargeRates(peer, account, 1)
  }

  private func chargeRates(_ peer: IPAddress, _ account: Account?, _ count: Int) async throws -> RateVerdict {
    if let account, let refusal = chargeHour(account, count: count) { return .refused(refusal) }
    return try await charge(
      .messages, limit: settings.limits.messagesPerMinute, peer: peer, account: account, count: count)
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

  /// Counts messages against the hour that an account's offer gives it, from whatever network they come.
  ///
  /// - Returns: the refusal when it is used up.
  func chargeHour(_ account: Account, count: Int = 1) -> SMTPReply? {
    guard let limit = Self.hourLimit(account) else { return nil }
    let uptime = time.uptime
    guard rates.charge([limit], count: count, uptime: uptime) != nil else { return nil }
    statistics.add(.rateRefused)
    tell(.limit(owner: account.key, limit: RateKind.offerMessages.rawValue))
    let wait = rates.wait(for: limit, uptime: uptime)
    return RelayTexts(settings: settings).hour(limit.limit, offer: account.offer.name ?? "", wait: wait)
  }

  private static func hourLimit(_ account: Account) -> RateLimit? {
    account.offer.messagesPerHour.map {
      RateLimit(key: RateKey(.offerMessages, accountID: account.id), limit: $0, window: .seconds(3600))
    }
  }

  /// Messages that an account sent in the last hour, when its offer bounds them; as written down, so up to
  /// ``LimitSettings/saveInterval`` old where another process serves.
  package func sentThisHour(_ account: Account) async throws -> Int? {
    guard let limit = Self.hourLimit(account) else { return nil }
    let saved = try await database.read { try RateRows.find($0, owner: limit.key.owner) }
    let start = time.now - limit.window
    let written = saved.first { $0.key == limit.key }?.samples.reduce(0) {
      $1.at > start.milliseconds ? $0 &+ $1.count : $0
    }
    return max(written ?? 0, rates.total(limit.key, window: limit.window, uptime: time.uptime))
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
