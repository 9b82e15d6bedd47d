import MailSyntax

/// What the house does with a recipient, as RCPT is answered.
package enum RecipientDecision: Sendable {
  /// Hosted here and deliverable now: a mailbox, an alias, a forward, a catch-all.
  case local
  /// In another domain: the caller asks `RelayAccess` for the right to relay.
  case remote(MailDomain)
  /// Not taken; the reply has the text of MESSAGES.md, temporary failures included.
  case refuse(SMTPReply)
}

/// Why a whole message was not taken, as the reply to its end.
package struct DeliveryRefusal: Error, Sendable, CustomStringConvertible {
  /// 4xx or 5xx.
  package let reply: SMTPReply

  /// Makes a refusal.
  package init(_ reply: SMTPReply) { self.reply = reply }

  /// The reply on one line.
  package var description: String { reply.text }
}
