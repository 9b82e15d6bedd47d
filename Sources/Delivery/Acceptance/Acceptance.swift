import Accounts
import Basics
import Logging
import MailLog
import MailQueue
import MailStore
import MailSyntax

/// Takes one message: local copies into mailboxes, the rest into the queue, all durable before it returns.
struct Acceptance: Sendable {
  /// How failures are told.
  enum Mode: Sendable {
    /// One reply for all: nothing kept when it throws; failures beside successes are bounced or retried.
    case whole
    /// One reply per recipient.
    case each
  }

  let directory: any RecipientDirectory
  let store: any LocalMailboxes
  let mailAccount: @Sendable (Account) -> MailAccount
  let queue: MailQueue
  let expander: RecipientExpander
  let rewriter: SenderRewriter?
  let reports: ReportMaker
  let live: LiveSettings
  let journal: MailLog?
  let time: any TimeSource
  let log: Logger

  /// The settings as they are now.
  var settings: DeliverySettings { live.value }

  /// Runs one message through.
  ///
  /// - Returns: one reply per recipient.
  /// - Throws: ``DeliveryRefusal``, in mode `whole` only.
  func take(_ message: AcceptedMessage, _ mode: Mode) async throws(DeliveryRefusal) -> [SMTPReply] {
    let started = time.now
    guard let head = await head(message.content) else { throw DeliveryRefusal(RecipientTexts.storeFailed) }
    let scan = HeaderScan(head)
    guard scan.hops <= settings.hopLimit else {
      if mode == .whole { throw DeliveryRefusal(RecipientTexts.tooManyHops) }
      return message.recipients.map { _ in RecipientTexts.tooManyHops }
    }
    let isEarly = message.notBefore.map { $0 > time.now } ?? false
    if isEarly || message.quarantine != nil { return try await wait(message) }
    var plan = try await plan(message, scan, mode)
    await checkQuotas(&plan, message)
    let isHopeless = !plan.branches.contains { $0.isOpen || $0.isKept }
    if mode == .whole, isHopeless { throw DeliveryRefusal(plan.refusal) }
    await enqueueOutside(&plan, message)
    if mode == .whole, plan.branches.contains(where: { $0.failure?.isTransient == true }) {
      // The queue took nothing (it is one transaction), and no mailbox was touched yet.
      throw DeliveryRefusal(plan.refusal)
    }
    await deliver(&plan, message)
    if mode == .whole, !plan.branches.contains(where: \.isKept) { throw DeliveryRefusal(plan.refusal) }
    do {
      try await followUp(plan, message, head, mode)
    } catch {
      log.error("follow-up not queued", metadata: ["id": "\(message.id)", "error": "\(error)"])
      if mode == .whole { throw DeliveryRefusal(RecipientTexts.storeFailed) }
      return message.recipients.map { _ in RecipientTexts.storeFailed }
    }
    note(plan, message, scan, started: started)
    return message.recipients.indices.map { plan.reply(owner: $0) }
  }

  /// Runs one message through with a reply for each recipient.
  func takeEach(_ message: AcceptedMessage) async -> [SMTPReply] {
    do {
      return try await take(message, .each)
    } catch {
      return message.recipients.map { _ in error.reply }
    }
  }

  /// Puts a message for a later time (RFC 4865), or one on hold, into the queue as it is; what its recipients stand for
  /// is asked then.
  private func wait(_ message: AcceptedMessage) async throws(DeliveryRefusal) -> [SMTPReply] {
    var entry = spool(message, alias: nil)
    entry.hold = message.quarantine
    entry.recipients = message.recipients.map {
      SpoolRecipient(
        address: "\($0.address)", destination: $0.address.domain.ascii, notify: $0.notify,
        originalRecipient: $0.originalRecipient)
    }
    if message.recipients.contains(where: \.address.needsSMTPUTF8) { entry.traits.insert(.utf8) }
    do {
      try await queue.enqueue(entry)
    } catch {
      log.error("queue refused a message", metadata: ["id": "\(message.id)", "error": "\(error)"])
      throw DeliveryRefusal(RecipientTexts.storeFailed)
    }
    log.info(
      "held",
      metadata: [
        "id": "\(message.id)", "from": "<\(entry.sender)>",
        "cause": "\(message.quarantine ?? "until \(message.notBefore?.rfc3339 ?? "")")",
      ])
    return message.recipients.map { _ in RecipientTexts.delivered }
  }

  private func head(_ content: MessageContent) async -> [UInt8]? {
    let limit = settings.loopScanLimit
    if case .bytes = content { return HeaderScan.head(content, limit: limit) }
    return try? await queue.onFileThread { HeaderScan.head(content, limit: limit) }
  }

  private func plan(
    _ message: AcceptedMessage, _ scan: HeaderScan, _ mode: Mode
  ) async throws(DeliveryRefusal) -> DeliveryPlan {
    var plan = DeliveryPlan()
    for (index, recipient) in message.recipients.enumerated() {
      do {
        plan.add(try await expander.expand(recipient.address), owner: index, header: scan)
      } catch {
        log.error("recipient lookup failed", metadata: ["to": "\(recipient.address)", "error": "\(error)"])
        if mode == .whole { throw DeliveryRefusal(RecipientTexts.lookupFailed) }
        plan.fail(RecipientTexts.lookupFailed, owner: index)
      }
    }
    return plan
  }

  /// Fails the mailboxes that are known to be full before anything is written.
  private func checkQuotas(_ plan: inout DeliveryPlan, _ message: AcceptedMessage) async {
    // One mailbox decides for itself when it is written; only several need to know before the first is.
    let open = plan.branches.indices.filter { plan.branches[$0].isOpen }
    guard open.count > 1 else { return }
    let size = message.content.size + message.trace.count
    for index in open {
      guard case .mailbox(let mailbox) = plan.branches[index].target else { continue }
      if let fits = try? await store.fits(mailAccount(mailbox.account), bytes: size), !fits {
        plan.settle(index, .failed(RecipientTexts.overQuota))
      }
    }
  }

  private func enqueueOutside(_ plan: inout DeliveryPlan, _ message: AcceptedMessage) async {
    let open = plan.branches.indices.filter {
      if case .outside = plan.branches[$0].target { plan.branches[$0].isOpen } else { false }
    }
    guard !open.isEmpty else { return }
    var groups: [String: SpoolMessage] = [:]
    for index in open {
      guard case .outside(let outside) = plan.branches[index].target else { continue }
      let alone = plan.branches.filter { $0.owners.contains { plan.branches[index].owners.contains($0) } }.count == 1
      let owner = message.recipients[plan.branches[index].owners[0]]
      let recipient = SpoolRecipient(
        address: "\(outside.address)", destination: outside.address.domain.ascii,
        notify: alone ? owner.notify : Self.withoutSuccess(owner.notify),
        originalRecipient: owner.originalRecipient
          ?? (outside.alias == nil ? nil : owner.notify.map { _ in "rfc822;\(XText.encode("\(owner.address)"))" }))
      let key = outside.alias?.key ?? ""
      var group = groups[key] ?? spool(message, alias: outside.alias)
      group.recipients.append(recipient)
      if outside.address.needsSMTPUTF8 { group.traits.insert(.utf8) }
      groups[key] = group
    }
    do {
      try await queue.enqueue(Array(groups.values))
      for group in groups.values {
        log.info(
          "queued",
          metadata: [
            "id": "\(message.id)", "queue": "\(group.id)", "from": "<\(group.sender)>",
            "to": "\(group.recipients.map(\.address).joined(separator: ","))", "size": "\(message.content.size)",
          ])
      }
      for index in open {
        guard case .outside(let outside) = plan.branches[index].target else { continue }
        let id = groups[outside.alias?.key ?? ""]?.id
        plan.settle(index, .kept, queueID: id == message.id ? nil : id)
      }
    } catch {
      log.error("queue refused a message", metadata: ["id": "\(message.id)", "error": "\(error)"])
      for index in open { plan.settle(index, .failed(RecipientTexts.storeFailed)) }
    }
  }

  /// The queue's copy, without recipients: as it came, or as a forward of an alias.
  func spool(_ message: AcceptedMessage, alias: EmailAddress?) -> SpoolMessage {
    var sender = message.sender.map { "\($0)" } ?? ""
    var prefix = message.trace
    if let alias {
      prefix = Array("Delivered-To: \(alias)\r\n".utf8) + prefix
      if let from = message.sender, message.account == nil, let rewriter, from.domain != alias.domain,
        let rewritten = rewriter.rewritten(from, for: alias.domain)
      {
        sender = "\(rewritten)"
      }
    }
    return SpoolMessage(
      id: alias == nil ? message.id : queue.newID(), sender: sender, recipients: [], prefix: prefix,
      content: message.content, mailClass: message.mailClass, account: message.account, via: message.via,
      dsnReturn: message.dsnReturn, envelopeID: message.envelopeID, traits: message.traits,
      notBefore: message.notBefore)
  }

  /// NOTIFY for one of several addresses a recipient became: success is reported here (RFC 3461 section 5.2.7.3).
  private static func withoutSuccess(_ notify: String?) -> String? {
    guard let notify, var set = DeliveryNotify(parameter: notify) else { return notify }
    set.remove(.success)
    return set.parameter
  }

  private func deliver(_ plan: inout DeliveryPlan, _ message: AcceptedMessage) async {
    let sender = message.sender.map { "\($0)" } ?? ""
    let work = plan.branches.indices.compactMap { index -> (Int, RecipientExpansion.Mailbox)? in
      guard case .mailbox(let mailbox) = plan.branches[index].target, plan.branches[index].isOpen else { return nil }
      return (index, mailbox)
    }
    guard !work.isEmpty else { return }
    let message = await mailboxForm(message)
    guard let message else {
      for (index, _) in work { plan.settle(index, .failed(RecipientTexts.notForMailboxes)) }
      return
    }
    if work.count == 1 {
      plan.settle(work[0].0, await deliver(message, work[0].1, sender))
      return
    }
    let results = await withTaskGroup(of: (Int, DeliveryPlan.Branch.State).self) { group in
      for (index, mailbox) in work { group.addTask { (index, await deliver(message, mailbox, sender)) } }
      return await group.reduce(into: []) { $0.append($1) }
    }
    for (index, state) in results { plan.settle(index, state) }
  }

  /// A binary message in lines, as Maildirs and their readers need it (RFC 3030 section 3); `nil` when that would break
  /// it.
  private func mailboxForm(_ message: AcceptedMessage) async -> AcceptedMessage? {
    guard message.traits.contains(.binary) else { return message }
    do {
      var changed = message
      let shaper = MessageShaper(queue: queue, live: live)
      changed.content = .bytes(try await shaper.convert(message.content, to: .eightBit))
      return changed
    } catch {
      log.notice("binary message not converted", metadata: ["id": "\(message.id)", "error": "\(error)"])
      return nil
    }
  }

  private func deliver(
    _ message: AcceptedMessage, _ mailbox: RecipientExpansion.Mailbox, _ sender: String
  ) async -> DeliveryPlan.Branch.State {
    let prefix = Array("Return-Path: <\(sender)>\r\nDelivered-To: \(mailbox.address)\r\n".utf8) + message.trace
    do {
      let delivered = try await store.deliver(
        message.content, prefix: prefix, to: mailAccount(mailbox.account), folder: .inbox, flags: [],
        internalDate: nil)
      log.info(
        "delivered",
        metadata: [
          "id": "\(message.id)", "from": "<\(sender)>", "to": "\(mailbox.address)", "size": "\(delivered.size)",
        ])
      return .kept
    } catch let error as StoreError where error.code == .overQuota {
      return .failed(RecipientTexts.overQuota)
    } catch {
      log.error(
        "local delivery failed",
        metadata: ["id": "\(message.id)", "to": "\(mailbox.address)", "error": "\(error)"])
      return .failed(RecipientTexts.storeFailed)
    }
  }
}
