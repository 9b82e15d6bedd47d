import Basics
import Logging
import MailLog
import MailQueue
import MailSyntax

/// Makes attempts: into mailboxes here, or over a connection.
struct AttemptMaker: Sendable {
  let directory: any RecipientDirectory
  let acceptance: Acceptance
  let queue: MailQueue
  let finder: RouteFinder
  let transport: any MailTransport
  let pacer = ConnectionPacer()
  let time: any TimeSource
  let live: LiveSettings
  let journal: MailLog?
  let cap: SmarthostCap
  let log: Logger

  /// The settings as they are now.
  var settings: DeliverySettings { live.value }

  /// What is read into memory rather than from its file while it is sent.
  static let smallMessage = 1 << 20

  /// The lane of a destination: those that share a server share a lane.
  func lane(_ destination: String) -> String { finder.key(destination) }

  /// A worker with a connection of its own.
  func worker() -> AttemptWorker {
    AttemptWorker(
      maker: self,
      sender: RemoteSender(
        finder: finder, transport: transport, shaper: MessageShaper(queue: queue, live: live), pacer: pacer, time: time,
        live: live, journal: journal, log: log))
  }
}

/// Makes one attempt after the other for one destination.
final class AttemptWorker {
  private let maker: AttemptMaker
  private let sender: RemoteSender

  init(maker: AttemptMaker, sender: RemoteSender) {
    self.maker = maker
    self.sender = sender
  }

  func end() async { await sender.end() }

  /// One attempt for all recipients of a claim.
  func attempt(_ claim: QueueClaim) async -> ([AttemptOutcome], RemoteSender.Contact) {
    let isLocal: Bool
    do {
      isLocal = try await isHosted(claim.destination)
    } catch {
      maker.log.error("domain lookup failed", metadata: ["domain": "\(claim.destination)", "error": "\(error)"])
      return (all(claim, .local(RecipientTexts.lookupFailed)), .notTried)
    }
    do {
      let content = try await content(claim.message)
      if isLocal { return (await deliver(claim, content), .notTried) }
      if let host = maker.finder.smarthost(claim.destination), let refusal = await maker.cap.take(host) {
        return (all(claim, refusal), .notTried)
      }
      return await sender.send(claim, content: content)
    } catch {
      maker.log.error("message unreadable", metadata: ["id": "\(claim.message.id)", "error": "\(error)"])
      return (all(claim, .unreadable), .notTried)
    }
  }

  private func isHosted(_ destination: String) async throws -> Bool {
    guard let domain = try? MailDomain(destination) else { return false }
    return try await maker.directory.isHosted(domain)
  }

  private func content(_ message: QueuedMessage) async throws -> MessageContent {
    guard message.size <= AttemptMaker.smallMessage else { return maker.queue.content(of: message) }
    return .bytes(try await maker.queue.head(of: message, limit: message.size))
  }

  /// Into mailboxes and aliases of this host.
  private func deliver(_ claim: QueueClaim, _ content: MessageContent) async -> [AttemptOutcome] {
    var outcomes: [AttemptOutcome] = []
    var recipients: [(QueuedRecipient, AcceptedRecipient)] = []
    for row in claim.message.recipients {
      if let address = try? EmailAddress(row.address) {
        let recipient = AcceptedRecipient(address, notify: row.notify, originalRecipient: row.originalRecipient)
        recipients.append((row, recipient))
      } else {
        outcomes.append(AttemptOutcome(recipient: row, failure: .local(RecipientTexts.noMailbox)))
      }
    }
    let queued = claim.message
    var message = AcceptedMessage(
      id: queued.id, sender: try? EmailAddress(queued.sender), recipients: recipients.map(\.1), content: content,
      account: queued.account, via: queued.via, dsnReturn: queued.dsnReturn, envelopeID: queued.envelopeID,
      traits: queued.traits, mailClass: queued.mailClass)
    message.isRequeued = true
    let replies = await maker.acceptance.takeEach(message)
    for ((row, _), reply) in zip(recipients, replies) {
      outcomes.append(
        AttemptOutcome(
          recipient: row, failure: reply.isPositive ? nil : .local(reply), reply: reply.text, passedDSN: true))
    }
    return outcomes
  }

  private func all(_ claim: QueueClaim, _ text: AttemptText) -> [AttemptOutcome] {
    claim.message.recipients.map { AttemptOutcome(recipient: $0, failure: text) }
  }
}
