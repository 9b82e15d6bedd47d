import Accounts
import Basics
import MailSyntax

/// By what right an account relays.
package enum RelayRight: Hashable, Sendable {
  /// It logged in by SMTP AUTH.
  case auth
  /// A POP or IMAP login opened SMTP for its network; the lease's id goes into the trace header.
  case openSMTP(leaseID: String)

  /// The value of `X-Martinet-Auth:` that names the lease and nobody's address; `nil` after AUTH.
  package var traceHeader: String? {
    if case .openSMTP(let id) = self { return "open-smtp; id=\(id)" }
    return nil
  }
}

/// Why a recipient elsewhere is refused.
package enum RelayDenial: String, Hashable, Sendable, CaseIterable {
  /// Nobody has a lease from there.
  case noLease = "no-lease"
  /// A lease from there ended less than five minutes ago.
  case justExpired = "just-expired"
  /// A lease from there was taken back.
  case revoked
  /// Too many failed logins from there.
  case paused
  /// Too many accounts share the network: AUTH only.
  case sharedNetwork = "shared-network"
  /// AUTH failed in this session, so no lease counts in it.
  case authFailed = "auth-failed"
  /// Leases do not count on this listener.
  case listener
  /// OPEN-SMTP is off.
  case disabled
  /// The sender belongs to no account with a right to send.
  case senderNotOwned = "sender-not-owned"
  /// The null sender gets one recipient under a lease.
  case nullSenderRecipients = "null-sender-recipients"
  /// The account may not send.
  case accountDenied = "account-denied"
  /// An overrun stopped the account.
  case accountStopped = "account-stopped"
  /// The rate of a lease is used up.
  case rate
  /// The client is blacklisted: the session ends.
  case blacklisted
}

/// Whether a client may send to a recipient elsewhere.
package enum RelayDecision: Sendable {
  /// It may, on this account's charge.
  case allow(Account, via: RelayRight)
  /// It may not; the reply says why and what to do.
  case deny(RelayDenial, SMTPReply)
}

/// The texts of refusals (rows 23 and 41).
struct RelayTexts: Sendable {
  let settings: RelaySettings

  /// Row 41 and, on its second line, the address seen and both ways to get the right.
  func notRelayed(peer: IPAddress, hint: String?) -> SMTPReply {
    var second = "[\(peer)]: \(hint ?? "log in by POP or IMAP from here, or by SMTP AUTH")"
    if let page = settings.openSMTP.helpURL { second += "; see \(page)" }
    return SMTPReply(
      553, "5.7.1", "Sorry, that domain isn't allowed to be relayed thru this MTA (#5.7.1)", second)
  }

  /// Row 23.
  func notOwned(sender: EmailAddress?, user: String?) -> SMTPReply {
    let address = sender.map { "<\($0)>" } ?? "<>"
    let owner = user.map { "user \($0)" } ?? "user with a POP or IMAP login from your address"
    return SMTPReply(553, "5.7.1", "\(address): Sender address rejected: not owned by \(owner)")
  }

  /// The hour of an offer that is used up.
  func hour(_ limit: Int, offer: String, wait: Duration) -> SMTPReply {
    let minutes = max(1, (wait.wholeMilliseconds + 59_999) / 60_000)
    return SMTPReply(
      450, "4.7.1", "hourly limit of offer \(offer) reached (\(limit) messages per hour), try again in \(minutes) min")
  }

  /// A rate that is used up.
  func rate(_ limit: Int, _ unit: String = "per minute") -> SMTPReply {
    SMTPReply(450, "4.7.1", "rate limit exceeded (\(limit) \(unit))")
  }
}
