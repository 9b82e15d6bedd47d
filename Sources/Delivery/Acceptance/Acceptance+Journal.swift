import Basics
import MailLog
import MailSyntax

extension Acceptance {
  /// Tells the mail log what became of a message: taken, and where each copy went.
  ///
  /// - Parameter started: when the message had come in whole.
  func note(_ plan: DeliveryPlan, _ message: AcceptedMessage, _ scan: HeaderScan, started: Timestamp) {
    guard let journal else { return }
    if !message.isRequeued {
      var event = base(.accepted, message, scan)
      event.messageID = scan.messageID ?? HeaderScan(message.trace).messageID
      event.peer = message.peer
      event.session = message.session
      event.recipients = message.recipients.count
      event.at = started
      journal.note(event)
    }
    for branch in plan.branches {
      guard let owner = branch.owners.first, owner < message.recipients.count else { continue }
      var event = base(.delivered, message, scan)
      event.recipient = "\(message.recipients[owner].address)"
      switch branch.target {
      case .mailbox(let mailbox):
        if mailbox.account.key != event.recipient.lowercased() { event.text = "for \(event.recipient)" }
        event.recipient = mailbox.account.key
      case .outside(let outside):
        event.kind = .queued
        event.at = started
        if outside.alias != nil { event.text = "forwarded from \(event.recipient)" }
        event.recipient = "\(outside.address)"
        event.related = branch.queueID
      case .discard: event.kind = .discarded
      case .nowhere: break
      }
      if let failure = branch.failure {
        // The queue tells of its own failures itself.
        if message.isRequeued { continue }
        event.kind = failure.isTransient ? .deferred : .bounced
        event.status = failure.enhanced
        event.text = failure.text
      }
      journal.note(event)
    }
  }

  private func base(_ kind: MailEvent.Kind, _ message: AcceptedMessage, _ scan: HeaderScan) -> MailEvent {
    var event = MailEvent(kind, id: message.id)
    event.sender = message.sender.map { "\($0)" } ?? ""
    event.account = message.account
    event.via = message.via
    event.size = message.content.size
    event.isSpam = scan.isSpam
    return event
  }
}
