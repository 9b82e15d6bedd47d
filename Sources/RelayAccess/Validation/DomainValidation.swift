import Basics
import MailSyntax

/// Whether a hosted domain's owner has shown that it is theirs, as `domain verify status` shows it.
package struct DomainValidation: Hashable, Sendable {
  /// How far it has come.
  package enum State: String, Sendable, CaseIterable {
    /// The token was given out; no proof was seen yet.
    case pending
    /// A proof was seen, and not missed for longer than the grace time.
    case verified
    /// The proof was missing for longer than the grace time.
    case lapsed
    /// An administrator's word: no proof counts.
    case blocked
  }

  /// What showed the ownership.
  package enum Proof: String, Sendable {
    /// The TXT record with the token.
    case txt
    /// An MX record that names this host.
    case mx
  }

  /// The domain, alias domains included.
  package let domain: MailDomain
  /// How far it has come.
  package let state: State
  /// The value the TXT record must have.
  package let token: String
  /// The last proof that was seen.
  package let proof: Proof?
  /// When the token was given out.
  package let started: Timestamp
  /// The last look at the DNS.
  package let checked: Timestamp?
  /// The last time a proof was seen.
  package let proven: Timestamp?
  /// What the last look found, in words.
  package let finding: String

  /// The name of the TXT record, `_martinet.example.com`.
  package var recordName: String { "_martinet.\(domain.ascii)" }

  /// The line for a zone file: `_martinet.example.com. IN TXT "TOKEN"`.
  package var record: String { "\(recordName). IN TXT \"\(token)\"" }

  /// When a verified domain lapses unless a proof is seen before.
  ///
  /// - Parameter grace: `ValidationSettings.grace`.
  package func lapses(grace: Duration) -> Timestamp? {
    guard state == .verified, let proven, let checked, checked > proven else { return nil }
    return proven + grace
  }
}

/// Why mail to a domain counts as validated.
package enum DestinationStanding: String, Sendable, CaseIterable {
  /// Hosted here and verified.
  case verified
  /// On the administrator's list of well-known destinations.
  case wellKnown = "well-known"
  /// It has taken enough of our mail, for long enough.
  case earned
}
