import Basics

/// One account's right to relay from one network, and what became of it.
package struct Lease: Hashable, Sendable {
  /// Where a lease came from.
  package enum Origin: String, Sendable {
    /// A POP or IMAP login.
    case login
    /// An administrator.
    case admin
  }

  /// What a lease is worth at a moment.
  package enum State: String, Sendable, CaseIterable {
    /// It lets its account relay.
    case live
    /// It does, for the shorter time of shared networks.
    case shared
    /// Too many failed logins from its network stop it for now.
    case paused
    /// Its time is over.
    case expired
    /// It was taken back.
    case revoked
  }

  /// Opaque name, for the trace header; a lease opened anew gets a new one.
  package var id: String
  /// The network it holds for.
  package var net: IPNetwork
  /// The account it belongs to.
  package var accountID: Int64
  /// The account's address.
  package var account: String
  /// Protocol of the last login: `pop` or `imap`; `admin` when there was none.
  package var proto: String
  /// Whether the last login was under TLS.
  package var tls: Bool
  /// First login of this lease.
  package var firstSeen: Timestamp
  /// Latest login or renewal.
  package var lastSeen: Timestamp
  /// The first moment at which it is over.
  package var expires: Timestamp
  /// How long each login keeps it open.
  package var lifetime: Duration
  /// Logins so far.
  package var logins: Int
  /// Messages relayed under it.
  package var messages: Int
  /// Recipients relayed to under it.
  package var recipients: Int
  /// Name of the host that wrote it.
  package var node: String
  /// Where it came from.
  package var origin: Origin
  /// When it was taken back.
  package var revokedAt: Timestamp?
  /// Why it was taken back.
  package var revokedWhy: String?
  /// Its worth when it was read.
  package var state: State = .live
}

/// What `openLease` did.
package enum LeaseOutcome: Hashable, Sendable {
  /// A lease begins.
  case opened(id: String)
  /// A running lease starts its time anew.
  case refreshed(id: String)
  /// Nothing was recorded, with the reason: an address that names no client, a flag, or a setting.
  case notRecorded(reason: String)
}
