import Basics
import Logging
import MailQueue
import MailSyntax
import SMTPClient
import Synchronization

@testable import Accounts
@testable import Delivery
@testable import MailStore

#if canImport(Glibc)
  import Glibc
#endif

/// Accounts and aliases in tables.
final class FakeDirectory: RecipientDirectory {
  struct Failure: Error {}
  private struct State {
    var hosted: Set<String> = ["example.test"]
    var matches: [String: RecipientMatch] = [:]
    var nextID: Int64 = 1
    var fails = false
  }
  private let state = Mutex(State())

  func host(_ domain: String) { state.withLock { _ = $0.hosted.insert(domain) } }
  func fail(_ fails: Bool) { state.withLock { $0.fails = fails } }
  func set(_ address: String, _ match: RecipientMatch) { state.withLock { $0.matches[address] = match } }

  @discardableResult
  func mailbox(_ address: String, suspended: Bool = false) throws -> Account {
    let parsed = try EmailAddress(address)
    let id = state.withLock { state in
      state.nextID += 1
      return state.nextID
    }
    let account = Account(
      id: id, address: parsed, domainID: 1, directory: "\(parsed.domain.ascii)/\(parsed.localPart)", quota: Quota(),
      quotaIsOwn: false, denied: [], deniedByItself: [], suspended: suspended, suspendedByItself: suspended,
      offer: OfferFeatures(), passwordChangedAt: Timestamp(seconds: 0), createdAt: Timestamp(seconds: 0), comment: "",
      hasSCRAMKeys: false, hasAPOPSecret: false)
    set(address, suspended ? .suspended(account) : .mailbox(account))
    return account
  }

  func alias(_ address: String, _ targets: String...) throws {
    set(address, .forward(try targets.map { try EmailAddress($0) }, alias: try EmailAddress(address)))
  }

  func match(recipient: EmailAddress) async throws -> RecipientMatch {
    try state.withLock { state in
      if state.fails { throw Failure() }
      if let match = state.matches[recipient.key] { return match }
      return state.hosted.contains(recipient.domain.ascii) ? .noMailbox : .notHosted
    }
  }

  func isHosted(_ domain: MailDomain) async throws -> Bool {
    try state.withLock { state in
      if state.fails { throw Failure() }
      return state.hosted.contains(domain.ascii)
    }
  }
}

/// Mailboxes in memory.
final class FakeStore: LocalMailboxes {
  private struct State {
    var mail: [String: [String]] = [:]
    var errors: [String: StoreError] = [:]
    var room: [String: Int] = [:]
  }
  private let state = Mutex(State())

  func mail(_ account: String) -> [String] { state.withLock { $0.mail[account] ?? [] } }
  func fail(_ account: String, _ error: StoreError?) { state.withLock { $0.errors[account] = error } }
  func setRoom(_ account: String, _ bytes: Int) { state.withLock { $0.room[account] = bytes } }

  func deliver(
    _ content: MessageContent, prefix: [UInt8], to account: MailAccount, folder: MailboxName, flags: MessageFlags,
    internalDate: Timestamp?
  ) async throws -> DeliveredMessage {
    let text = String(decoding: prefix + readAll(content), as: UTF8.self)
    try state.withLock { state in
      if let error = state.errors[account.key] { throw error }
      if let room = state.room[account.key], text.utf8.count > room { throw StoreError(.overQuota, "full") }
      state.mail[account.key, default: []].append(text)
    }
    return DeliveredMessage(account: account.key, folder: folder, fileName: "x", size: text.utf8.count)
  }

  func fits(_ account: MailAccount, bytes: Int) async throws -> Bool {
    state.withLock { ($0.room[account.key] ?? .max) >= bytes }
  }
}

/// Other servers as a script says they are.
final class FakeTransport: MailTransport {
  /// What a server does.
  struct Server: Sendable {
    /// Refuses the connection.
    var isDown = false
    /// Fails the handshake when TLS is wanted.
    var breaksTLS = false
    /// The reply to each RCPT by address; others get 250.
    var replies: [String: [RemoteReply]] = [:]
    /// Recipients taken in one transaction; more get 452.
    var recipientLimit = Int.max
    /// What it announces.
    var extensions = RemoteExtensions()
    /// How long a connection takes until it fails.
    var isStalling = false
  }
  struct Sent: Sendable, Equatable {
    var host: String
    var address: String
    var sender: String
    var recipients: [String]
    var text: String
    var session: Int
    var isBinary = false
    var is8Bit = false
    var requiresTLS = false
  }
  struct State {
    var servers: [String: Server] = [:]
    var sent: [Sent] = []
    var tried: [String] = []
    var sessions = 0
  }
  let state = Mutex(State())

  func set(_ address: String, _ server: Server) { state.withLock { $0.servers[address] = server } }
  var sent: [Sent] { state.withLock { $0.sent } }
  var tried: [String] { state.withLock { $0.tried } }
  var sessions: Int { state.withLock { $0.sessions } }

  func session(with endpoint: SMTPEndpoint) async throws(SMTPFailure) -> any MailSession {
    let address = "\(endpoint.address)"
    let server = state.withLock { state in
      state.tried.append("\(endpoint.host) \(address) \(endpoint.tls.rawValue)")
      return state.servers[address]
    }
    guard let server, !server.isDown else {
      throw SMTPFailure(
        cause: .noConnection, stage: .connect, host: endpoint.host, address: endpoint.address, status: "4.4.1")
    }
    if server.isStalling {
      try? await Task.sleep(for: .seconds(3))
      throw SMTPFailure(
        cause: .noConnection, stage: .connect, host: endpoint.host, address: endpoint.address, status: "4.4.1")
    }
    if server.breaksTLS, endpoint.tls != .off {
      throw SMTPFailure(
        cause: .tls, stage: .handshake, host: endpoint.host, address: endpoint.address,
        detail: "error:00000000:lib(0):func(0):reason(0)", status: "4.7.5")
    }
    let number = state.withLock { state in
      state.sessions += 1
      return state.sessions
    }
    return FakeSession(transport: self, endpoint: endpoint, number: number)
  }
}

final class FakeSession: MailSession {
  let transport: FakeTransport
  let endpoint: SMTPEndpoint
  let number: Int
  private let open = Mutex(true)

  init(transport: FakeTransport, endpoint: SMTPEndpoint, number: Int) {
    self.transport = transport
    self.endpoint = endpoint
    self.number = number
  }

  var extensions: RemoteExtensions {
    transport.state.withLock { $0.servers["\(endpoint.address)"]?.extensions ?? RemoteExtensions() }
  }
  var tls: String? { endpoint.tls == .required || endpoint.tls == .implicit ? "TLSv1.3" : nil }
  var isReusable: Bool { open.withLock { $0 } }
  func quit() async { close() }
  func close() { open.withLock { $0 = false } }

  func send(_ message: OutgoingMessage) async -> TransactionResult {
    let text = String(decoding: message.prefix + readAll(message.content), as: UTF8.self)
    let outcomes = transport.state.withLock { state -> [RecipientOutcome] in
      var taken = 0
      let limit = state.servers["\(endpoint.address)"]?.recipientLimit ?? .max
      let outcomes = message.recipients.map { recipient -> RecipientOutcome in
        var reply = RemoteReply(code: 250, enhanced: "2.1.5", lines: ["2.1.5 Ok"])
        var waiting = state.servers["\(endpoint.address)"]?.replies[recipient.address] ?? []
        if !waiting.isEmpty {
          reply = waiting.removeFirst()
          state.servers["\(endpoint.address)"]?.replies[recipient.address] = waiting
        } else if taken >= limit {
          reply = RemoteReply(code: 452, enhanced: "4.5.3", lines: ["4.5.3 too many recipients"])
        }
        guard !reply.isPositive else {
          taken += 1
          return RecipientOutcome(address: recipient.address, result: .success(reply))
        }
        return RecipientOutcome(
          address: recipient.address,
          result: .failure(
            SMTPFailure(
              cause: .refused, stage: .recipient, host: endpoint.host, address: endpoint.address,
              command: "RCPT TO:<\(recipient.address)>", reply: reply, isPermanent: reply.isPermanent,
              status: reply.enhanced ?? "5.0.0")))
      }
      let delivered = outcomes.filter(\.isDelivered).map(\.address)
      if !delivered.isEmpty {
        state.sent.append(
          FakeTransport.Sent(
            host: endpoint.host, address: "\(endpoint.address)", sender: message.sender, recipients: delivered,
            text: text, session: number, isBinary: message.isBinary, is8Bit: message.is8Bit,
            requiresTLS: message.requiresTLS))
      }
      return outcomes
    }
    return TransactionResult(recipients: outcomes)
  }
}

/// All octets of a content.
func readAll(_ content: MessageContent) -> [UInt8] { HeaderScan.head(content, limit: .max) ?? [] }
