import Basics
import MailSyntax

extension SMTPServerSession {
  /// DATA (RFC 5321 section 4.1.1.4).
  func data() async throws -> Next {
    if let refusal = dataRefusal() { return try await refuse(refusal) }
    guard transaction?.chunks == nil else { return try await refuse(Replies.chunksBegun) }
    // RFC 3030 section 3: binary octets have no final dot.
    guard transaction?.parameters.isBinary != true else { return try await refuse(Replies.binaryNeedsChunks) }
    // DATA ends a pipelined group (RFC 2920 section 3.1): octets behind it are not the message.
    if settings.forbidsEarlyTalking, connection.hasBufferedInput {
      connection.log.notice("client sends a message before it may")
      return stop(Replies.synchronization)
    }
    send(Replies.startData)
    let collector = MessageCollector(
      id: transaction?.id ?? host.acceptor.newID(), settings: settings, files: host.files,
      expected: transaction?.parameters.size)
    guard try await receive(into: collector) else { return .stop }
    return try await finish(collector)
  }

  /// Why no message may follow now; `nil` when it may.
  func dataRefusal() -> SMTPReply? {
    guard let transaction else { return hello == nil ? Replies.helloFirst : Replies.mailFirst }
    guard transaction.recipients.isEmpty else { return nil }
    return transaction.hasRefusedRecipients ? Replies.noValidRecipients : Replies.recipientFirst
  }

  /// Reads up to the final dot; `false` when the client went away before it.
  private func receive(into collector: MessageCollector) async throws -> Bool {
    var decoder = DotDecoder()
    var isEnd = false
    let end = host.time.uptime + settings.messageTimeout
    while !isEnd {
      let wait = min(settings.dataTimeout, max(end - host.time.uptime, .milliseconds(1)))
      let isOpen = try await connection.consume(timeout: wait) { input in
        let step = decoder.decode(input) { collector.append($0) }
        isEnd = step.isEnd
        return step.taken
      }
      guard isOpen else { return false }
      if collector.wantsFlush { await collector.flush() }
    }
    return true
  }
}
