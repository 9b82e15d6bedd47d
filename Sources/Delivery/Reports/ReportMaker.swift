import Basics
import Logging
import MailQueue
import MailSyntax

/// Turns outcomes into reports ready for the queue: to whom, in which form, and when there is to be none.
struct ReportMaker: Sendable {
  /// Marks of reports in the queue, in the field that otherwise says how a sender got the right to relay.
  enum Mark {
    static let bounce = "bounce"
    static let doubleBounce = "double-bounce"
    static let notice = "notice"
  }

  let live: LiveSettings
  let queue: MailQueue
  let time: any TimeSource
  let log: Logger
  /// Who hears of bounces that bounce.
  let postmaster: @Sendable () async -> EmailAddress?

  private var writer: ReportWriter {
    let settings = live.value
    return ReportWriter(
      hostname: settings.hostname, program: settings.bounceProgram, format: settings.bounceFormat,
      fullLimit: settings.bounceFullLimit)
  }

  /// A failure report; `nil` when nobody wants or may get one.
  ///
  /// - Parameters:
  ///   - via: the message's own mark: a report that fails goes to postmaster, one that failed there ends.
  func failure(_ message: ReportedMessage, via: String?, _ recipients: [ReportedRecipient]) async -> SpoolMessage? {
    guard !recipients.isEmpty else { return nil }
    if !message.sender.isEmpty { return make(.failure, message, recipients, to: message.sender, mark: Mark.bounce) }
    guard via != Mark.doubleBounce, via != Mark.notice, let postmaster = await postmaster() else {
      log.warning(
        "undeliverable report dropped",
        metadata: ["id": "\(message.id)", "to": "\(recipients.map(\.address).joined(separator: ","))"])
      return nil
    }
    return make(.doubleBounce, message, recipients, to: "\(postmaster)", mark: Mark.doubleBounce)
  }

  /// A delay or success report; `nil` for the null sender.
  func notice(_ kind: ReportKind, _ message: ReportedMessage, _ recipients: [ReportedRecipient]) -> SpoolMessage? {
    guard !recipients.isEmpty, !message.sender.isEmpty else { return nil }
    return make(kind, message, recipients, to: message.sender, mark: Mark.notice)
  }

  private func make(
    _ kind: ReportKind, _ message: ReportedMessage, _ recipients: [ReportedRecipient], to: String, mark: String
  ) -> SpoolMessage? {
    guard let address = try? EmailAddress(to) else { return nil }
    let id = queue.newID()
    let bytes = writer.write(kind, about: message, recipients: recipients, to: to, id: id, now: time.now)
    var traits: MessageTraits = bytes.contains { $0 >= 0x80 } ? .eightBit : []
    if address.needsSMTPUTF8 || !to.utf8.allSatisfy({ $0 < 0x80 }) { traits.insert(.utf8) }
    if message.requiresTLS { traits.insert(.requireTLS) }
    if message.waivesTLS { traits.insert(.waivesTLS) }
    log.info(
      "report", metadata: ["id": "\(id)", "kind": "\(kind)", "about": "\(message.id)", "to": "\(to)"])
    return SpoolMessage(
      id: id, sender: "", recipients: [SpoolRecipient(address: to, destination: address.domain.ascii)],
      content: .bytes(bytes), via: mark, traits: traits)
  }
}
