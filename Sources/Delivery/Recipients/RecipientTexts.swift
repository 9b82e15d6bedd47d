import MailSyntax

/// The answers about recipients and messages, to the letter of MESSAGES.md.
enum RecipientTexts {
  static let noMailbox = SMTPReply(550, "5.1.1", "Sorry, no mailbox here by that name. vpopmail (#5.1.1)")
  static let overQuota = SMTPReply(552, "5.2.2", "user is over quota (#5.2.2)")
  static let lookupFailed = SMTPReply(451, "4.3.0", "Temporary lookup failure (#4.3.0)")
  static let storeFailed = SMTPReply(452, "4.3.1", "Insufficient system storage, try again later (#4.3.1)")
  static let aliasLoop = SMTPReply(554, "5.4.6", "alias loop: this address leads back to itself (#5.4.6)")
  static let tooManyTargets = SMTPReply(554, "5.4.6", "this address leads to too many others (#5.4.6)")
  static let looping = SMTPReply(
    554, "5.4.6", "This message is looping: it already has my Delivered-To line. (#5.4.6)")
  static let tooManyHops = SMTPReply(554, "5.4.6", "too many hops, this message is looping (#5.4.6)")
  static let notForMailboxes = SMTPReply(
    554, "5.6.1", "this binary message cannot be converted for a mailbox: it is signed or too large (#5.6.1)")
  static let delivered = SMTPReply(250, "2.1.5", "Delivered")

  static func suspended(_ address: EmailAddress) -> SMTPReply {
    SMTPReply(550, "5.2.1", "vdelivermail: account is locked email bounced \(address)")
  }
}
