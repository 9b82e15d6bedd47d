import Basics
import Delivery
import MailQueue
import MailSyntax
import RelayAccess

extension SMTPServerSession {
  /// Judges a whole message, hands it on, and answers; the transaction is over either way.
  func finish(_ collector: MessageCollector) async throws -> Next {
    guard let transaction else { return try await refuse(Replies.mailFirst) }
    self.transaction = nil
    // The content's file goes with the collector.
    defer { withExtendedLifetime(collector) {} }
    let content = await collector.finish()
    let digest = HeaderDigest(collector.head)
    if let refusal = try await refusal(of: collector, digest, transaction) {
      connection.log.info("message refused", metadata: ["id": "\(collector.id)", "reply": "\(refusal.text)"])
      await milters?.abort()
      return try await refuseMessage(refusal, count: transaction.recipients.count)
    }
    let headers = traceHeaders(collector, transaction)
    var message = accepted(content, headers, collector, digest, transaction)
    var filtered: FilteredContent?
    // A file the filters' changes need goes with this.
    defer { withExtendedLifetime(filtered) {} }
    switch try await filter(&message, headers, collector, digest, transaction) {
    case .unchanged: break
    case .changed(let content): filtered = content
    case .refuse(let reply): return try await refuseMessage(reply, count: transaction.recipients.count)
    case .end(let reply): return stop(reply)
    case .discard:
      connection.log.notice("message discarded by a filter", metadata: ["id": "\(collector.id)"])
      return reply(SMTPReply(250, "2.0.0", "Ok: queued as \(collector.id)"))
    }
    messages += 1
    if role == .lmtp {
      for reply in await host.acceptor.acceptEach(message) { send(reply) }
      return .goOn
    }
    do {
      let id = try await host.acceptor.accept(message)
      connection.log.info(
        "message accepted",
        metadata: [
          "id": "\(id)", "from": "<\(transaction.sender?.description ?? "")>", "size": "\(content.size)",
          "recipients": "\(transaction.recipients.count)",
        ])
      return reply(SMTPReply(250, "2.0.0", "Ok: queued as \(id)"))
    } catch {
      connection.log.notice("message not taken", metadata: ["id": "\(collector.id)", "reply": "\(error.reply.text)"])
      return try await refuse(error.reply)
    }
  }

  /// In LMTP every recipient gets the reply.
  private func refuseMessage(_ refusal: SMTPReply, count: Int) async throws -> Next {
    if role == .lmtp { for _ in 1..<max(1, count) { send(refusal) } }
    return try await refuse(refusal)
  }

  private func refusal(
    of collector: MessageCollector, _ digest: HeaderDigest, _ transaction: MailTransaction
  ) async throws -> SMTPReply? {
    if collector.isOversize {
      await host.rights.strike(.size, peer: connection.peer)
      return Replies.tooBig
    }
    if collector.hasFailed { return Replies.noSpace }
    if transaction.parameters.isBinary {
      // Its header is text all the same (RFC 3030 section 3): what smuggles a line into it is refused.
      var audit = LineAudit()
      collector.head.prefix(digest.end).withUnsafeBytes { audit.scan($0) }
      if !audit.isClean { return Replies.bareLineEnd }
    } else if settings.lineEnds == .refuse {
      if collector.audit.hasBareLF || collector.audit.hasBareCR { return Replies.bareLineEnd }
      if collector.audit.hasNUL { return Replies.nulOctet }
    }
    if digest.received > settings.hops { return Replies.looping }
    if isLooping(collector.head, digest, transaction) { return Replies.delivererLooping }
    guard let right = transaction.right else { return nil }
    if settings.refusesBulk, digest.isBulk { return Replies.bulkMail }
    return try await headerRefusal(collector.head, digest, right.sender, right.by)
  }

  /// Whether every recipient's mailbox has delivered this message before; one that has not still gets its copy.
  private func isLooping(_ head: [UInt8], _ digest: HeaderDigest, _ transaction: MailTransaction) -> Bool {
    guard !digest.deliveredTo.isEmpty else { return false }
    let seen = Set(digest.deliveredTo.map { String(decoding: head[$0], as: UTF8.self).lowercased() })
    return transaction.recipients.allSatisfy { seen.contains($0.address.key) || seen.contains($0.address.description) }
  }

  /// The header From of authorised mail must be the sender's own (R23); a missing one is added.
  private func headerRefusal(
    _ head: [UInt8], _ digest: HeaderDigest, _ sender: Sender, _ right: RelayRight
  ) async throws -> SMTPReply? {
    guard digest.hasFrom else { return nil }
    let entries = HeaderSection(Array(head[..<digest.end])).addresses("From").filter { $0.kind == .mailbox }
    guard !entries.isEmpty, entries.count <= settings.recipients else {
      return SMTPReply(553, "5.7.1", "Header From: not an address, so not owned by user \(sender.login)")
    }
    for entry in entries {
      guard let address = entry.address else {
        return SMTPReply(553, "5.7.1", "Header From: not an address, so not owned by user \(sender.login)")
      }
      guard let isOwned = try await guarded({ try await host.rights.mayBear(address, sender: sender, right: right) })
      else {
        return Replies.temporaryFailure
      }
      if !isOwned { return Self.notOwned(address.description, by: sender) }
    }
    return nil
  }

  private func traceHeaders(_ collector: MessageCollector, _ transaction: MailTransaction) -> TraceHeaders {
    TraceHeaders(
      hostname: settings.hostname, helo: hello?.name.text ?? "unknown", isExtended: hello?.isExtended ?? false,
      isLMTP: role == .lmtp, peer: connection.peer, tls: connection.tls, id: collector.id, now: host.time.now,
      transaction: transaction, isAuthenticated: sender != nil)
  }

  private func accepted(
    _ content: MessageContent, _ headers: TraceHeaders, _ collector: MessageCollector, _ digest: HeaderDigest,
    _ transaction: MailTransaction
  ) -> AcceptedMessage {
    var traits: MessageTraits = []
    if collector.audit.has8Bit { traits.insert(.eightBit) }
    if transaction.parameters.isBinary { traits.insert(.binary) }
    if transaction.parameters.requiresTLS {
      traits.insert(.requireTLS)
    } else if digest.waivesTLS {
      traits.insert(.waivesTLS)
    }
    // What says SMTPUTF8 and needs it nowhere may pass servers that do not know it (RFC 6531 section 3.6).
    let hasUTF8Path = transaction.sender?.needsSMTPUTF8 == true
    if transaction.parameters.isUTF8, hasUTF8Path || digest.has8Bit { traits.insert(.utf8) }
    var message = AcceptedMessage(
      id: collector.id, sender: transaction.sender, recipients: transaction.recipients, content: content,
      trace: headers.trace + headers.completion(digest), account: transaction.right?.sender.login,
      via: transaction.right?.by.label,
      dsnReturn: transaction.parameters.dsnReturn?.rawValue, envelopeID: transaction.parameters.envelopeID,
      traits: traits, mailClass: digest.isBulk ? .list : .normal,
      notBefore: transaction.parameters.hold?.release(from: host.time.now))
    message.peer = "\(connection.peer)"
    message.session = connection.id
    return message
  }
}

extension RelayRight {
  /// The form that the queue keeps.
  var label: String {
    switch self {
    case .auth: "auth"
    case .openSMTP(let leaseID): "open-smtp:\(leaseID)"
    }
  }
}
