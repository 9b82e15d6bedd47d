import Accounts
import Basics
import GRDB

/// What came of a customer's wish to have his network taken off the blacklist.
package enum SelfLift: Hashable, Sendable {
  /// It is off the list.
  case lifted(IPNetwork)
  /// No network of his is on the list.
  case notListed
  /// He, or somebody on his network, did so already: once more from then on.
  case tooSoon(Timestamp)
  /// It stands until an administrator lifts it.
  case administratorOnly
}

extension RelayAccess {
  /// Takes the network of a customer who has proven who he is off the list, once in ``LimitSettings/selfLiftInterval`` for
  /// the account and for the network; terms go on growing.
  ///
  /// That is the network he asks from, else one whose blacklisting took a lease of his account back: people read pages
  /// over IPv6 and send over IPv4.
  package func liftBySelf(_ account: Account, peer: IPAddress) async throws -> SelfLift {
    let interval = settings.limits.selfLiftInterval
    let now = time.now
    let own = try await refreshBlacklist().entry(peer, now: now)
    let accountID = account.id
    let revoked = try await database.read { database in
      try String.fetchAll(
        database,
        sql: "SELECT net FROM open_smtp WHERE account_id = ? AND revoked_why = 'blacklisted' ORDER BY revoked_at DESC",
        arguments: [accountID])
    }
    let listed = try await refreshBlacklist()
    let candidates =
      [own].compactMap { $0 }
      + revoked.compactMap { IPNetwork($0) }.compactMap { net in
        listed.entry(net.address, now: now)
      }
    guard !candidates.isEmpty else { return .notListed }
    guard interval > .zero, let entry = candidates.first(where: { $0.cause != .admin && $0.expires != nil }) else {
      return .administratorOnly
    }
    let how = "lifted by \(account.key)"
    let result = try await database.write { database -> SelfLift in
      let last = try Int64.fetchOne(
        database,
        sql: """
          SELECT max(ended) FROM blacklist_history
          WHERE ended > ?1 AND (how = ?2 OR (net = ?3 AND how LIKE 'lifted by %@%'))
          """, arguments: [(now - interval).milliseconds, how, entry.net.description])
      if let last { return .tooSoon(Timestamp(milliseconds: last) + interval) }
      return try BlacklistRows.end(database, net: entry.net, now: now, how: how, counts: true)
        ? .lifted(entry.net) : .notListed
    }
    if case .lifted(let net) = result {
      try await refreshBlacklist()
      log.notice("lifted from the blacklist", ["net": "\(net)", "by": "\(account.key)"])
    }
    return result
  }
}
