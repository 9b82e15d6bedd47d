import MailSyntax

extension SMTPServerSession {
  /// ETRN (RFC 1985): starts the queue towards a domain's own MX, never down this connection (R19).
  func remoteQueue(_ argument: [UInt8]) async throws -> Next {
    guard role != .lmtp else { return try await refuse(Replies.notImplemented) }
    guard hello != nil else { return try await refuse(Replies.helloFirst) }
    guard transaction == nil else { return try await refuse(Replies.inTransaction) }
    guard let node = ETRNNode(argument) else {
      return try await refuse(SMTPReply(501, "5.5.4", "Syntax: ETRN domain"))
    }
    switch await host.queues.start(node, peer: connection.peer, sender: sender) {
    case .started: return try await idleReply(SMTPReply(250, "2.0.0", "OK, queuing for node \(node) started"))
    case .nothingWaiting:
      return try await idleReply(SMTPReply(251, "2.0.0", "OK, no messages waiting for node \(node)"))
    case .pendingStarted:
      return try await idleReply(SMTPReply(252, "2.0.0", "OK, pending messages for node \(node) started"))
    case .pending(let count):
      return try await idleReply(SMTPReply(253, "2.0.0", "OK, \(count) pending messages for node \(node) started"))
    case .unable: return try await refuse(SMTPReply(458, "4.3.0", "Unable to queue messages for node \(node)"))
    case .notAllowed(let reason):
      return try await refuse(SMTPReply(459, "4.7.1", "Node \(node) not allowed: \(reason)"))
    }
  }
}
