import Basics
import MailSyntax

extension SMTPServerSession {
  /// BDAT (RFC 3030 section 2).
  ///
  /// Whatever is answered, the chunk's octets are read, so that none is run as a command.
  func chunk(size: Int, isLast: Bool) async throws -> Next {
    if let refusal = dataRefusal() { return try await swallow(size, then: refusal) }
    let collector: MessageCollector
    if let begun = transaction?.chunks {
      collector = begun
    } else {
      collector = MessageCollector(
        id: transaction?.id ?? host.acceptor.newID(), settings: settings, files: host.files,
        expected: isLast ? size : nil,
        isBinary: transaction?.parameters.isBinary ?? false)
      transaction?.chunks = collector
    }
    guard size <= settings.messageSize - min(collector.size, settings.messageSize) else {
      await abandon()
      await host.rights.strike(.size, peer: connection.peer)
      return try await swallow(size, then: Replies.tooBig)
    }
    guard try await take(size, into: collector) else { return .stop }
    if isLast { return try await finish(collector) }
    if collector.hasFailed {
      await abandon()
      return try await refuse(Replies.noSpace)
    }
    return reply(SMTPReply(250, "2.0.0", "Ok: \(size) octets received"))
  }

  /// BDAT without a size: nothing says where the next command would start.
  func unreadableChunk() async throws -> Next {
    send(SMTPReply(501, "5.5.4", "Syntax: BDAT size [LAST]"))
    return stop(Replies.synchronization421)
  }

  private func swallow(_ size: Int, then refusal: SMTPReply) async throws -> Next {
    guard size <= settings.swallow else {
      send(refusal)
      return stop(Replies.synchronization421)
    }
    guard try await take(size, into: nil) else { return .stop }
    return try await refuse(refusal)
  }

  /// Reads exactly `size` octets; `false` when the client went away before.
  private func take(_ size: Int, into collector: MessageCollector?) async throws -> Bool {
    var rest = size
    let end = host.time.uptime + settings.messageTimeout
    while rest > 0 {
      let wait = min(settings.dataTimeout, max(end - host.time.uptime, .milliseconds(1)))
      let isOpen = try await connection.consume(timeout: wait) { input in
        let count = min(rest, input.count)
        collector?.append(UnsafeRawBufferPointer(rebasing: input[0..<count]))
        rest -= count
        return count
      }
      guard isOpen else { return false }
      if let collector, collector.wantsFlush { await collector.flush() }
    }
    return true
  }
}
