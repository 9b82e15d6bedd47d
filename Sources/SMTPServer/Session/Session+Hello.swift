import Basics
import MailSyntax
import Wire

extension SMTPServerSession {
  /// HELO, EHLO and LHLO (RFC 5321 section 4.1.1.1, RFC 2033 section 4.1).
  func greeted(_ argument: [UInt8], isExtended: Bool, verb: String) async throws -> Next {
    guard (verb == "LHLO") == (role == .lmtp) else { return try await refuse(Replies.notImplemented) }
    guard let name = HelloName(argument) else {
      return try await refuse(SMTPReply(501, "5.5.4", "Syntax: \(verb) hostname"))
    }
    // Nobody can know yet whether PIPELINING is offered: who does not wait is no mail client.
    if settings.forbidsEarlyTalking, connection.hasBufferedInput {
      connection.log.notice("client pipelines before it may")
      return stop(Replies.synchronization)
    }
    await abandon()
    if let end = try await milterHello(name.text) { return end }
    hello = (name, isExtended)
    guard isExtended else { return reply(SMTPReply(250, nil, settings.hostname)) }
    return reply(SMTPReply(250, nil, lines: [settings.hostname] + keywords))
  }

  /// The extensions on offer, each of which works (R75).
  private var keywords: [String] {
    var lines = ["PIPELINING", "SIZE \(settings.messageSize)", "VRFY"]
    if role != .lmtp { lines.append("ETRN") }
    if connection.canStartTLS { lines.append("STARTTLS") }
    let mechanisms = offeredMechanisms.names
    if !mechanisms.isEmpty, sender == nil { lines.append("AUTH \(mechanisms.joined(separator: " "))") }
    lines += ["ENHANCEDSTATUSCODES", "8BITMIME", "DSN", "SMTPUTF8", "CHUNKING", "BINARYMIME"]
    lines.append("LIMITS MAILMAX=\(settings.messagesPerSession) RCPTMAX=\(settings.recipients)")
    // RFC 8689 section 2: named under TLS only.
    if connection.tls != nil, role != .lmtp { lines.append("REQUIRETLS") }
    if role.isSubmission, settings.longestHold > .zero {
      let latest = host.time.now + settings.longestHold
      let seconds = settings.longestHold.wholeMilliseconds / 1000
      lines.append("FUTURERELEASE \(seconds) \(Timestamp(seconds: latest.seconds).rfc3339)")
    }
    return lines
  }

  /// The SASL mechanisms this connection may use now.
  var offeredMechanisms: SASLMechanisms {
    let isOffered = role.isSubmission || (role != .lmtp && settings.authOnRelayPorts)
    return isOffered
      ? SASLMechanisms(tls: connection.tls, plaintextLogin: settings.plaintextLogin)
      : SASLMechanisms(tls: nil, plaintextLogin: false)
  }

  /// STARTTLS (RFC 3207): everything from before is forgotten.
  func startTLS() async throws -> Next {
    if connection.tls != nil { return try await refuse(SMTPReply(503, "5.5.1", "Error: TLS already active")) }
    guard connection.canStartTLS else { return try await refuse(Replies.notImplemented) }
    guard hello != nil else { return try await refuse(Replies.helloFirst) }
    hello = nil
    await abandon()
    sender = nil
    try await connection.startTLS(reply: Replies.readyForTLS.wire)
    return .goOn
  }
}
