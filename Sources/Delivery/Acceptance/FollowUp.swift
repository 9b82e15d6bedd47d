import Basics
import MailQueue
import MailSyntax

extension Acceptance {
  /// Queues what remains once a message is kept in part: retries of copies that may work later, bounces of those that
  /// never will, and reports of success that were asked for.
  ///
  /// - Parameter mode: in mode `each` a recipient of whom nothing was kept is the client's to report.
  func followUp(
    _ plan: DeliveryPlan, _ message: AcceptedMessage, _ head: [UInt8], _ mode: Mode
  ) async throws {
    var entries: [SpoolMessage] = []
    var failed: [ReportedRecipient] = []
    var succeeded: [ReportedRecipient] = []
    for branch in plan.branches {
      let ours = branch.owners.filter { mode == .whole || plan.reply(owner: $0).isPositive }
      guard let first = ours.first.map({ message.recipients[$0] }) else { continue }
      if let failure = branch.failure {
        if failure.isTransient, case .mailbox(let mailbox) = branch.target {
          entries.append(retry(message, mailbox, first))
        } else if notify(first).contains(.failure) {
          failed.append(reported(first, .failed, failure.enhanced ?? "5.0.0", failure.lines.joined(separator: "\n")))
        }
      } else if branch.isKept, let action = action(branch, plan) {
        succeeded += ours.map { message.recipients[$0] }.filter { notify($0).contains(.success) }
          .map { reported($0, action, "2.0.0", "\(action.rawValue)") }
      }
    }
    let original = ReportedMessage(
      id: message.id, sender: message.sender.map { "\($0)" } ?? "", created: time.now, envelopeID: message.envelopeID,
      dsnReturn: message.dsnReturn, size: message.trace.count + message.content.size, octets: message.trace + head,
      isInternational: message.traits.contains(.utf8))
    if let report = await reports.failure(original, via: message.via, failed) { entries.append(report) }
    if let report = reports.notice(.success, original, succeeded) { entries.append(report) }
    if !entries.isEmpty { try await queue.enqueue(entries) }
  }

  /// What success means for a branch; `nil` when the next server has the duty to tell.
  private func action(_ branch: DeliveryPlan.Branch, _ plan: DeliveryPlan) -> ReportedRecipient.Action? {
    switch branch.target {
    case .mailbox, .discard: return .delivered
    case .nowhere: return nil
    case .outside:
      let siblings = plan.branches.filter { $0.owners.contains { branch.owners.contains($0) } }
      return siblings.count == 1 ? nil : .expanded
    }
  }

  private func retry(
    _ message: AcceptedMessage, _ mailbox: RecipientExpansion.Mailbox, _ owner: AcceptedRecipient
  ) -> SpoolMessage {
    var copy = spool(message, alias: nil)
    copy.id = queue.newID()
    copy.recipients = [
      SpoolRecipient(
        address: "\(mailbox.address)", destination: mailbox.address.domain.ascii, notify: owner.notify,
        originalRecipient: owner.originalRecipient)
    ]
    return copy
  }

  private func notify(_ recipient: AcceptedRecipient) -> DeliveryNotify {
    recipient.notify.flatMap(DeliveryNotify.init(parameter:)) ?? .standard
  }

  private func reported(
    _ recipient: AcceptedRecipient, _ action: ReportedRecipient.Action, _ status: String, _ text: String
  ) -> ReportedRecipient {
    ReportedRecipient(
      address: "\(recipient.address)", originalRecipient: recipient.originalRecipient, action: action, status: status,
      diagnostic: action == .failed ? text : "", text: text, lastAttempt: time.now)
  }
}
