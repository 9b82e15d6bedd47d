import Basics
import MailSyntax
import RelayAccess

extension SMTPServerSession {
  /// MAIL (RFC 5321 section 4.1.1.2).
  func mail(_ argument: [UInt8]) async throws -> Next {
    guard hello != nil else { return try await refuse(Replies.helloFirst) }
    guard transaction == nil else { return try await refuse(Replies.nestedMail) }
    guard messages < settings.messagesPerSession else { return stop(Replies.enoughMessages) }
    let path: PathArgument
    let parameters: MailParameters
    do {
      path = try PathArgument.parse(argument, allowUTF8: true, defaultDomain: defaultDomain)
      parameters = try MailParameters(path.parameters)
    } catch let error as PathError {
      return try await refuse(Self.reply(to: error, elseBadAddress: Replies.senderSyntax))
    } catch let error as ParameterRefusal {
      return try await refuse(error.reply)
    }
    if !parameters.isUTF8, path.raw.utf8.contains(where: { $0 >= 0x80 }) {
      return try await refuse(Replies.needsSMTPUTF8)
    }
    if let refusal = extensionRefusal(parameters) { return try await refuse(refusal) }
    let from = path.isPostmaster ? await host.acceptor.postmaster() : path.address
    if let refusal = try await senderRefusal(from, raw: path.raw, parameters: parameters) {
      return try await refuse(refusal)
    }
    switch try await guarded({ try await host.rights.countMail(peer: connection.peer, sender: sender) }) {
    case .accepted: break
    case .refused(let overrun): return try await refuse(overrun)
    case .blacklisted: return stop(Replies.ended)
    case nil: return try await refuse(Replies.temporaryFailure)
    }
    transaction = MailTransaction(sender: from, parameters: parameters, right: sender.map { ($0, .auth) })
    if let end = try await judgeSender() {
      transaction = nil
      return end
    }
    if let end = try await milterMail(path) {
      transaction = nil
      return end
    }
    noteMail()
    return reply(Replies.mailOK)
  }

  /// What speaks against parameters that are offered on some connections only.
  private func extensionRefusal(_ parameters: MailParameters) -> SMTPReply? {
    if parameters.requiresTLS, connection.tls == nil { return Replies.encryptionNeeded }
    guard let hold = parameters.hold else { return nil }
    guard role.isSubmission, settings.longestHold > .zero else {
      return SMTPReply(555, "5.5.4", "Unsupported option: HOLDFOR or HOLDUNTIL")
    }
    let now = host.time.now
    return hold.release(from: now) > now + settings.longestHold
      ? SMTPReply(501, "5.5.4", "the release is later than FUTURERELEASE allows") : nil
  }

  /// The domain of bare names, on listeners whose clients are ours (R72).
  var defaultDomain: MailDomain? { role.isSubmission || sender != nil ? settings.mailName : nil }

  /// Everything that speaks against a sender, cheapest first; `nil` when nothing does.
  private func senderRefusal(
    _ from: EmailAddress?, raw: String, parameters: MailParameters
  ) async throws -> SMTPReply? {
    if role.isSubmission, sender == nil {
      let hasLease = try await guarded {
        try await host.rights.hasLease(
          peer: connection.peer, listener: connection.listener)
      }
      guard let hasLease else { return Replies.temporaryFailure }
      guard hasLease, !authFailed else { return Replies.authRequired }
    }
    if let size = parameters.size, size > settings.messageSize {
      await host.rights.strike(.size, peer: connection.peer)
      return Replies.tooBig
    }
    guard host.hasSpace(for: settings) else { return Replies.noSpace }
    guard let from else { return nil }
    if settings.badMailFrom.contains(from.key) || settings.badMailFrom.contains("@\(from.domain.ascii)") {
      return Replies.badMailFrom
    }
    if let sender {
      guard let isOwned = try await guarded({ try await host.rights.mayBear(from, sender: sender, right: .auth) })
      else {
        return Replies.temporaryFailure
      }
      return isOwned ? nil : Self.notOwned(from.description, by: sender)
    }
    guard role != .lmtp else { return nil }
    return try await SenderDomainCheck(host: host, settings: settings).refusal(of: from, raw: raw)
  }

  /// The reply of row 23.
  static func notOwned(_ address: String, by sender: Sender) -> SMTPReply {
    SMTPReply(553, "5.7.1", "<\(address)>: Sender address rejected: not owned by user \(sender.login)")
  }

  /// Runs a question to another room; `nil` when the room cannot answer now.
  func guarded<Answer>(_ question: () async throws -> Answer) async throws -> Answer? {
    do {
      return try await question()
    } catch is CancellationError {
      throw CancellationError()
    } catch {
      connection.log.error("a lookup failed", metadata: ["error": "\(error)"])
      return nil
    }
  }

  /// The reply to an argument that cannot be read.
  static func reply(to error: PathError, elseBadAddress: SMTPReply) -> SMTPReply {
    switch error {
    case .syntax, .address: elseBadAddress
    case .needsSMTPUTF8: Replies.needsSMTPUTF8
    case .parameter(let name): SMTPReply(501, "5.5.4", "Bad parameter \(name)")
    }
  }
}
