import Accounts
import Basics
import GRDB
import Logging
import MailSyntax

extension RelayAccess {
  /// Whether an SMTP connection is served; a blacklisted one gets no answer (R9).
  ///
  /// POP and IMAP never ask this.
  ///
  /// When the database cannot be asked, the connection is judged by the list as last read.
  package func admitConnection(peer: IPAddress) async -> Admission {
    var entry: BlacklistEntry?
    do {
      entry = try await blacklistEntry(peer)
    } catch {
      log.warning("the blacklist cannot be read", ["error": "\(error)"])
      entry = isBlacklisted(peer) ? blacklistCache.image.entry(peer, now: time.now) : nil
    }
    guard let entry else { return .serve }
    return turnAway("[\(peer)] is blacklisted here: \(entry.reason)")
  }

  /// How a client is met that may not use a listener at all (R1): as a blacklisted one.
  package func turnAwayStranger(_ peer: IPAddress) -> Admission {
    turnAway("[\(peer)] is not among the networks this port serves")
  }

  private func turnAway(_ text: String) -> Admission {
    statistics.add(.silenced)
    switch settings.limits.silence {
    case .reset: return .close
    case .reply: return .reply(SMTPReply(554, "5.7.1", text))
    case .silent, .export:
      guard let seat = silentSeats.take(limit: settings.limits.silentConnections) else { return .close }
      return .silence(seat, for: settings.limits.silenceDuration)
    }
  }

  /// Whether the address is blacklisted, by the list as last read: cheap enough for every command of an open session.
  package func isBlacklisted(_ peer: IPAddress) -> Bool {
    policy.isLimited(peer) && blacklistCache.image.entry(peer, now: time.now) != nil
  }

  /// The entry that holds for an address now, by the database.
  package func blacklistEntry(_ peer: IPAddress) async throws -> BlacklistEntry? {
    guard policy.isLimited(peer) else { return nil }
    return try await refreshBlacklist().entry(peer, now: time.now)
  }

  /// Networks as they are put on the list, by any process: their open SMTP sessions end with 421.
  package func newlyBlacklisted() -> AsyncStream<IPNetwork> { blacklistCache.listen() }

  /// The list as it stands, ended entries left out (`blacklist list`).
  package func blacklist() async throws -> [BlacklistEntry] {
    let now = time.now
    return try await database.read { try BlacklistRows.all($0) }.filter { $0.expires.map { $0 > now } ?? true }
  }

  /// Puts a network on the list by an administrator's word.
  ///
  /// - Parameter ttl: how long; `nil` until it is lifted.
  /// - Throws: `RelayAccessError` `refused` for networks that are never blacklisted, `usage` for senseless values.
  @discardableResult
  package func addToBlacklist(_ net: IPNetwork, ttl: Duration?, reason: String) async throws -> BlacklistEntry {
    if let ttl, ttl <= .zero { throw RelayAccessError(.usage, "a blacklisting must last longer than 0 s") }
    guard net.prefix >= (net.address.bitWidth == 32 ? 8 : 16) else {
      throw RelayAccessError(.usage, "\(net) is too wide a network to blacklist")
    }
    guard policy.isLimited(net.address), !coversExempt(net) else {
      throw RelayAccessError(
        .refused, "\(net) is loopback, private or exempt, and so never blacklisted (limits.include-networks)")
    }
    let now = time.now
    let entry = BlacklistEntry(
      net: clientNet(net), created: now, expires: ttl.map { now + $0 }, cause: .admin,
      reason: reason, level: 0, counters: "", node: settings.node)
    try await commitBlacklisting(entry)
    return entry
  }

  /// Takes a network off the list, at once and on all processes.
  ///
  /// - Parameters:
  ///   - administrator: who lifts it, for the log, the history and the report `limits`.
  ///   - resetCounters: its rates, strikes and earlier terms are forgotten too, and a pause of its leases ends.
  ///   - exemptFor: it is not blacklisted again for this long.
  /// - Throws: `RelayAccessError` `notFound` when it is not on the list and there was nothing else to do.
  package func lift(
    _ net: IPNetwork, by administrator: String = "", resetCounters: Bool, exemptFor: Duration? = nil,
    note: String = ""
  ) async throws {
    let net = clientNet(net)
    let now = time.now
    let how = administrator.isEmpty ? "lifted" : "lifted by \(administrator)"
    let wasListed = try await database.write { database -> Bool in
      let wasListed = try BlacklistRows.end(database, net: net, now: now, how: how, counts: !resetCounters)
      if resetCounters {
        try RateRows.reset(database, net: net, now: now)
        try BlacklistRows.forgive(database, net: net)
        try database.execute(sql: "DELETE FROM open_smtp_pause WHERE net = ?", arguments: [net.description])
        try database.execute(sql: "DELETE FROM sending_stop WHERE net = ?", arguments: [net.description])
      }
      if let exemptFor { try BlacklistRows.exempt(database, net: net, until: now + exemptFor, note: note) }
      return wasListed
    }
    if resetCounters { rates.reset(owner: net.description, before: time.uptime + .milliseconds(1)) }
    let covering = try await refreshBlacklist().entry(net.address, now: now)?.net
    guard wasListed || exemptFor != nil || (resetCounters && covering == nil) else {
      let more = covering.map { "; \($0) is" } ?? ""
      throw RelayAccessError(.notFound, "\(net) is not on the blacklist\(more)")
    }
    log.notice(
      "lifted from the blacklist",
      ["net": "\(net)", "by": "\(administrator)", "counters": resetCounters ? "reset" : "kept"])
  }

  /// All that is known about an address (`blacklist explain`).
  package func explainBlacklist(_ peer: IPAddress) async throws -> BlacklistExplanation {
    let net = policy.clientNetwork(peer)
    let now = time.now
    let memory = settings.limits.termMemory
    let entry = try await blacklistEntry(peer)
    let (history, saved, exemptions, offences, paused) = try await database.read { database in
      (
        try BlacklistRows.history(database, net: net), try RateRows.find(database, owner: net.description),
        try BlacklistRows.exemptions(database),
        try BlacklistRows.offences(database, net: net, since: now - memory),
        try LeaseRows.pausedUntil(database, net: net)
      )
    }
    return BlacklistExplanation(
      net: net, entry: entry, isLimited: policy.isLimited(peer),
      exemption: exemptions.first { $0.until > now && $0.net.contains(peer) },
      counters: counters(of: net, saved: saved), offences: offences, nextTerm: term(offences),
      leasesPausedUntil: paused.flatMap { $0 > now ? $0 : nil }, history: history)
  }

  /// Reads the list when it changed since it was last read.
  @discardableResult
  func refreshBlacklist() async throws -> BlacklistImage {
    let known = blacklistCache.image
    let newer = try await database.read { database -> BlacklistImage? in
      let generation = try BlacklistRows.generation(database)
      guard generation != known.generation else { return nil }
      return BlacklistImage(
        generation: generation, entries: try BlacklistRows.all(database),
        exemptions: try BlacklistRows.exemptions(database))
    }
    guard let newer else { return known }
    blacklistCache.take(newer)
    return newer
  }

  /// Writes an entry, takes the network's leases back in the same transaction, and spreads the news.
  func commitBlacklisting(_ entry: BlacklistEntry) async throws {
    let revoked = try await database.write { database -> Int in
      try BlacklistRows.put(database, entry)
      var revoked = try LeaseRows.revoke(
        database, where: "net = ?", arguments: [entry.net.description], now: entry.created, why: "blacklisted"
      ).count
      if entry.net.prefix < entry.net.address.bitWidth {
        for lease in try LeaseRows.list(database, where: "revoked_at IS NULL")
        where entry.net.contains(lease.net.address) {
          revoked += try LeaseRows.revoke(
            database, where: "id = ?", arguments: [lease.id], now: entry.created, why: "blacklisted"
          ).count
        }
      }
      return revoked
    }
    statistics.add(.blacklisted)
    statistics.add(.revoked, revoked)
    try await refreshBlacklist()
    log.warning(
      "blacklisted",
      [
        "net": "\(entry.net)", "cause": "\(entry.cause.rawValue)", "reason": "\(entry.reason)",
        "until": "\(entry.expires?.rfc3339 ?? "lifted")",
      ])
  }

  /// How long the blacklisting after so many earlier ones lasts; `nil` until lifted.
  func term(_ offences: Int) -> Duration? {
    offences >= 0 && offences < settings.limits.terms.count ? settings.limits.terms[offences] : nil
  }

  /// A single IPv6 address stands for its client's network.
  func clientNet(_ net: IPNetwork) -> IPNetwork {
    net.prefix == net.address.bitWidth ? policy.clientNetwork(net.address) : net
  }

  /// Whether a network has an exempt one inside.
  private func coversExempt(_ net: IPNetwork) -> Bool {
    settings.limits.exemptNetworks.contains { net.contains($0.address) }
  }

  /// Counts by kind, from memory where this process serves and from the disk where another one does.
  private func counters(of net: IPNetwork, saved: [SavedRate]) -> [String: Int] {
    var counters: [String: Int] = [:]
    for rate in saved {
      let start = time.now - rate.key.kind.window(settings)
      let total = rate.samples.reduce(0) { $1.at > start.milliseconds ? $0 &+ $1.count : $0 }
      if total > 0 { counters[rate.key.kind.rawValue] = total }
    }
    for kind in RateKind.allCases {
      let total = rates.total(RateKey(kind, net: net), window: kind.window(settings), uptime: time.uptime)
      if total > 0 { counters[kind.rawValue] = max(total, counters[kind.rawValue] ?? 0) }
    }
    return counters
  }
}
