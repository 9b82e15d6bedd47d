import Basics

/// How far a session or a transaction had come.
package enum SMTPStage: String, Sendable {
  /// Opening the TCP connection.
  case connect
  /// The 220.
  case greeting
  /// EHLO, HELO or LHLO.
  case hello
  /// The STARTTLS command itself.
  case startTLS
  /// The handshake, implicit or after STARTTLS.
  case handshake
  /// AUTH.
  case authentication
  /// MAIL FROM.
  case mail
  /// RCPT TO.
  case recipient
  /// DATA, up to the 354.
  case data
  /// The message's octets and the reply after the final dot.
  case content
}

/// Why something was not sent: who said so, to which command, with which words.
package struct SMTPFailure: Error, Sendable, Equatable {
  /// What kind of failure it was.
  package enum Cause: String, Sendable {
    /// The other side answered 4xx or 5xx.
    case refused
    /// No connection could be opened: refused, unreachable or timed out.
    case noConnection
    /// The connection was there and broke.
    case died
    /// No answer in time.
    case timeout
    /// The answer was not SMTP, or too long, or not for what was asked.
    case protocolError
    /// The TLS handshake or the certificate failed.
    case tls
    /// The peer does not offer what the message or the policy needs (SIZE, SMTPUTF8, STARTTLS, AUTH).
    case unsupported
    /// The message could not be read from our own disk.
    case local
  }

  /// The kind of failure.
  package var cause: Cause
  /// How far it had come.
  package var stage: SMTPStage
  /// The host as the queue knows it.
  package var host: String
  /// The address that was spoken to.
  package var address: IPAddress
  /// The command that failed, for instance `RCPT TO:<bob@example.org>`; never a password.
  package var command: String
  /// The other side's words, if it had any.
  package var reply: RemoteReply?
  /// Our own description; for `tls` the library's error text, to follow `TLS not available: connect failed: `.
  package var detail: String
  /// Whether trying again later is pointless.
  package var isPermanent: Bool
  /// The RFC 3463 status: the peer's own, or the one that fits.
  package var status: String
  /// Whether the final dot may have been seen by the peer: qmail's "Possible duplicate!".
  package var possibleDuplicate: Bool

  /// Makes a failure.
  package init(
    cause: Cause, stage: SMTPStage, host: String, address: IPAddress, command: String = "", reply: RemoteReply? = nil,
    detail: String = "", isPermanent: Bool = false, status: String, possibleDuplicate: Bool = false
  ) {
    self.cause = cause
    self.stage = stage
    self.host = host
    self.address = address
    self.command = command
    self.reply = reply
    self.detail = detail
    self.isPermanent = isPermanent
    self.status = status
    self.possibleDuplicate = possibleDuplicate
  }
}

extension SMTPFailure: CustomStringConvertible {
  /// One line for the log.
  package var description: String {
    let words = reply.map(String.init(describing:)) ?? detail
    return
      "\(host)[\(address)]: \(cause.rawValue) at \(stage.rawValue)\(command.isEmpty ? "" : " (\(command))"): \(words)"
  }
}

/// What became of one recipient.
package struct RecipientOutcome: Sendable, Equatable {
  /// The address as it was offered.
  package var address: String
  /// Whether it must be tried again, and why it failed; a success carries the peer's last reply.
  package var result: Result<RemoteReply, SMTPFailure>

  /// Makes an outcome.
  package init(address: String, result: Result<RemoteReply, SMTPFailure>) {
    self.address = address
    self.result = result
  }

  /// Whether the peer took responsibility for this recipient.
  package var isDelivered: Bool { if case .success = result { true } else { false } }
}

/// What became of one transaction: the recipients in the order they were given.
package struct TransactionResult: Sendable, Equatable {
  /// One outcome per recipient.
  package var recipients: [RecipientOutcome]
  /// Whether DSN parameters were handed on, so that the duty to report success went with them (RFC 3461 section 5.2.2).
  package var passedDSN: Bool

  /// Makes a result.
  package init(recipients: [RecipientOutcome], passedDSN: Bool = false) {
    self.recipients = recipients
    self.passedDSN = passedDSN
  }
}
