import Accounts
import Basics
import GRDB
import Logging
import MailSyntax

extension RelayAccess {
  /// Leases with their states, tombstones and ended ones included while they are kept (`open-smtp list`).
  package func leases(_ filter: LeaseFilter = .all) async throws -> [Lease] {
    let (sql, arguments) = filter.condition
    let (rows, pauses) = try await database.read { database in
      (
        try LeaseRows.list(database, where: sql, arguments: arguments),
        try Row.fetchAll(database, sql: "SELECT net, until FROM open_smtp_pause").map {
          ($0[0] as String, Timestamp(milliseconds: $0[1]))
        }
      )
    }
    let paused = Dictionary(pauses) { _, new in new }
    let shared = try await database.read { [now = time.now, limit = settings.openSMTP.sharedAccounts] database in
      Set(
        try String.fetchAll(
          database,
          sql: """
            SELECT net FROM open_smtp WHERE revoked_at IS NULL AND expires > ? GROUP BY net HAVING count(*) > ?
            """, arguments: [now.milliseconds, limit]))
    }
    let policy = self.policy
    let uptime = time.uptime
    return rows.filter(filter.includes).flatMap { row in
      LeaseView(
        rows: [memory.current(row, uptime: uptime)], now: time.now,
        isListedAsShared: policy.isListedAsShared(row.net.address) || shared.contains(row.net.description),
        pausedUntil: paused[row.net.description], settings: settings.openSMTP
      ).leases
    }
  }

  /// What a client at an address could do now, and by whose right (`open-smtp check`).
  ///
  /// - Parameter sender: the reverse path; without it, whether there is a lease at all.
  package func check(_ peer: IPAddress, from sender: EmailAddress? = nil) async throws -> LeaseCheck {
    let decision = try await mayRelay(
      peer: peer, sender: sender, listener: settings.openSMTP.listeners.sorted().first ?? "smtp", authenticated: nil,
      authFailed: false, charge: false)
    let net = policy.clientNetwork(peer)
    switch decision {
    case .allow(let account, let right):
      var lease: Lease?
      if case .openSMTP(let id) = right { lease = try await leaseView(peer).leases.first { $0.id == id } }
      return LeaseCheck(
        isAllowed: true, reason: "open-smtp", account: account.key, lease: lease, net: net, reply: nil)
    case .deny(let denial, let reply):
      var reason = denial.rawValue
      if denial == .noLease, let why = policy.unrecordable(peer) { reason = "not-recorded: \(why.rawValue)" }
      return LeaseCheck(
        isAllowed: false, reason: reason, account: nil, lease: nil, net: net, reply: reply.text)
    }
  }

  /// Gives an account a lease without a login (`open-smtp add`).
  ///
  /// - Throws: `RelayAccessError`: `usage` for a network or time without sense, `refused` for an account that may not,
  ///   `overLimit` when there are too many wide ones.
  @discardableResult
  package func addLease(_ net: IPNetwork, account: Account, lifetime: Duration? = nil) async throws -> Lease {
    let lifetime = lifetime ?? settings.openSMTP.lifetime
    let net = clientNet(net)
    guard lifetime > .zero, lifetime <= settings.openSMTP.longestGrant else {
      throw RelayAccessError(.usage, "a lease lasts from 1 ms to \(settings.openSMTP.longestGrant.setting)")
    }
    guard net.prefix >= (net.address.bitWidth == 32 ? 16 : 32), !net.address.isUnroutable else {
      throw RelayAccessError(.usage, "\(net) is not a network of clients")
    }
    guard !account.suspended, !account.denied.contains(.openSMTP) else {
      throw RelayAccessError(.refused, "\(account.key) is suspended or may not use OPEN-SMTP")
    }
    let now = time.now
    let isWide = net != policy.clientNetwork(net.address)
    let most = settings.openSMTP.wideLeases
    let node = settings.node
    let lease = try await database.write { database -> Lease in
      let wide = try Int.fetchOne(database, sql: "SELECT count(*) FROM open_smtp WHERE wide = 1") ?? 0
      guard !isWide || wide < most else { throw RelayAccessError(.overLimit, "\(most) wide leases are there already") }
      let lease = Lease(
        id: OpaqueID.make(), net: net, accountID: account.id, account: account.key, proto: "admin", tls: false,
        firstSeen: now, lastSeen: now, expires: now + lifetime, lifetime: lifetime, logins: 0, messages: 0,
        recipients: 0, node: node, origin: .admin)
      try LeaseRows.put(database, lease, wide: isWide)
      return lease
    }
    memory.committed(lease, uptime: time.uptime)
    log.notice("lease added", ["lease": "\(lease.id)", "account": "\(account.key)", "net": "\(net)"])
    return lease
  }

  /// Takes leases back at once, in all processes (`open-smtp revoke`); they stay as tombstones.
  ///
  /// - Returns: the leases that counted until now.
  @discardableResult
  package func revoke(_ filter: LeaseFilter, reason: String) async throws -> [Lease] {
    let now = time.now
    let why = reason.isEmpty ? "admin" : reason
    let (sql, arguments) = filter.condition
    let revoked = try await database.write { database -> [Lease] in
      guard case .address = filter else {
        return try LeaseRows.revoke(
          database, where: sql.replacing("?1", with: "?3"), arguments: arguments, now: now, why: why)
      }
      return try LeaseRows.list(database, where: "revoked_at IS NULL").filter(filter.includes).flatMap {
        try LeaseRows.revoke(database, where: "id = ?", arguments: [$0.id], now: now, why: why)
      }
    }
    let live = revoked.filter { $0.expires > now }
    statistics.add(.revoked, live.count)
    for lease in live {
      log.notice("lease revoked", ["lease": "\(lease.id)", "account": "\(lease.account)", "why": "\(why)"])
    }
    return live
  }

  /// Moves everything that ended to the history now (`open-smtp purge`); safety never needs it.
  ///
  /// - Returns: how many rows went.
  @discardableResult
  package func purgeLeases() async throws -> Int {
    // The server may know a lease newer than its row by the time it leaves a refresh in memory.
    let ended = time.now - settings.openSMTP.coalescing(lifetime: settings.openSMTP.lifetime)
    return try await database.write { database in
      try LeaseRows.archive(
        database, where: "expires <= ? OR revoked_at IS NOT NULL", arguments: [ended.milliseconds])
    }
  }

  /// A lease by its trace id, also one that was swept (`trace`).
  package func lease(traceID: String) async throws -> Lease? {
    try await database.read { try LeaseRows.trace($0, id: traceID) }
  }

  /// The networks with a usable lease, in another program's form (`open-smtp export`).
  package func export(_ form: LeaseExport) async throws -> String {
    var nets: [IPNetwork] = []
    for lease in try await leases() where lease.state == .live || lease.state == .shared {
      if nets.last != lease.net { nets.append(lease.net) }
    }
    return nets.map { line($0, form) + "\n" }.joined()
  }

  private func line(_ net: IPNetwork, _ form: LeaseExport) -> String {
    switch form {
    case .tcprules: "\(tcprulesName(net)):allow,RELAYCLIENT=\"\",RBLSMTPD=\"\""
    case .postfix: "\(net)\tOK"
    case .exim: net.address.bitWidth == 128 ? "\"\(net)\"" : "\(net)"
    }
  }

  /// tcprules knows prefixes of whole octets by a final dot, and no IPv6 prefixes but `/bits` forms of newer versions.
  private func tcprulesName(_ net: IPNetwork) -> String {
    guard net.address.bitWidth == 32, net.prefix < 32, net.prefix % 8 == 0 else { return net.description }
    return net.address.description.split(separator: ".").prefix(net.prefix / 8).joined(separator: ".") + "."
  }
}
