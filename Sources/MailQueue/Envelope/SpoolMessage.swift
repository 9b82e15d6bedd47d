import Basics

/// A message to be put into the queue.
package struct SpoolMessage: Sendable {
  /// Its id, from ``MailQueue/newID()``.
  package var id: String
  /// The reverse path; empty for `<>`.
  package var sender: String
  /// Where it goes; at least one.
  package var recipients: [SpoolRecipient]
  /// Octets put before the content, CRLF at the end.
  package var prefix: [UInt8]
  /// The message.
  package var content: MessageContent
  /// Its scheduling class.
  package var mailClass: MailClass
  /// The account it was sent by.
  package var account: String?
  /// How that account got the right.
  package var via: String?
  /// RET of RFC 3461.
  package var dsnReturn: String?
  /// ENVID of RFC 3461, in xtext.
  package var envelopeID: String?
  /// What it needs of other servers.
  package var traits: MessageTraits
  /// When the first attempt may be made; `nil` for at once (FUTURERELEASE, RFC 4865).
  package var notBefore: Timestamp?

  /// Why the message is put on hold from the start (a filter's quarantine); `nil`: it is not.
  package var hold: String?

  /// Makes a message.
  package init(
    id: String, sender: String, recipients: [SpoolRecipient], prefix: [UInt8] = [], content: MessageContent,
    mailClass: MailClass = .normal, account: String? = nil, via: String? = nil, dsnReturn: String? = nil,
    envelopeID: String? = nil, traits: MessageTraits = [], notBefore: Timestamp? = nil, hold: String? = nil
  ) {
    self.id = id
    self.sender = sender
    self.recipients = recipients
    self.prefix = prefix
    self.content = content
    self.mailClass = mailClass
    self.account = account
    self.via = via
    self.dsnReturn = dsnReturn
    self.envelopeID = envelopeID
    self.traits = traits
    self.notBefore = notBefore
    self.hold = hold
  }
}

/// One recipient of a message to be queued.
package struct SpoolRecipient: Sendable, Equatable {
  /// The address.
  package var address: String
  /// The domain in A-labels.
  package var destination: String
  /// NOTIFY of RFC 3461, as given.
  package var notify: String?
  /// ORCPT of RFC 3461: type, `;` and xtext.
  package var originalRecipient: String?

  /// Makes a recipient.
  package init(address: String, destination: String, notify: String? = nil, originalRecipient: String? = nil) {
    self.address = address
    self.destination = destination
    self.notify = notify
    self.originalRecipient = originalRecipient
  }
}
