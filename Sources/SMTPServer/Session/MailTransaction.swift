import Delivery
import MailSyntax
import RelayAccess

/// What MAIL and RCPT have agreed so far.
struct MailTransaction {
  /// The reverse path; `nil` for `<>`.
  let sender: EmailAddress?
  /// MAIL's parameters.
  let parameters: MailParameters
  /// The queue id, where filters had to be told one before the message came.
  var id: String?
  /// Whether a filter wants the message taken and thrown away.
  var isDiscarded = false
  /// By whose right it is sent, once that is known.
  var right: (sender: Sender, by: RelayRight)?
  /// The recipients that were answered 250.
  var recipients: [AcceptedRecipient] = []
  /// Their keys, so that a recipient named twice is served once (R21).
  var keys: Set<String> = []
  /// Recipients for which the right to relay was asked and given.
  var relayed = 0
  /// Whether the message was counted as unvalidated (R4); once is enough.
  var isCountedUnvalidated = false
  /// Whether its sender was looked at for that.
  var isSenderJudged = false
  /// Whether any RCPT was refused.
  var hasRefusedRecipients = false
  /// The message of BDAT so far.
  var chunks: MessageCollector?

  init(sender: EmailAddress?, parameters: MailParameters, right: (sender: Sender, by: RelayRight)?) {
    self.sender = sender
    self.parameters = parameters
    self.right = right
  }
}
