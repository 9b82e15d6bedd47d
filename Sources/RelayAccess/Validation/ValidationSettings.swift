/// When a domain counts as validated, and whose mail is counted when it is not (`limits`, R4).
package struct ValidationSettings: Sendable {
  /// Whose messages fall under `unvalidatedPerMinute`.
  package enum Scope: String, Sendable, CaseIterable {
    /// Those of our own clients, by AUTH or a lease: what leaves in our name.
    case clients
    /// Also what other servers bring for our mailboxes, by their sender's domain.
    case all
  }

  /// Whose messages are counted.
  package var scope: Scope = .clients
  /// Our names: an MX that points at one of them shows ownership; lower case.
  package var ownNames: Set<String> = []
  /// How often a domain that was verified once is looked at again.
  package var recheckInterval: Duration = .seconds(86_400)
  /// How often one that still waits for its proof is looked at.
  package var pendingInterval: Duration = .seconds(3600)
  /// How long a proof may be missing before the domain lapses.
  package var grace: Duration = .seconds(7 * 86_400)
  /// Domains looked at in one round, so that a round stays short.
  package var recheckBatch = 200
  /// Destinations everybody writes to; lower case, A-labels.
  package var wellKnown: Set<String> = WellKnownDestinations.all
  /// Accepted deliveries by which a destination earns its standing.
  package var earnedDeliveries = 20
  /// The least time between the first and the last of them.
  package var earnedTime: Duration = .seconds(3 * 86_400)
  /// Share of hard failures, in percent, from which a destination earns nothing.
  package var earnedFailures = 5
  /// Outcomes above which a destination's record is halved, so that the present counts more than the past.
  package var recordedOutcomes = 2000
  /// How long a destination that gets no mail is remembered.
  package var recordRetention: Duration = .seconds(90 * 86_400)
  /// Destinations whose outcomes wait in memory to be written.
  package var pendingOutcomes = 10_000

  /// The defaults.
  package init() {}
}

/// The providers people have their mail with: the first filling of the administrator's list.
package enum WellKnownDestinations {
  /// Their domains.
  package static let all: Set<String> = [
    "gmail.com", "googlemail.com", "outlook.com", "outlook.fr", "hotmail.com", "hotmail.fr", "live.com", "live.fr",
    "msn.com", "yahoo.com", "yahoo.fr", "ymail.com", "aol.com", "icloud.com", "me.com", "mac.com", "orange.fr",
    "wanadoo.fr", "free.fr", "sfr.fr", "neuf.fr", "bbox.fr", "laposte.net", "gmx.com", "gmx.de", "gmx.net", "gmx.fr",
    "web.de", "t-online.de", "mail.com", "zoho.com", "proton.me", "protonmail.com",
  ]
}
