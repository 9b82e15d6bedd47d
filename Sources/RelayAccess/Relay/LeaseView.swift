import Accounts
import Basics

/// The leases of one address as they stand at one moment.
struct LeaseView: Sendable {
  /// Every row that covers the address, newest login first, with its state.
  let leases: [Lease]
  /// Whether many accounts share the network.
  let isShared: Bool

  /// Judges rows as the database and memory have them.
  ///
  /// - Parameter pausedUntil: end of the network's pause; an administrator's own leases are not paused.
  init(
    rows: [(lease: Lease, isOver: Bool)], now: Timestamp, isListedAsShared: Bool, pausedUntil: Timestamp?,
    settings: OpenSMTPSettings
  ) {
    let live = rows.filter { !$0.isOver && $0.lease.revokedAt == nil && Self.end($0.lease, now) > now }
    let shared = isListedAsShared || live.count > settings.sharedAccounts
    let isPaused = pausedUntil.map { $0 > now && $0 <= now + settings.pauseWindow } ?? false
    isShared = shared
    leases = rows.map { row in
      var lease = row.lease
      lease.expires = Self.end(lease, now)
      if shared, lease.origin == .login { lease.expires = min(lease.expires, lease.lastSeen + settings.sharedLifetime) }
      if lease.revokedAt != nil {
        lease.state = .revoked
      } else if row.isOver || lease.expires <= now {
        lease.state = .expired
      } else if isPaused, lease.origin == .login {
        lease.state = .paused
      } else {
        lease.state = shared && lease.origin == .login ? .shared : .live
      }
      return lease
    }.sorted { $0.lastSeen > $1.lastSeen }
  }

  /// The leases that let their accounts relay.
  func usable(_ settings: OpenSMTPSettings) -> [Lease] {
    leases.filter { $0.state == .live || ($0.state == .shared && settings.sharedPolicy == .shortLease) }
  }

  /// Why nothing is usable.
  func denial(now: Timestamp) -> RelayDenial {
    if leases.contains(where: { $0.state == .paused }) { return .paused }
    if leases.contains(where: { $0.state == .shared }) { return .sharedNetwork }
    if leases.contains(where: { $0.state == .revoked && $0.expires > now }) { return .revoked }
    if leases.contains(where: { $0.state == .expired && now - $0.expires < .seconds(300) }) { return .justExpired }
    return .noLease
  }

  /// A lease never lasts longer than its lifetime from now: the clock may have been set back.
  private static func end(_ lease: Lease, _ now: Timestamp) -> Timestamp { min(lease.expires, now + lease.lifetime) }
}
