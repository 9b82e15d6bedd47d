import Accounts
import Basics
import Logging
import MailSyntax
import RelayAccess
import Wire

/// The rights of a real host: its accounts, leases, rates and blacklist.
package struct HostRights: SendingRights {
  private let accounts: Accounts
  private let relay: RelayAccess
  private let log: Logger

  /// Puts both rooms behind the seam.
  package init(accounts: Accounts, relay: RelayAccess, log: Logger) {
    self.accounts = accounts
    self.relay = relay
    self.log = log
  }

  /// Asks the blacklist.
  package func greeting(for peer: IPAddress) async -> Greeting {
    Self.greeting(await relay.admitConnection(peer: peer))
  }

  /// Treats it as blacklisted.
  package func turningAway(_ peer: IPAddress) async -> Greeting { Self.greeting(relay.turnAwayStranger(peer)) }

  /// Asks who is limited.
  package func isTrusted(_ peer: IPAddress) -> Bool { !relay.isLimited(peer) }

  private static func greeting(_ admission: Admission) -> Greeting {
    switch admission {
    case .serve: .welcome
    case .silence(let seat, for: let duration): .silence(duration, seat: seat)
    case .close: .close
    case .reply(let reply): .refuse(reply)
    }
  }

  /// Asks the blacklist as last read.
  package func isBlacklisted(_ peer: IPAddress) -> Bool { relay.isBlacklisted(peer) }

  /// Checks logins for sending.
  package func verifier(for peer: IPAddress) -> SenderVerifier {
    SenderVerifier(accounts.verifier(service: .smtp, peer: peer)) { Sender($0) }
  }

  /// Tells the leases.
  package func loginFailed(_ peer: IPAddress) async {
    do {
      try await relay.loginFailed(peer: peer)
    } catch {
      log.error("a failed login could not be noted", metadata: ["error": "\(error)"])
    }
  }

  /// Asks the leases.
  package func hasLease(peer: IPAddress, listener: String) async throws -> Bool {
    try await relay.hasLease(peer: peer, listener: listener)
  }

  /// Asks by the policy of the right.
  package func mayBear(_ address: EmailAddress, sender: Sender, right: RelayRight) async throws -> Bool {
    guard let account = sender.account else { return false }
    guard right == .auth else { return try await relay.mayBearFrom([address], account: account) }
    return switch relay.settings.openSMTP.authSenderPolicy {
    case .owned: try await accounts.owns(account, address: address)
    case .hostedDomain: try await accounts.isHosted(address.domain)
    case .any: true
    }
  }

  /// Asks the accounts.
  package func isHosted(_ domain: MailDomain) async throws -> Bool { try await accounts.isHosted(domain) }

  /// Asks for the right, and charges it.
  package func mayRelay(_ question: RelayQuestion) async throws -> RelayAnswer {
    let decision = try await relay.mayRelay(
      peer: question.peer, sender: question.sender, listener: question.listener,
      authenticated: question.authenticated?.account, authFailed: question.authFailed,
      earlierRecipients: question.earlierRecipients)
    switch decision {
    case .allow(let account, via: let right): return .allow(Sender(account), right)
    case .deny(_, let reply): return .deny(reply)
    }
  }

  /// Counts a message.
  package func countMail(peer: IPAddress, sender: Sender?) async throws -> RateVerdict {
    try await relay.chargeMessage(peer: peer, account: sender?.account)
  }

  /// Counts a recipient.
  package func countRecipient(peer: IPAddress, sender: Sender?) async throws -> RateVerdict {
    try await relay.chargeRecipient(peer: peer, account: sender?.account)
  }

  /// Counts a message whose sender or recipient is not validated.
  package func countUnvalidated(
    _ side: MessageSide, peer: IPAddress, sender: Sender?
  ) async throws -> UnvalidatedVerdict {
    guard sender != nil || relay.settings.validation.scope == .all else { return .notCounted }
    let isValidated =
      switch side {
      case .sender(let address):
        // A stranger's domain is not ours to verify: it may be well known or have earned its standing.
        if sender == nil, let address {
          try await relay.standing(of: address.domain) != nil
        } else {
          try await relay.isValidated(sender: address)
        }
      case .recipient(let domain): try await relay.standing(of: domain) != nil
      }
    guard !isValidated else { return .notCounted }
    return switch try await relay.chargeUnvalidated(peer: peer, account: sender?.account) {
    case .accepted: .counted
    case .refused(let reply): .refused(reply)
    case .blacklisted: .blacklisted
    }
  }

  /// Notes an overrun.
  package func strike(_ cause: StrikeCause, peer: IPAddress) async {
    do {
      try await relay.strike(peer: peer, cause: cause)
    } catch {
      log.error("a strike could not be noted", metadata: ["error": "\(error)"])
    }
  }
}
