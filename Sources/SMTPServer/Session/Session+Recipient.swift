import Delivery
import MailSyntax

extension SMTPServerSession {
  /// RCPT (RFC 5321 section 4.1.1.3).
  func recipient(_ argument: [UInt8]) async throws -> Next {
    guard let transaction else { return try await refuse(Replies.mailFirst) }
    guard transaction.chunks == nil else { return try await refuse(Replies.chunksBegun) }
    guard transaction.recipients.count < settings.recipients else {
      await host.rights.strike(.recipients, peer: connection.peer)
      return try await refuse(Replies.tooManyRecipients)
    }
    let path: PathArgument
    let parameters: RecipientParameters
    do {
      path = try PathArgument.parse(
        argument, allowUTF8: transaction.parameters.isUTF8, defaultDomain: defaultDomain)
      parameters = try RecipientParameters(path.parameters)
    } catch let error as PathError {
      return try await refuseRecipient(Self.reply(to: error, elseBadAddress: Replies.recipientSyntax))
    } catch let error as ParameterRefusal {
      return try await refuseRecipient(error.reply)
    }
    let address = path.isPostmaster ? await host.acceptor.postmaster() : path.address
    guard let address else { return try await refuseRecipient(Replies.recipientSyntax) }
    if transaction.keys.contains(address.key) { return reply(Replies.recipientOK) }
    let decision = await host.acceptor.decide(recipient: address, declaredSize: transaction.parameters.size)
    if let refusal = try await refusal(for: decision) {
      return refusal.code == 421 ? stop(refusal) : try await refuseRecipient(refusal)
    }
    if let refusal = try await blocklistRefusal(for: address) { return try await refuseRecipient(refusal) }
    if let end = try await judgeRecipient(address.domain) { return end }
    if let end = try await countRecipient() { return end }
    if let refusal = await milterRefusal(of: address, path.parameters) {
      return refusal.code == 421 ? stop(refusal) : try await refuseRecipient(refusal)
    }
    accept(address, parameters)
    return reply(Replies.recipientOK)
  }

  private func accept(_ address: EmailAddress, _ parameters: RecipientParameters) {
    transaction?.keys.insert(address.key)
    transaction?.recipients.append(
      AcceptedRecipient(
        address, notify: parameters.notify?.parameter, originalRecipient: parameters.originalRecipient?.parameter))
  }

  /// Answers a recipient that is not taken.
  func refuseRecipient(_ refusal: SMTPReply) async throws -> Next {
    transaction?.hasRefusedRecipients = true
    return try await refuse(refusal)
  }

  /// What a decision means for this client; `nil` when it may send there.
  private func refusal(for decision: RecipientDecision) async throws -> SMTPReply? {
    switch decision {
    case .refuse(let reply): reply
    // Ports for customers take mail of customers only, wherever it goes.
    case .local: role.isSubmission && sender == nil ? try await relayRefusal() : nil
    case .remote: try await relayRefusal()
    }
  }

  /// Asks for the right to relay, and notes by which right it was given; the reply when it was not.
  private func relayRefusal() async throws -> SMTPReply? {
    guard let transaction else { return Replies.mailFirst }
    let question = RelayQuestion(
      peer: connection.peer, listener: connection.listener, sender: transaction.sender, authenticated: sender,
      authFailed: authFailed, earlierRecipients: transaction.relayed)
    guard let answer = try await guarded({ try await host.rights.mayRelay(question) }) else {
      return Replies.temporaryFailure
    }
    switch answer {
    case .deny(let reply):
      return reply
    case .allow(let account, let right):
      self.transaction?.right = (account, right)
      self.transaction?.relayed += 1
      return nil
    }
  }
}
