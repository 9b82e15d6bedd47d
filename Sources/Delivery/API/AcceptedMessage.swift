import Basics
import MailQueue
import MailSyntax

/// A message whose envelope was accepted and whose octets have all come in.
package struct AcceptedMessage: Sendable {
  /// Its queue id, from ``Delivery/newID()``: the same as in its `Received:` line.
  package var id: String
  /// The reverse path; `nil` is `<>`.
  package var sender: EmailAddress?
  /// The recipients that were answered 250, in their order.
  package var recipients: [AcceptedRecipient]
  /// The message as it came, CRLF line ends, without the trace prefix.
  package var content: MessageContent
  /// Header lines to put before the content (`Received:`, `X-Martinet-Auth:` …), each with CRLF.
  package var trace: [UInt8]
  /// Key of the account that sends (`user@domain`); `nil` for mail from outside.
  package var account: String?
  /// How it got the right to relay: `auth`, `open-smtp:LEASE`, `local`; `nil` for mail from outside.
  package var via: String?
  /// RET of RFC 3461, upper case: `FULL` or `HDRS`.
  package var dsnReturn: String?
  /// ENVID of RFC 3461, still in xtext.
  package var envelopeID: String?
  /// What it needs of other servers (8BITMIME, SMTPUTF8 …).
  package var traits: MessageTraits
  /// Scheduling class of outbound copies.
  package var mailClass: MailClass
  /// When the first outbound attempt may be made (FUTURERELEASE, RFC 4865).
  package var notBefore: Timestamp?
  /// The client's address, for the mail log.
  package var peer: String?
  /// The session's name, for the mail log.
  package var session: String?
  /// Whether it comes from the queue and was accepted long ago.
  package var isRequeued = false

  /// Why the message is held in the queue until an administrator releases it; `nil`: it is not.
  package var quarantine: String?

  /// Makes an accepted message.
  package init(
    id: String, sender: EmailAddress?, recipients: [AcceptedRecipient], content: MessageContent, trace: [UInt8] = [],
    account: String? = nil, via: String? = nil, dsnReturn: String? = nil, envelopeID: String? = nil,
    traits: MessageTraits = [], mailClass: MailClass = .normal, notBefore: Timestamp? = nil
  ) {
    self.id = id
    self.sender = sender
    self.recipients = recipients
    self.content = content
    self.trace = trace
    self.account = account
    self.via = via
    self.dsnReturn = dsnReturn
    self.envelopeID = envelopeID
    self.traits = traits
    self.mailClass = mailClass
    self.notBefore = notBefore
  }
}

/// One recipient of an accepted message.
package struct AcceptedRecipient: Sendable {
  /// The address, as given at RCPT.
  package var address: EmailAddress
  /// NOTIFY of RFC 3461, upper case: `NEVER` or a list of `SUCCESS,FAILURE,DELAY`.
  package var notify: String?
  /// ORCPT of RFC 3461: type, `;` and xtext.
  package var originalRecipient: String?

  /// Makes a recipient.
  package init(_ address: EmailAddress, notify: String? = nil, originalRecipient: String? = nil) {
    self.address = address
    self.notify = notify
    self.originalRecipient = originalRecipient
  }
}
