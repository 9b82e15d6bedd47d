import Basics
import Logging
import MailLog
import MailQueue
import MailSyntax
import SMTPClient

/// What one attempt made of one recipient.
struct AttemptOutcome: Sendable {
  var recipient: QueuedRecipient
  /// `nil`: delivered.
  var failure: AttemptText?
  /// The reply that took it.
  var reply = ""
  /// The host that took it.
  var remote = ""
  /// How the session was encrypted, as `TLSv1.3, dane`; empty in clear.
  var protection = ""
  /// Whether the duty to report success went with it.
  var passedDSN = false
}

/// Connects to a destination and sends messages over the session as long as it lasts.
///
/// Used by one worker at a time; the session is kept between messages of the same destination.
final class RemoteSender {
  /// How the connection to the destination fared, for its concurrency.
  enum Contact: Sendable {
    case made, failed, notTried
    /// It was there, and asked for less.
    case paced
  }

  private let finder: RouteFinder
  private let transport: any MailTransport
  private let shaper: MessageShaper
  private let pacer: ConnectionPacer
  private let time: any TimeSource
  private let live: LiveSettings
  private var settings: DeliverySettings { live.value }
  private let journal: MailLog?
  private let log: Logger
  private var session: (any MailSession)?
  private var endpoint: SMTPEndpoint?
  private var identity: SendingIdentity?
  /// Whether the session was opened for a message that waives what the destination publishes.
  private var isLax = false
  private var lane = ""
  private var sent = 0

  init(
    finder: RouteFinder, transport: any MailTransport, shaper: MessageShaper, pacer: ConnectionPacer,
    time: any TimeSource, live: LiveSettings,
    journal: MailLog?, log: Logger
  ) {
    self.finder = finder
    self.transport = transport
    self.shaper = shaper
    self.pacer = pacer
    self.time = time
    self.live = live
    self.journal = journal
    self.log = log
  }

  /// Makes one attempt for one claim.
  func send(_ claim: QueueClaim, content: MessageContent) async -> ([AttemptOutcome], Contact) {
    let message = claim.message
    do {
      guard let session = try await session(for: claim) else { return (all(claim, .noConnection), .failed) }
      let shaped: ShapedMessage
      do throws(AttemptText) {
        shaped = try await shaper.shape(message, content, for: session.extensions)
      } catch {
        return (all(claim, error), .made)
      }
      let outgoing = OutgoingMessage(
        sender: message.sender,
        recipients: message.recipients.map {
          OutgoingRecipient($0.address, notify: $0.notify, originalRecipient: $0.originalRecipient)
        }, content: shaped.content, is8Bit: shaped.is8Bit, isBinary: shaped.isBinary,
        needsUTF8: message.traits.contains(.utf8), requiresTLS: passesRequireTLS(message, session),
        ret: message.dsnReturn, envelopeID: message.envelopeID)
      let outcomes = await send(outgoing, over: session, message)
      sent += 1
      let most = min(settings.messagesPerConnection, session.extensions.mailLimit ?? .max)
      if !session.isReusable || sent >= most { await end() }
      return (outcomes, outcomes.contains { $0.failure?.slowsDown == true } ? .paced : .made)
    } catch let failure as RouteFailure {
      return (all(claim, failure.text), failure.contact)
    } catch {
      return (all(claim, .noConnection), .failed)
    }
  }

  /// Says goodbye to the server, if one is connected.
  func end() async {
    let old = session
    (session, sent) = (nil, 0)
    await old?.quit()
  }

  /// Cuts the connection.
  func cut() {
    session?.close()
    (session, sent) = (nil, 0)
  }

  // MARK: The transaction

  /// Sends, and offers again those whom the server put off for their number alone (RFC 5321 section 4.5.3.1.10).
  private func send(
    _ outgoing: OutgoingMessage, over session: any MailSession, _ message: QueuedMessage
  ) async -> [AttemptOutcome] {
    var outcomes: [AttemptOutcome] = []
    var rest = Array(zip(message.recipients, outgoing.recipients))
    while true {
      var part = outgoing
      part.recipients = rest.map(\.1)
      let result = await session.send(part)
      var later: [(QueuedRecipient, OutgoingRecipient)] = []
      var delivered = false
      for (pair, outcome) in zip(rest, result.recipients) {
        switch outcome.result {
        case .success(let reply):
          delivered = true
          outcomes.append(
            AttemptOutcome(
              recipient: pair.0, reply: "\(reply)", remote: endpoint?.host ?? "", protection: protection(session),
              passedDSN: result.passedDSN))
        case .failure(let failure):
          if Self.isTooMany(failure) { later.append(pair) }
          outcomes.append(AttemptOutcome(recipient: pair.0, failure: AttemptText(failure)))
        }
      }
      for pair in rest.dropFirst(result.recipients.count) {
        outcomes.append(AttemptOutcome(recipient: pair.0, failure: .noConnection))
      }
      guard delivered, !later.isEmpty, session.isReusable else { return outcomes }
      let numbers = Set(later.map(\.0.number))
      outcomes.removeAll { numbers.contains($0.recipient.number) }
      rest = later
    }
  }

  private static func isTooMany(_ failure: SMTPFailure) -> Bool {
    failure.stage == .recipient && failure.reply?.code == 452 && (failure.reply?.enhanced ?? "4.5.3") == "4.5.3"
  }

  private func all(_ claim: QueueClaim, _ text: AttemptText) -> [AttemptOutcome] {
    claim.message.recipients.map { AttemptOutcome(recipient: $0, failure: text) }
  }

  /// `TLSv1.3`, and `dane` or `verified` when the server is proven to be the one that is meant.
  private func protection(_ session: any MailSession) -> String {
    guard let tls = session.tls else { return "" }
    switch endpoint?.verification {
    case .dane(let policy) where policy.isAuthenticating: return "\(tls), dane"
    case .name: return "\(tls), verified"
    default: return tls
    }
  }

  /// Whether REQUIRETLS goes along.
  ///
  /// A report is not lost for it: it takes what road there is, and carries the demand
  /// where that can be met (RFC 8689 section 5).
  private func passesRequireTLS(_ message: QueuedMessage, _ session: any MailSession) -> Bool {
    message.traits.contains(.requireTLS) && (!message.sender.isEmpty || isSafe(session))
  }

  private func isSafe(_ session: any MailSession) -> Bool {
    session.tls != nil && endpoint?.verification.isAuthenticating == true && session.extensions.requireTLS
  }

  // MARK: The connection

  private struct RouteFailure: Error {
    var text: AttemptText
    var contact: Contact
  }

  private func session(for claim: QueueClaim) async throws -> (any MailSession)? {
    let message = claim.message
    let identity = identity(of: message.sender)
    let requireTLS = message.traits.contains(.requireTLS) && !message.sender.isEmpty
    let waivesTLS = message.traits.contains(.waivesTLS)
    if let session, session.isReusable, self.identity == identity, !requireTLS || isSafe(session), !isLax || waivesTLS {
      return session
    }
    await end()
    self.identity = identity
    isLax = waivesTLS
    lane = finder.key(claim.destination)
    switch try await finder.route(claim.destination, as: identity, requireTLS: requireTLS, waivesTLS: waivesTLS) {
    case .failure(let text): throw RouteFailure(text: text, contact: .notTried)
    case .endpoints(let endpoints): return try await connect(endpoints, message.id, requireTLS: requireTLS)
    }
  }

  /// Tries one address after the other; the failure that says most is the one that counts.
  private func connect(
    _ endpoints: [SMTPEndpoint], _ id: String, requireTLS: Bool
  ) async throws -> any MailSession {
    var worst: SMTPFailure?
    for endpoint in endpoints {
      let pause = pacer.reserve(lane, rate: settings.connectionRate, now: time.uptime)
      if pause > .zero { try await time.sleep(for: pause) }
      do throws(SMTPFailure) {
        let session = try await connect(endpoint, id)
        if requireTLS, !session.extensions.requireTLS {
          await session.quit()
          throw SMTPFailure(
            cause: .unsupported, stage: .hello, host: endpoint.host, address: endpoint.address,
            detail: "REQUIRETLS support required, and \(endpoint.host) does not offer it", isPermanent: true,
            status: "5.7.30")
        }
        self.session = session
        count(endpoint, session.tls == nil ? "clear" : protection(session).hasSuffix("dane") ? "dane" : "tls")
        return session
      } catch {
        count(endpoint, Self.cause(error))
        log.notice("no session", metadata: ["id": "\(id)", "host": "\(endpoint.host)", "cause": "\(error)"])
        // What a server said is worth more than a host that did not answer.
        if worst == nil || worst?.cause == .noConnection || error.cause != .noConnection { worst = error }
        let isFinal = error.stage == .hello || error.stage == .authentication
        if isFinal, error.isPermanent, error.cause != .unsupported { break }
      }
      try Task.checkCancellation()
    }
    guard let worst else { throw RouteFailure(text: .noConnection, contact: .failed) }
    let text = AttemptText(worst)
    throw RouteFailure(text: text, contact: text.slowsDown ? .paced : .failed)
  }

  /// Counts a connection, made or not, for the report of outgoing connections.
  private func count(_ endpoint: SMTPEndpoint, _ detail: String) {
    journal?.count(MailCount(.outbound, name: endpoint.host, detail: detail))
  }

  private static func cause(_ failure: SMTPFailure) -> String {
    switch failure.cause {
    case .noConnection: "refused"
    case .timeout: "timeout"
    case .tls: "tls-failed"
    case .refused: failure.reply?.isPermanent == true ? "5xx" : "4xx"
    case .died, .protocolError, .unsupported, .local: "other"
    }
  }

  /// One address; comes back in clear when TLS breaks and nobody demands it (R36, R42).
  private func connect(_ endpoint: SMTPEndpoint, _ id: String) async throws(SMTPFailure) -> any MailSession {
    self.endpoint = endpoint
    do {
      return try await transport.session(with: endpoint)
    } catch {
      let brokeTLS = error.cause == .tls || error.stage == .handshake || error.stage == .startTLS
      guard endpoint.tls == .opportunistic, brokeTLS else { throw error }
      log.warning(
        "TLS not available: connect failed: \(error.detail)",
        metadata: ["id": "\(id)", "host": "\(endpoint.host)", "address": "\(endpoint.address)"])
      var clear = endpoint
      clear.tls = .off
      self.endpoint = clear
      return try await transport.session(with: clear)
    }
  }

  private func identity(of sender: String) -> SendingIdentity {
    let settings = settings
    var identity = SendingIdentity(hello: settings.hostname, sources: settings.sourceAddresses)
    guard !settings.helloNames.isEmpty || !settings.senderAddresses.isEmpty,
      let domain = (try? EmailAddress(sender))?.domain
    else { return identity }
    if let hello = settings.helloNames[domain] { identity.hello = hello }
    if let sources = settings.senderAddresses[domain] { identity.sources = sources }
    return identity
  }
}
