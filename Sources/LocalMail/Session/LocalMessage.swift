import MailSyntax

/// A message that a program of this machine submits, with its envelope.
package struct LocalMessage: Sendable {
  /// The reverse path; `nil` is `<>`.
  package var sender: EmailAddress?
  /// The forward paths that were accepted.
  package var recipients: [EmailAddress]
  /// NOTIFY of RFC 3461 for all of them, upper case.
  package var notify: String?
  /// RET of RFC 3461, upper case.
  package var dsnReturn: String?
  /// ENVID of RFC 3461, in xtext.
  package var envelopeID: String?
  /// The message as the program wrote it.
  package var content: [UInt8]

  /// Makes a message.
  package init(
    sender: EmailAddress?, recipients: [EmailAddress], notify: String? = nil, dsnReturn: String? = nil,
    envelopeID: String? = nil, content: [UInt8]
  ) {
    self.sender = sender
    self.recipients = recipients
    self.notify = notify
    self.dsnReturn = dsnReturn
    self.envelopeID = envelopeID
    self.content = content
  }
}

/// What takes a local message: the queue itself, or the drop folder of a host whose queue this user may not write.
package protocol LocalSubmitter: Sendable {
  /// Whether a user may send as this sender; `nil` is `<>`.
  func sender(_ address: EmailAddress?) async -> SMTPReply
  /// Whether a recipient is taken.
  func recipient(_ address: EmailAddress) async -> SMTPReply
  /// Takes a message; durable once the reply is positive.
  func submit(_ message: LocalMessage) async -> SMTPReply
}

/// Names and limits of local submission.
package struct LocalSettings: Sendable {
  /// The host's name.
  package var hostname: String
  /// Added to addresses without a domain (R72).
  package var mailName: MailDomain
  /// Octets of a message (`limits.message-size`).
  package var messageSize = 10_240_000
  /// Recipients of a message (`limits.recipients`).
  package var recipients = 100

  /// The defaults for a host.
  package init(hostname: String, mailName: MailDomain) {
    self.hostname = hostname
    self.mailName = mailName
  }
}
