import Accounts
import Basics
import MailSyntax
import RelayAccess
import Wire

/// Who sends, as far as a session has to know it.
package struct Sender: Sendable, Hashable {
  /// The account's row.
  package let id: Int64
  /// `user@domain`, folded.
  package let login: String
  /// The account as it was at login, for the rooms that ask for one.
  package let account: Account?

  /// Makes a sender without an account behind it, for tests.
  package init(id: Int64, login: String) {
    self.id = id
    self.login = login
    account = nil
  }

  /// Makes a sender of an account.
  package init(_ account: Account) {
    id = account.id
    login = account.key
    self.account = account
  }
}

/// How a client's connection is met (R9).
package enum Greeting: Sendable {
  /// With a 220.
  case welcome
  /// With silence: the connection is held as long as given, and not one octet is sent; the seat is let go at its end.
  case silence(Duration, seat: any Sendable)
  /// With an immediate close.
  case close
  /// With this reply and a close.
  case refuse(SMTPReply)
}

/// The answer to a recipient in a foreign domain.
package enum RelayAnswer: Sendable {
  /// Allowed, at this account's charge.
  case allow(Sender, RelayRight)
  /// Refused, with the reply to give; a 421 ends the session.
  case deny(SMTPReply)
}

/// What is asked before mail to a foreign domain is taken.
package struct RelayQuestion: Sendable {
  /// The client.
  package var peer: IPAddress
  /// The listener's name.
  package var listener: String
  /// The reverse path; `nil` for `<>`.
  package var sender: EmailAddress?
  /// Who logged in.
  package var authenticated: Sender?
  /// Whether a login failed in this session and none succeeded, so that no lease may stand in for it.
  package var authFailed: Bool
  /// Recipients of this transaction that were allowed before.
  package var earlierRecipients: Int
}

/// The side of a message whose domain may lack validation (R4).
package enum MessageSide: Sendable {
  /// The reverse path; `nil` for `<>`.
  case sender(EmailAddress?)
  /// A recipient's domain.
  case recipient(MailDomain)
}

/// What came of counting a message as unvalidated.
package enum UnvalidatedVerdict: Sendable, Equatable {
  /// The side is validated, or such mail is not counted for this client.
  case notCounted
  /// It was counted: the transaction need not be counted again.
  case counted
  /// It crosses the limit.
  case refused(SMTPReply)
  /// The client is blacklisted.
  case blacklisted
}

/// What a session asks about rights: `Accounts` and `RelayAccess` behind one seam, so that it can be tested without them.
package protocol SendingRights: Sendable {
  /// Asked before the greeting.
  func greeting(for peer: IPAddress) async -> Greeting
  /// How a client is met that the listener does not serve (R1).
  func turningAway(_ peer: IPAddress) async -> Greeting
  /// Whether blocklists need not be asked about the client: an exempt, private or loopback network.
  func isTrusted(_ peer: IPAddress) -> Bool
  /// Whether the client has been blacklisted since; asked before every command, so it must be cheap.
  func isBlacklisted(_ peer: IPAddress) -> Bool
  /// Checks passwords for AUTH.
  func verifier(for peer: IPAddress) -> SenderVerifier
  /// Notes a wrong password: enough of them pause the network's leases.
  func loginFailed(_ peer: IPAddress) async
  /// Whether a client that has not logged in has a live lease on this listener.
  func hasLease(peer: IPAddress, listener: String) async throws -> Bool
  /// Whether an account may bear an address as its sender under the given right (R23).
  func mayBear(_ address: EmailAddress, sender: Sender, right: RelayRight) async throws -> Bool
  /// Whether a domain is hosted here; it needs no DNS then.
  func isHosted(_ domain: MailDomain) async throws -> Bool
  /// Whether the client may send to a foreign domain.
  func mayRelay(_ question: RelayQuestion) async throws -> RelayAnswer
  /// Counts a MAIL against the rates (R3).
  func countMail(peer: IPAddress, sender: Sender?) async throws -> RateVerdict
  /// Counts a RCPT against the rates, where recipients are counted.
  func countRecipient(peer: IPAddress, sender: Sender?) async throws -> RateVerdict
  /// Counts a message against the smaller rate when a side of it is not validated (R4).
  ///
  /// - Parameter sender: the client by AUTH or lease; `nil` for strangers.
  func countUnvalidated(_ side: MessageSide, peer: IPAddress, sender: Sender?) async throws -> UnvalidatedVerdict
  /// Notes an overrun that is refused by itself, but not for ever.
  func strike(_ cause: StrikeCause, peer: IPAddress) async
}

/// A credential verifier without the type of what is behind it.
package struct SenderVerifier: CredentialVerifier {
  private let check: @Sendable (String, String?, [UInt8]) async throws -> Sender
  private let keys: @Sendable (String) async throws -> SCRAMKeys
  private let complete: @Sendable (String, String?) async throws -> Sender

  /// Wraps a verifier; `sender` picks what the session needs of its identity.
  package init<Verifier: CredentialVerifier>(
    _ verifier: Verifier, sender: @escaping @Sendable (Verifier.Identity) -> Sender
  ) {
    check = { sender(try await verifier.verify(login: $0, authorizationID: $1, password: $2)) }
    keys = { try await verifier.scramKeys(login: $0) }
    complete = { sender(try await verifier.completeSCRAM(login: $0, authorizationID: $1)) }
  }

  /// Checks a password; throws `LoginRefusal`.
  package func verify(login: String, authorizationID: String?, password: [UInt8]) async throws -> Sender {
    try await check(login, authorizationID, password)
  }
  /// The SCRAM keys of a login.
  package func scramKeys(login: String) async throws -> SCRAMKeys { try await keys(login) }
  /// Turns a proven login into an identity.
  package func completeSCRAM(login: String, authorizationID: String?) async throws -> Sender {
    try await complete(login, authorizationID)
  }
}
