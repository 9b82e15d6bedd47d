import Basics
import MailSyntax
import RelayAccess
import Synchronization
import Wire

@testable import SMTPServer

/// Rights by a table: alice and carol have passwords, addresses on the lease list may relay as alice.
final class TestRights: SendingRights {
  struct State: Sendable {
    var leases: Set<IPAddress> = []
    var isSilent = false
    var silence: Duration = .seconds(1)
    var isBlacklisted = false
    var verdict: RateVerdict = .accepted
    var recipientVerdict: RateVerdict = .accepted
    var strikes: [StrikeCause] = []
    var failures = 0
    var isTrusted = false
    /// Domains that count as not validated, and what counting answers.
    var unvalidated: Set<String> = []
    var unvalidatedVerdict = UnvalidatedVerdict.counted
    var counted: [String] = []
  }
  let state = Mutex(State())
  static let alice = Sender(id: 1, login: "alice@example.test")

  func change(_ body: (inout sending State) -> Void) { state.withLock { body(&$0) } }

  func greeting(for peer: IPAddress) async -> Greeting {
    state.withLock { $0.isSilent ? .silence($0.silence, seat: 0) : .welcome }
  }

  func turningAway(_ peer: IPAddress) async -> Greeting { state.withLock { .silence($0.silence, seat: 0) } }
  func isTrusted(_ peer: IPAddress) -> Bool { state.withLock { $0.isTrusted } }

  func isBlacklisted(_ peer: IPAddress) -> Bool { state.withLock { $0.isBlacklisted } }

  func verifier(for peer: IPAddress) -> SenderVerifier {
    SenderVerifier(TableVerifier()) { $0 }
  }

  func loginFailed(_ peer: IPAddress) async { state.withLock { $0.failures += 1 } }

  func hasLease(peer: IPAddress, listener: String) async throws -> Bool {
    state.withLock { $0.leases.contains(peer) }
  }

  func mayBear(_ address: EmailAddress, sender: Sender, right: RelayRight) async throws -> Bool {
    address.key == sender.login || (sender.login == "alice@example.test" && address.key == "sales@example.test")
  }

  func isHosted(_ domain: MailDomain) async throws -> Bool { domain.ascii == "example.test" }

  func mayRelay(_ question: RelayQuestion) async throws -> RelayAnswer {
    if let sender = question.authenticated { return .allow(sender, .auth) }
    guard !question.authFailed, state.withLock({ $0.leases.contains(question.peer) }) else {
      return .deny(
        SMTPReply(
          553, "5.7.1", "Sorry, that domain isn't allowed to be relayed thru this MTA (#5.7.1)",
          "[\(question.peer)]: log in by POP or IMAP from here, or by SMTP AUTH"))
    }
    guard question.sender?.key == "alice@example.test" || question.sender == nil else {
      return .deny(SMTPReply(553, "5.7.1", "<\(question.sender.map { "\($0)" } ?? "")>: not owned by user"))
    }
    return .allow(Self.alice, .openSMTP(leaseID: "L1"))
  }

  func countMail(peer: IPAddress, sender: Sender?) async throws -> RateVerdict { state.withLock { $0.verdict } }

  func countRecipient(peer: IPAddress, sender: Sender?) async throws -> RateVerdict {
    state.withLock { $0.recipientVerdict }
  }

  func countUnvalidated(
    _ side: MessageSide, peer: IPAddress, sender: Sender?
  ) async throws -> UnvalidatedVerdict {
    guard sender != nil else { return .notCounted }
    let domain =
      switch side {
      case .sender(let address): address?.domain.ascii ?? ""
      case .recipient(let domain): domain.ascii
      }
    return state.withLock { state in
      guard state.unvalidated.contains(domain) else { return .notCounted }
      state.counted.append(domain)
      return state.unvalidatedVerdict
    }
  }

  func strike(_ cause: StrikeCause, peer: IPAddress) async { state.withLock { $0.strikes.append(cause) } }
}

/// Knows two passwords.
struct TableVerifier: CredentialVerifier {
  private static let table: [String: (Int64, String)] = [
    "alice@example.test": (1, "secret"), "carol@example.test": (3, "hunter2"),
  ]

  func verify(login: String, authorizationID: String?, password: [UInt8]) async throws -> Sender {
    let key = login.lowercased().replacing("%", with: "@")
    if key == "denied@example.test" { throw LoginRefusal.serviceDenied(text: "sending is switched off") }
    if key == "busy@example.test" { throw LoginRefusal.busy }
    guard let (id, known) = Self.table[key], Array(known.utf8) == password else { throw LoginRefusal.badCredentials }
    return Sender(id: id, login: key)
  }

  func scramKeys(login: String) async throws -> SCRAMKeys {
    let password = Self.table[login.lowercased()]?.1 ?? "nobody"
    return try SCRAMKeys.derive(password: Array(password.utf8), salt: Array("0123456789abcdef".utf8))
  }

  func completeSCRAM(login: String, authorizationID: String?) async throws -> Sender {
    guard let (id, _) = Self.table[login.lowercased()] else { throw LoginRefusal.badCredentials }
    return Sender(id: id, login: login.lowercased())
  }
}
