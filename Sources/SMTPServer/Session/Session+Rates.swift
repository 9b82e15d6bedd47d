import MailSyntax

extension SMTPServerSession {
  /// Counts the transaction as unvalidated when its sender is, once it is known who sends (R4).
  ///
  /// - Returns: what to answer with instead of going on; `nil` to go on.
  func judgeSender() async throws -> Next? {
    guard let transaction, !transaction.isSenderJudged else { return nil }
    let client = transaction.right?.sender ?? sender
    // A stranger at MAIL may turn out at RCPT to have a lease; a client is judged for good.
    if client != nil { self.transaction?.isSenderJudged = true }
    return try await judge(.sender(transaction.sender), client)
  }

  /// Counts the transaction as unvalidated when this recipient's domain is.
  ///
  /// - Returns: what to answer with instead of going on; `nil` to go on.
  func judgeRecipient(_ domain: MailDomain) async throws -> Next? {
    if let end = try await judgeSender() { return end }
    return try await judge(.recipient(domain), transaction?.right?.sender ?? sender)
  }

  /// Counts a recipient, where the host counts recipients.
  ///
  /// - Returns: what to answer with instead of going on; `nil` to go on.
  func countRecipient() async throws -> Next? {
    let client = transaction?.right?.sender ?? sender
    switch try await guarded({ try await host.rights.countRecipient(peer: connection.peer, sender: client) }) {
    case .accepted: return nil
    case .refused(let overrun): return try await refuseRecipient(overrun)
    case .blacklisted: return stop(Replies.ended)
    case nil: return try await refuseRecipient(Replies.temporaryFailure)
    }
  }

  private func judge(_ side: MessageSide, _ client: Sender?) async throws -> Next? {
    guard let transaction, !transaction.isCountedUnvalidated else { return nil }
    let verdict = try await guarded {
      try await host.rights.countUnvalidated(side, peer: connection.peer, sender: client)
    }
    switch verdict {
    case .notCounted: return nil
    case .counted:
      self.transaction?.isCountedUnvalidated = true
      return nil
    case .refused(let overrun): return try await refuse(overrun)
    case .blacklisted: return stop(Replies.ended)
    case nil: return try await refuse(Replies.temporaryFailure)
    }
  }
}
