import Delivery
import MailSyntax
import Milter

/// What the filters make of a message at its end.
enum FilterOutcome {
  case unchanged
  /// Its octets changed; they live as long as this.
  case changed(FilteredContent)
  case refuse(SMTPReply)
  /// Refuse, and end the session.
  case end(SMTPReply)
  /// Take it and throw it away.
  case discard
}

extension SMTPServerSession {
  /// Forgets the transaction, and tells the filters.
  func abandon() async {
    guard transaction != nil else { return }
    transaction = nil
    await milters?.abort()
  }

  /// Tells the filters of a new client; what to say instead of the greeting.
  func miltersRefuse() async -> SMTPReply? {
    guard let milters else { return nil }
    let client = MilterClient(
      peer: connection.peer, port: connection.peerPort, hostname: settings.hostname, listener: connection.listener)
    guard case .refuse(let reply) = await milters.connect(client) else { return nil }
    // RFC 5321 section 3.1: a greeting is 220, 554 or 421.
    return SMTPReply(reply.isPermanent ? 554 : 421, reply.enhanced, lines: reply.lines)
  }

  /// Tells the filters of HELO or EHLO; what to answer instead.
  func milterHello(_ name: String) async throws -> Next? {
    guard let milters, case .refuse(let reply) = await milters.helo(name, tls: connection.tls.map { "\($0.version)" })
    else { return nil }
    return reply.code == 421 ? stop(reply) : try await refuse(reply)
  }

  /// Tells the filters of MAIL; what to answer instead.
  func milterMail(_ path: PathArgument) async throws -> Next? {
    guard let milters else { return nil }
    let id = host.acceptor.newID()
    transaction?.id = id
    let sender = transaction?.sender.map { "\($0)" } ?? ""
    switch await milters.mail(sender, parameters: path.parameters.map(Self.text), macros: macros(id, sender)) {
    case .proceed: return nil
    case .discard:
      transaction?.isDiscarded = true
      return nil
    case .refuse(let reply): return reply.code == 421 ? stop(reply) : try await refuse(reply)
    }
  }

  /// Tells the filters of RCPT; what to answer instead.
  func milterRefusal(of address: EmailAddress, _ parameters: [ESMTPParameter]) async -> SMTPReply? {
    guard let milters else { return nil }
    switch await milters.recipient("\(address)", parameters: parameters.map(Self.text)) {
    case .proceed: return nil
    case .discard:
      transaction?.isDiscarded = true
      return nil
    case .refuse(let reply): return reply
    }
  }

  /// Lets the filters see the message, and does to it what they want.
  func filter(
    _ message: inout AcceptedMessage, _ headers: TraceHeaders, _ collector: MessageCollector, _ digest: HeaderDigest,
    _ transaction: MailTransaction
  ) async throws -> FilterOutcome {
    guard let milters else { return .unchanged }
    guard !transaction.isDiscarded else {
      await milters.abort()
      return .discard
    }
    guard digest.isComplete || digest.end >= message.content.size else {
      await milters.abort()
      return .refuse(Replies.headerTooLarge)
    }
    // As Sendmail and Postfix do: filters see what is added to a message, and not our own Received:.
    let seen = FilteredMessage(
      message.content, head: collector.head, headerEnd: digest.end, added: headers.completion(digest))
    let sender = transaction.sender.map { "\($0)" } ?? ""
    let (verdict, result) = await milters.filter(seen, macros: macros(collector.id, sender))
    switch verdict {
    case .proceed: break
    case .discard: return .discard
    case .refuse(let reply):
      connection.log.info("message refused", metadata: ["id": "\(collector.id)", "reply": "\(reply.text)"])
      return reply.code == 421 ? .end(reply) : .refuse(reply)
    }
    applyEnvelope(result, to: &message)
    guard !message.recipients.isEmpty else { return .discard }
    guard result.message.isChanged else { return .unchanged }
    do {
      let content = try await FilteredContent.make(
        result.message, id: collector.id, settings: settings, files: host.files)
      message.content = content.content
      message.trace = headers.trace
      if content.content.size > collector.size || !message.traits.contains(.eightBit) {
        if case .bytes(let octets) = content.content, octets.contains(where: { $0 >= 0x80 }) {
          message.traits.insert(.eightBit)
        }
      }
      return .changed(content)
    } catch {
      connection.log.error("a filtered message was not stored", metadata: ["error": "\(error)"])
      return .refuse(Replies.noSpace)
    }
  }

  private func applyEnvelope(_ result: MilterResult, to message: inout AcceptedMessage) {
    message.quarantine = result.quarantine
    if let sender = result.sender { message.sender = Self.address(sender) }
    let removed = Set(result.removed.compactMap { Self.address($0)?.key })
    message.recipients.removeAll { removed.contains($0.address.key) }
    for path in result.added.prefix(settings.recipients) {
      guard let address = Self.address(path), !message.recipients.contains(where: { $0.address.key == address.key })
      else { continue }
      message.recipients.append(AcceptedRecipient(address))
    }
  }

  private func macros(_ id: String, _ sender: String) -> [(String, String)] {
    var macros = [("i", id), ("j", settings.hostname), ("{mail_addr}", sender)]
    if let login = self.sender?.login ?? transaction?.right?.sender.login {
      macros += [("{auth_authen}", login), ("{auth_type}", self.sender == nil ? "OPEN-SMTP" : "AUTH")]
    }
    return macros
  }

  private static func text(_ parameter: ESMTPParameter) -> String {
    parameter.value.map { "\(parameter.keyword)=\($0)" } ?? parameter.keyword
  }

  /// An address as filters write it, with or without brackets; `nil` for `<>` and for nonsense.
  private static func address(_ path: String) -> EmailAddress? {
    var text = Substring(path)
    if text.hasPrefix("<"), let end = text.lastIndex(of: ">") { text = text[text.index(after: text.startIndex)..<end] }
    return try? EmailAddress(text)
  }
}
