import Basics
import Logging
import MailLog
import MailQueue
import MailSyntax

/// Records what came of attempts: done, again at the curve's next time, or given up with a report to the sender.
struct Settler: Sendable {
  let queue: MailQueue
  let reports: ReportMaker
  let live: LiveSettings
  let curve: RetryCurve
  let journal: MailLog?
  let time: any TimeSource
  let log: Logger
  /// Hears how mail to a domain elsewhere fared: recipients taken, recipients refused for good.
  let onOutcome: @Sendable (_ destination: MailDomain, _ accepted: Int, _ failed: Int) -> Void

  /// The settings as they are now.
  var settings: DeliverySettings { live.value }

  /// Records the outcomes of one claim, with the reports they call for, in one transaction.
  ///
  /// A failing queue is asked again until it takes the record, since the next server may already have the mail.
  func settle(_ claim: QueueClaim, _ outcomes: [AttemptOutcome]) async {
    let batch = await batch(claim, outcomes)
    await record(batch, claim.message.id)
    let accepted = outcomes.count { $0.failure == nil && !$0.remote.isEmpty }
    let failed = outcomes.count { $0.failure?.isPermanent == true && $0.failure?.remote.isEmpty == false }
    if accepted > 0 || failed > 0, let destination = try? MailDomain(claim.destination) {
      onOutcome(destination, accepted, failed)
    }
  }

  /// Records the outcomes of an attempt that was cut off: what was delivered is done, the rest was never tried.
  func settleInterrupted(_ claim: QueueClaim, _ outcomes: [AttemptOutcome]) async {
    let done = outcomes.filter { $0.failure == nil }
    if !done.isEmpty { await settle(claim, done) }
    let numbers = Set(done.map(\.recipient.number))
    var rest = claim
    rest.message.recipients.removeAll { numbers.contains($0.number) }
    await giveBack([rest])
  }

  /// Puts a claim off without an attempt: its destination asked for less.
  func pace(_ claim: QueueClaim, _ text: AttemptText, until: Timestamp) async {
    let reply = "paced: \(text.remote.isEmpty ? claim.destination : text.remote) asked for less: \(text.diagnostic)"
    log.info(
      "paced", metadata: ["id": "\(claim.message.id)", "to": "\(claim.destination)", "cause": "\(text.diagnostic)"])
    await record(
      SettlementBatch(
        claim.message.recipients.map {
          Settlement(
            recipient: $0.number, outcome: .paced(until: until), reply: reply, status: text.status, remote: text.remote)
        }), claim.message.id)
  }

  /// Puts claims back as if they had never been made.
  func giveBack(_ claims: [QueueClaim]) async {
    let rows = claims.flatMap(\.message.recipients)
    guard !rows.isEmpty else { return }
    await record(
      SettlementBatch(rows.map { Settlement(recipient: $0.number, outcome: .released) }), "")
  }

  private func record(_ batch: SettlementBatch, _ id: String) async {
    while true {
      do {
        try await queue.settle(batch)
        return
      } catch {
        log.error("outcome not recorded, trying again", metadata: ["id": "\(id)", "error": "\(error)"])
        // Once cancelled, the lease brings the message back; at worst it is delivered twice.
        guard (try? await time.sleep(for: settings.troublePause)) != nil else { return }
      }
    }
  }

  private func batch(_ claim: QueueClaim, _ outcomes: [AttemptOutcome]) async -> SettlementBatch {
    let now = time.now
    let message = claim.message
    var batch = SettlementBatch([])
    var failed: [ReportedRecipient] = []
    var delayed: [ReportedRecipient] = []
    var relayed: [ReportedRecipient] = []
    for outcome in outcomes {
      let row = outcome.recipient
      guard let failure = outcome.failure else {
        batch.settlements.append(
          Settlement(
            recipient: row.number, outcome: .delivered, reply: outcome.reply, status: "2.0.0", remote: outcome.remote))
        // A copy for a mailbox here was noted when it was written.
        let protection = outcome.protection.isEmpty ? "" : " (\(outcome.protection))"
        note(outcome.remote.isEmpty ? nil : .sent, message, row, outcome.remote, "2.0.0", outcome.reply + protection)
        if row.notifiesSuccess, !outcome.passedDSN {
          relayed.append(reported(row, .relayed, now, outcome.reply, "2.0.0", outcome.remote, outcome.reply))
        }
        continue
      }
      let next =
        failure.isPermanent ? nil : curve.next(created: message.created, expires: message.expires, now: now)
      if let next {
        batch.settlements.append(
          Settlement(
            recipient: row.number, outcome: .deferred(until: next), reply: failure.text, status: failure.status,
            remote: failure.remote))
        note(.deferred, message, row, failure.remote, failure.status, failure.text)
        if row.notifiesDelay {
          var entry = reported(
            row, .delayed, now, failure.text, failure.status, failure.remote, failure.diagnostic)
          entry.retryUntil = message.expires
          delayed.append(entry)
        }
      } else {
        let text = failure.isPermanent ? failure.text : failure.text + "\n" + AttemptText.queueTooLong
        // A failure that outlasted the lifetime is one of time (RFC 3463 section 3.5), whatever its last cause was.
        let status = failure.isPermanent ? failure.status : "4.4.7"
        batch.settlements.append(
          Settlement(
            recipient: row.number, outcome: .failed, reply: text, status: status, remote: failure.remote))
        note(.bounced, message, row, failure.remote, status, text)
        if row.notifiesFailure {
          failed.append(reported(row, .failed, now, text, status, failure.remote, failure.diagnostic))
        }
      }
    }
    let isLate = settings.delayWarning > .zero && now - message.created >= settings.delayWarning
    if !isLate || message.warned != nil { delayed = [] }
    guard !failed.isEmpty || !delayed.isEmpty || !relayed.isEmpty else { return batch }
    let original = await original(message)
    if let report = await reports.failure(original, via: message.via, failed) { batch.reports.append(report) }
    if !delayed.isEmpty { batch.warned = [message.id] }
    for (kind, recipients) in [(ReportKind.delay, delayed), (.success, relayed)] {
      if let report = reports.notice(kind, original, recipients) { batch.reports.append(report) }
    }
    return batch
  }

  private func original(_ message: QueuedMessage) async -> ReportedMessage {
    // What demands TLS does not travel in a report that may go without (RFC 8689 section 5).
    let wantsWhole = message.dsnReturn == "FULL" && !message.traits.contains(.requireTLS)
    let isWhole = wantsWhole && message.size <= settings.bounceFullLimit
    let limit = isWhole ? message.size : settings.bounceHeaderLimit
    let octets = (try? await queue.head(of: message, limit: limit)) ?? []
    return ReportedMessage(
      id: message.id, sender: message.sender, created: message.created, envelopeID: message.envelopeID,
      dsnReturn: wantsWhole ? message.dsnReturn : nil, size: message.size, octets: octets,
      isInternational: message.traits.contains(.utf8), requiresTLS: message.traits.contains(.requireTLS),
      waivesTLS: message.traits.contains(.waivesTLS))
  }

  private func reported(
    _ row: QueuedRecipient, _ action: ReportedRecipient.Action, _ now: Timestamp, _ text: String, _ status: String,
    _ remote: String, _ diagnostic: String
  ) -> ReportedRecipient {
    ReportedRecipient(
      address: row.address, originalRecipient: row.originalRecipient, action: action, status: status, remote: remote,
      diagnostic: diagnostic, text: text, lastAttempt: now)
  }

  private func note(
    _ what: MailEvent.Kind?, _ message: QueuedMessage, _ row: QueuedRecipient, _ remote: String, _ status: String,
    _ text: String
  ) {
    let delay = time.now - message.created
    if let what {
      var event = MailEvent(what, id: message.id)
      event.sender = message.sender
      event.recipient = row.address
      event.account = message.account
      event.via = message.via
      event.size = message.size
      event.remote = remote.isEmpty ? nil : remote
      event.status = status
      event.text = text
      event.delay = delay
      journal?.note(event)
    }
    log.info(
      "\(what?.word ?? "sent")",
      metadata: [
        "id": "\(message.id)", "from": "<\(message.sender)>", "to": "<\(row.address)>", "relay": "\(remote)",
        "delay": "\(delay.wholeMilliseconds / 1000)",
        "reply": "\(text.split(separator: "\n").joined(separator: " / "))",
      ])
  }
}
