import Basics

/// A network whose SMTP connections get no answer.
package struct BlacklistEntry: Hashable, Sendable {
  /// What put it there.
  package enum Cause: String, Sendable {
    /// Too many messages in a minute (R7).
    case rate
    /// Too many oversized or over-addressed messages.
    case strikes
    /// Several of its accounts overran their limits.
    case accounts
    /// An administrator.
    case admin
  }

  /// The network.
  package let net: IPNetwork
  /// Since when.
  package let created: Timestamp
  /// Until when; `nil` until it is lifted.
  package let expires: Timestamp?
  /// What put it there.
  package let cause: Cause
  /// The words of the limit, or of the administrator.
  package let reason: String
  /// The how-manieth time: decides the term.
  package let level: Int
  /// The counters at that moment, as `messages 101 in 60 s`.
  package let counters: String
  /// The host that wrote it.
  package let node: String
}

/// A blacklisting that is over.
package struct BlacklistHistory: Hashable, Sendable {
  /// What it was.
  package let entry: BlacklistEntry
  /// When it ended.
  package let ended: Timestamp
  /// How: `expired`, `lifted` or `replaced`.
  package let how: String
}

/// A network that is not blacklisted for a time, whatever it does.
package struct BlacklistExemption: Hashable, Sendable {
  /// The network.
  package let net: IPNetwork
  /// Until when.
  package let until: Timestamp
  /// The administrator's words.
  package let note: String
}

/// All that is known about an address's standing.
package struct BlacklistExplanation: Sendable {
  /// The network that stands for the address.
  package let net: IPNetwork
  /// The entry that holds for it.
  package let entry: BlacklistEntry?
  /// Whether rates and the blacklist apply to it at all.
  package let isLimited: Bool
  /// An exemption in force.
  package let exemption: BlacklistExemption?
  /// What was counted, by kind: `messages` in the last minute, `strikes` ….
  package let counters: [String: Int]
  /// Earlier blacklistings that count towards the next term.
  package let offences: Int
  /// How long the next blacklisting would last; `nil` until lifted.
  package let nextTerm: Duration?
  /// Until when failed logins pause its leases.
  package let leasesPausedUntil: Timestamp?
  /// Earlier blacklistings, latest first.
  package let history: [BlacklistHistory]
}
