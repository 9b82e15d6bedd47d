import Accounts
import Basics
import GRDB

extension RelayAccess {
  /// The accounts that lose SMTP by an entry of the list: whose lease it took back, and who was logged in when the
  /// limit was crossed.
  ///
  /// The SMTP side is mute for them, so that they hear of it in their mailboxes.
  package func affectedAccounts(by entry: BlacklistEntry) async throws -> [Account] {
    let written = offenders.withLock { $0.removeValue(forKey: entry.net) } ?? []
    let leased = try await database.read { database in
      try Row.fetchAll(
        database,
        sql: "SELECT net, account_id FROM open_smtp WHERE revoked_why = 'blacklisted' AND revoked_at = ?",
        arguments: [entry.created.milliseconds]
      ).map { (net: $0[0] as String, account: $0[1] as Int64) }
    }
    var ids = written
    for row in leased {
      if let net = IPNetwork(row.net), entry.net.contains(net.address) { ids.insert(row.account) }
    }
    var found: [Account] = []
    for id in ids.sorted().prefix(settings.limits.notices) {
      if let account = try await accounts.account(id: id), !account.suspended { found.append(account) }
    }
    return found
  }

  /// The entry of exactly this network, if it is on the list.
  package func blacklistEntry(of net: IPNetwork) async throws -> BlacklistEntry? {
    try await refreshBlacklist().entries[net]
  }

  /// Remembers who was logged in when a limit was crossed, until the notice is written.
  func noteOffender(_ account: Account, net: IPNetwork) {
    let most = settings.limits.notices
    offenders.withLock { offenders in
      guard offenders[net] != nil || offenders.count < most, offenders[net]?.count ?? 0 < most else { return }
      offenders[net, default: []].insert(account.id)
    }
  }
}
