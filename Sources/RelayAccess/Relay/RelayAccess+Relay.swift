import Accounts
import Basics
import GRDB
import MailSyntax

extension RelayAccess {
  /// Decides about one recipient in a domain that is not hosted here; ask at each RCPT, it is over when it is over.
  ///
  /// An allowed recipient is charged to the account's lease, and the first of a transaction as a message.
  ///
  ///     switch try await relay.mayRelay(peer: connection.peer, sender: sender, listener: connection.listener,
  ///       authenticated: account, authFailed: authFailed, earlierRecipients: relayed.count) {
  ///     case .allow(let account, let right): …
  ///     case .deny(_, let reply): connection.write(reply.wire)
  ///     }
  ///
  /// - Parameters:
  ///   - peer: the client's address.
  ///   - sender: the reverse path; `nil` for `<>`.
  ///   - listener: the listener's name, `smtp`, `submission` ….
  ///   - authenticated: the account after AUTH; its rules are then the only ones.
  ///   - authFailed: whether an AUTH failed in this session and none succeeded; leases do not count then.
  ///   - earlierRecipients: recipients of this transaction that were allowed before.
  ///   - charge: `false` only asks, as `open-smtp check` does.
  /// - Throws: the database's error; answer 451.
  package func mayRelay(
    peer: IPAddress, sender: EmailAddress?, listener: String, authenticated: Account?, authFailed: Bool,
    earlierRecipients: Int = 0, charge: Bool = true
  ) async throws -> RelayDecision {
    let decision = try await decide(
      peer: peer, sender: sender, listener: listener, authenticated: authenticated, authFailed: authFailed,
      earlierRecipients: earlierRecipients, charge: charge)
    guard charge else { return decision }
    switch decision {
    case .allow(_, .auth): statistics.add(.allowedByAuth)
    case .allow(_, .openSMTP): statistics.add(.allowedByLease)
    case .deny(let reason, _):
      statistics.add(.denied)
      if reason == .justExpired { statistics.add(.deniedJustExpired) }
      log.info("relay denied", ["net": "\(policy.clientNetwork(peer))", "reason": "\(reason.rawValue)"])
    }
    return decision
  }

  /// Whether a lease stands for AUTH: on 587 and 465 MAIL is let in without AUTH only then.
  package func hasLease(peer: IPAddress, listener: String = "submission") async throws -> Bool {
    guard isOpenSMTPOn, settings.openSMTP.listeners.contains(listener) else { return false }
    for lease in usable(try await leaseView(peer), peer) {
      if let account = try await accounts.account(id: lease.accountID), mayUseLease(account) { return true }
    }
    return false
  }

  /// Whether a message under a lease with the null sender may bear these `From:` addresses: one of them must be the
  /// charged account's.
  package func mayBearFrom(_ addresses: [EmailAddress], account: Account) async throws -> Bool {
    for address in addresses where try await covers(account, address, by: settings.openSMTP.senderPolicy) {
      return true
    }
    return false
  }

  /// The leases of an address as they stand now, clock faults mended.
  func leaseView(_ peer: IPAddress) async throws -> LeaseView {
    let policy = self.policy
    let net = policy.clientNetwork(peer)
    let limit = settings.openSMTP.leasesConsidered
    let (rows, pausedUntil) = try await database.read { database in
      (
        try LeaseRows.covering(database, address: peer, net: net, limit: limit),
        try LeaseRows.pausedUntil(database, net: net)
      )
    }
    let now = time.now
    let uptime = time.uptime
    // A lease that reaches further than its lifetime was written before the clock was set back: mend the row, or it
    // would stay open for as long as the clock was wrong.
    for row in rows where row.revokedAt == nil && row.expires > now + row.lifetime {
      let id = row.id
      let end = now + row.lifetime
      try await database.write { try LeaseRows.clamp($0, id: id, expires: end) }
    }
    return LeaseView(
      rows: rows.map { memory.current($0, uptime: uptime) }, now: now,
      isListedAsShared: policy.isListedAsShared(peer), pausedUntil: pausedUntil, settings: settings.openSMTP)
  }

  /// The leases that count for an address.
  ///
  /// A login's row counts no longer when its address may not be recorded any more,
  /// for instance because it became a proxy's.
  private func usable(_ view: LeaseView, _ peer: IPAddress) -> [Lease] {
    let isRecordable = policy.unrecordable(peer) == nil
    return view.usable(settings.openSMTP).filter { isRecordable || $0.origin == .admin }
  }

  private func decide(
    peer: IPAddress, sender: EmailAddress?, listener: String, authenticated: Account?, authFailed: Bool,
    earlierRecipients: Int, charge: Bool
  ) async throws -> RelayDecision {
    let texts = RelayTexts(settings: settings)
    if try await blacklistEntry(peer) != nil {
      return .deny(.blacklisted, SMTPReply(421, "4.7.1", "[\(peer)] is blacklisted, closing connection"))
    }
    if let account = authenticated { return try await decideByAuth(account, sender: sender, texts) }
    if let barrier = barrier(listener: listener, authFailed: authFailed) {
      return .deny(barrier, texts.notRelayed(peer: peer, hint: hint(barrier)))
    }
    let view = try await leaseView(peer)
    let leases = usable(view, peer)
    guard !leases.isEmpty else {
      let denial = view.denial(now: time.now)
      return .deny(denial, texts.notRelayed(peer: peer, hint: hint(denial)))
    }
    guard let (lease, account) = try await choose(leases, sender: sender) else {
      return .deny(.senderNotOwned, texts.notOwned(sender: sender, user: nil))
    }
    if let stop = try await sendingStop(account) { return .deny(.accountStopped, stop) }
    if sender == nil, earlierRecipients > 0 {
      return .deny(
        .nullSenderRecipients, SMTPReply(452, "4.5.3", "one recipient only for the null sender without SMTP AUTH"))
    }
    if charge {
      if policy.isLimited(peer), let refusal = chargeLease(lease, isFirst: earlierRecipients == 0, texts) {
        return .deny(.rate, refusal)
      }
      let isCounted = settings.limits.counting == .messages && earlierRecipients == 0
      if isCounted, let refusal = chargeHour(account) { return .deny(.rate, refusal) }
      memory.count(lease, messages: earlierRecipients == 0 ? 1 : 0, recipients: 1, uptime: time.uptime)
    }
    return .allow(account, via: .openSMTP(leaseID: lease.id))
  }

  /// What keeps leases from counting whatever they are.
  private func barrier(listener: String, authFailed: Bool) -> RelayDenial? {
    if authFailed { return .authFailed }
    guard isOpenSMTPOn else { return .disabled }
    return settings.openSMTP.listeners.contains(listener) ? nil : .listener
  }

  private func decideByAuth(
    _ known: Account, sender: EmailAddress?, _ texts: RelayTexts
  ) async throws -> RelayDecision {
    // The session may be hours old: the account's flags are asked anew.
    guard let account = try await accounts.account(id: known.id), !account.suspended, !account.denied.contains(.smtp)
    else { return .deny(.accountDenied, SMTPReply(550, "5.7.1", "this account may not send (#5.7.1)")) }
    if let stop = try await sendingStop(account) { return .deny(.accountStopped, stop) }
    if let sender, try await !covers(account, sender, by: settings.openSMTP.authSenderPolicy) {
      return .deny(.senderNotOwned, texts.notOwned(sender: sender, user: account.key))
    }
    return .allow(account, via: .auth)
  }

  private func chargeLease(_ lease: Lease, isFirst: Bool, _ texts: RelayTexts) -> SMTPReply? {
    let open = settings.openSMTP
    let recipients = RateLimit(
      key: RateKey(.leaseRecipients, lease: lease), limit: open.recipientsPerHour,
      window: RateKind.leaseRecipients.window(settings))
    let messages = RateLimit(
      key: RateKey(.leaseMessages, lease: lease), limit: open.messagesPerMinute,
      window: RateKind.leaseMessages.window(settings))
    guard let full = rates.charge(isFirst ? [messages, recipients] : [recipients], count: 1, uptime: time.uptime) else {
      return nil
    }
    statistics.add(.rateRefused)
    return full.key.kind == .leaseMessages ? texts.rate(full.limit) : texts.rate(full.limit, "recipients per hour")
  }

  /// The lease that pays: of the account whose very address the sender is, else of the latest login it belongs to.
  private func choose(_ leases: [Lease], sender: EmailAddress?) async throws -> (Lease, Account)? {
    let exactFirst = leases.filter { $0.account == sender?.key } + leases.filter { $0.account != sender?.key }
    for lease in exactFirst {
      guard let account = try await accounts.account(id: lease.accountID), mayUseLease(account) else { continue }
      guard let sender else { return (lease, account) }
      if try await covers(account, sender, by: settings.openSMTP.senderPolicy) { return (lease, account) }
    }
    return nil
  }

  private func covers(
    _ account: Account, _ sender: EmailAddress, by policy: OpenSMTPSettings.SenderPolicy
  ) async throws -> Bool {
    switch policy {
    case .owned: try await accounts.owns(account, address: sender)
    case .hostedDomain: try await accounts.isHosted(sender.domain)
    case .any: true
    }
  }

  private func mayUseLease(_ account: Account) -> Bool {
    !account.suspended && !account.denied.contains(.openSMTP)
  }

  private func hint(_ denial: RelayDenial) -> String? {
    switch denial {
    case .authFailed:
      "AUTH failed in this session, so a POP or IMAP login from here does not count in it: log in by SMTP AUTH, or "
        + "connect again after a POP or IMAP login"
    case .disabled: "log in by SMTP AUTH; a POP or IMAP login opens nothing on this host"
    case .listener: "log in by SMTP AUTH; a POP or IMAP login does not count on this port"
    case .paused: "too many failed logins from here: log in by SMTP AUTH, or by POP or IMAP some minutes later"
    case .sharedNetwork: "many accounts share this address: log in by SMTP AUTH, POP or IMAP logins are not enough"
    case .justExpired: "your last login is too old: log in by POP or IMAP from here again, or by SMTP AUTH"
    default: nil
    }
  }
}
