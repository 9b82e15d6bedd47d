import Accounts
import Basics
import GRDB
import Logging

extension RelayAccess {
  /// Opens SMTP for the network a POP or IMAP login came from, or starts its hour anew (R31).
  ///
  /// On return the right is committed, so that a send right after `+OK` succeeds. A mere refresh within 30 s of the last
  /// write stays in memory, where its end is exact.
  ///
  ///     try await relay.openLease(account: account, peer: connection.peer, service: .pop, tls: true)
  ///
  /// - Throws: `LeaseRefusal` when the account was suspended or its password changed since it was authenticated: the
  ///   session must then end; else the database's error.
  @discardableResult
  package func openLease(
    account: Account, peer: IPAddress, service: MailService, tls: Bool
  ) async throws -> LeaseOutcome {
    try await recordLogin(account: account, peer: peer, service: service, tls: tls, popStamp: nil)
  }

  /// Keeps a lease open while an IMAP session is: call every `settings.openSMTP.renewal`.
  ///
  /// A revoked or swept lease stays so: renewing is no login.
  package func touchLease(account: Account, peer: IPAddress, service: MailService, tls: Bool) async throws {
    guard isOpenSMTPOn, let net = recordableNetwork(peer, warn: false) else { return }
    let accountID = account.id
    guard let row = try await database.read({ try LeaseRows.find($0, net: net, accountID: accountID) }),
      row.revokedAt == nil
    else { return }
    let lifetime = settings.openSMTP.lifetime
    let uptime = time.uptime
    let (lease, isOver) = memory.current(row, uptime: uptime)
    let now = time.now
    if !isOver, lease.expires > now, row.origin == .login,
      memory.renew(
        row, now: now, uptime: uptime, lifetime: lifetime, within: settings.openSMTP.coalescing(lifetime: lifetime),
        isLogin: false)
    {
      statistics.add(.refreshed)
      return
    }
    let key = LeaseKey(net: net, accountID: accountID)
    let pending = memory.takeChanges(uptime: uptime, of: key)
    do {
      let renewed = try await database.write { database -> Lease? in
        for change in pending { try LeaseRows.refresh(database, change) }
        guard var row = try LeaseRows.find(database, net: net, accountID: accountID), row.revokedAt == nil else {
          return nil
        }
        row.expires = max(min(row.expires, now + row.lifetime), now + lifetime)
        row.lifetime = row.expires - now
        row.lastSeen = now
        try LeaseRows.put(database, row, wide: false)
        return row
      }
      if let renewed { memory.committed(renewed, uptime: uptime) }
      statistics.add(.refreshed)
    } catch {
      memory.restore(pending)
      throw error
    }
  }

  /// Whether the address may be recorded, as its network; a login from a container's gateway switches the feature off.
  func recordableNetwork(_ peer: IPAddress, warn: Bool) -> IPNetwork? {
    let policy = self.policy
    guard let reason = policy.unrecordable(peer) else { return policy.clientNetwork(peer) }
    if reason == .gateway, warn {
      switchOff(because: "a login came from \(peer), the default gateway of this container, which hides its clients")
    }
    return nil
  }

  /// Writes what one login changes, in one transaction: its lease, and for POP its stamp.
  func recordLogin(
    account: Account, peer: IPAddress, service: MailService, tls: Bool, popStamp: PopKey?
  ) async throws -> LeaseOutcome {
    let refusal = whyNotRecorded(account: account, peer: peer, service: service, tls: tls)
    let net = policy.clientNetwork(peer)
    if refusal == nil, popStamp == nil,
      let outcome = try await refreshInMemory(account: account, net: net, service: service, tls: tls)
    {
      return outcome
    }
    if refusal != nil, popStamp == nil { return .notRecorded(reason: refusal ?? "") }
    let job = LoginRecord(
      account: account, net: net, proto: service.rawValue, tls: tls, now: time.now, stamp: popStamp,
      opensLease: refusal == nil, settings: settings, isListedAsShared: policy.isListedAsShared(peer))
    let uptime = time.uptime
    let pending = memory.takeChanges(uptime: uptime, of: LeaseKey(net: net, accountID: account.id))
    let written: LoginRecord.Outcome
    do {
      written = try await database.write { database in
        for change in pending { try LeaseRows.refresh(database, change) }
        return try job.run(in: database)
      }
    } catch {
      memory.restore(pending)
      throw error
    }
    if let popStamp { stamps.add(popStamp, at: job.now, uptime: uptime) }
    guard let lease = written.lease else { return .notRecorded(reason: refusal ?? "no lease") }
    memory.committed(lease, uptime: uptime)
    statistics.add(written.isNew ? .opened : .refreshed)
    if written.isNew { tell(.lease(account: lease.account, net: lease.net)) }
    if written.isNew {
      log.info(
        "SMTP opened",
        [
          "lease": "\(lease.id)", "account": "\(lease.account)", "net": "\(lease.net)", "by": "\(lease.proto)",
          "tls": "\(tls)",
        ])
    }
    return written.isNew ? .opened(id: lease.id) : .refreshed(id: lease.id)
  }

  private func whyNotRecorded(account: Account, peer: IPAddress, service: MailService, tls: Bool) -> String? {
    guard settings.openSMTP.enabled else { return "disabled" }
    guard service == .pop || service == .imap else { return "service" }
    if settings.openSMTP.requireTLS, !tls { return "tls-required" }
    if account.denied.contains(.openSMTP) { return "denied" }
    guard recordableNetwork(peer, warn: true) != nil else {
      return policy.unrecordable(peer)?.rawValue ?? "not recordable"
    }
    return isOpenSMTPOn ? nil : "switched-off"
  }

  private func refreshInMemory(
    account: Account, net: IPNetwork, service: MailService, tls: Bool
  ) async throws -> LeaseOutcome? {
    let accountID = account.id
    guard let row = try await database.read({ try LeaseRows.find($0, net: net, accountID: accountID) }),
      row.revokedAt == nil, row.proto == service.rawValue, row.tls == tls, row.expires > time.now
    else { return nil }
    let lifetime = row.lifetime
    guard
      memory.renew(
        row, now: time.now, uptime: time.uptime, lifetime: lifetime,
        within: settings.openSMTP.coalescing(lifetime: lifetime), isLogin: true)
    else { return nil }
    statistics.add(.refreshed)
    return .refreshed(id: row.id)
  }
}

/// The account is no longer what the login was checked against; the session must end without `+OK`.
package struct LeaseRefusal: Error, Hashable, Sendable, CustomStringConvertible {
  /// What changed: `password-changed`, `suspended`, `deleted`.
  package let reason: String
  /// The reason.
  package var description: String { reason }
}
