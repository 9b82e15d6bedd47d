import MailSyntax

/// The fixed replies, with the texts of row 76 and MESSAGES.md.
enum Replies {
  static let mailOK = SMTPReply(250, "2.1.0", "Ok")
  static let recipientOK = SMTPReply(250, "2.1.5", "Ok")
  static let ok = SMTPReply(250, "2.0.0", "Ok")
  static let startData = SMTPReply(354, nil, "End data with <CR><LF>.<CR><LF>")
  static let bye = SMTPReply(221, "2.0.0", "Bye")
  static let readyForTLS = SMTPReply(220, "2.0.0", "Ready to start TLS")
  static let verify = SMTPReply(252, "2.0.0", "Send some mail, I'll try my best")
  static let help = SMTPReply(
    214, "2.0.0",
    lines: [
      "Commands: HELO EHLO MAIL RCPT DATA BDAT RSET NOOP QUIT VRFY HELP", "ETRN AUTH STARTTLS",
      "End of HELP",
    ])
  static let authenticated = SMTPReply(235, "2.7.0", "Authentication successful")

  static let notImplemented = SMTPReply(502, "5.5.1", "Error: command not implemented")
  static let unknownCommand = SMTPReply(500, "5.5.2", "Error: command not recognized")
  static let lineTooLong = SMTPReply(500, "5.5.2", "Error: line too long")
  static let helloFirst = SMTPReply(503, "5.5.1", "Error: send HELO/EHLO first")
  static let nestedMail = SMTPReply(503, "5.5.1", "Error: nested MAIL command")
  static let mailFirst = SMTPReply(503, "5.5.1", "Error: need MAIL command")
  static let recipientFirst = SMTPReply(503, "5.5.1", "Error: need RCPT command")
  static let noValidRecipients = SMTPReply(554, "5.5.1", "Error: no valid recipients")
  static let inTransaction = SMTPReply(503, "5.5.1", "Error: MAIL transaction in progress")
  static let chunksBegun = SMTPReply(503, "5.5.1", "Error: BDAT in progress, DATA not allowed")
  static let tooManyRecipients = SMTPReply(452, "4.5.3", "too many recipients")
  static let senderSyntax = SMTPReply(501, "5.1.7", "Bad sender address syntax")
  static let recipientSyntax = SMTPReply(501, "5.1.3", "Bad recipient address syntax")
  static let needsSMTPUTF8 = SMTPReply(553, "5.6.7", "Must declare SMTPUTF8 to use addresses that are not ASCII")
  static let tooBig = SMTPReply(552, "5.3.4", "sorry, that message size exceeds my databytes limit (#5.3.4)")
  static let headerTooLarge = SMTPReply(552, "5.3.4", "the message's header is too large (#5.3.4)")
  static let noSpace = SMTPReply(452, "4.3.1", "Insufficient system storage")
  static let looping = SMTPReply(554, "5.4.6", "too many hops, this message is looping (#5.4.6)")
  static let delivererLooping = SMTPReply(
    554, "5.4.6", "This message is looping: it already has my Delivered-To line. (#5.4.6)")
  static let badMailFrom = SMTPReply(554, "5.7.1", "sorry, your envelope sender is in my badmailfrom list (#5.7.1)")
  static let bulkMail = SMTPReply(550, "5.7.1", "bulk mail not accepted here (#5.7.1)")
  static let bareLineEnd = SMTPReply(
    550, "5.5.2", "Message refused: bare <CR> or <LF>; lines must end with <CR><LF>")
  static let nulOctet = SMTPReply(550, "5.6.0", "Message refused: NUL octet")
  static let authRequired = SMTPReply(
    530, "5.7.0", "Authentication required: use AUTH, or read your mail by POP or IMAP from this address first")
  static let tlsFirst = SMTPReply(530, "5.7.0", "Must issue a STARTTLS command first")
  static let encryptionNeeded = SMTPReply(530, "5.7.10", "REQUIRETLS needs TLS: use STARTTLS first")
  static let binaryNeedsChunks = SMTPReply(503, "5.5.1", "Error: BODY=BINARYMIME was given, send BDAT")
  static let badCredentials = SMTPReply(535, "5.7.8", "Error: authentication failed")
  static let authCancelled = SMTPReply(501, "5.7.0", "Authentication cancelled")
  static let authMalformed = SMTPReply(501, "5.5.2", "Error: cannot decode the authentication response")
  static let authBusy = SMTPReply(454, "4.7.0", "Temporary authentication failure")
  static let authSlowDown = SMTPReply(454, "4.7.0", "Too many failed logins from your address, try again later")
  static let temporaryFailure = SMTPReply(451, "4.3.0", "Temporary failure, try again later")
  static let senderDomainTimeout = SMTPReply(451, "4.4.3", "DNS lookup of the sender's domain timed out (#4.4.3)")

  static let synchronization = SMTPReply(554, "5.5.0", "Error: SMTP protocol synchronization")
  static let synchronization421 = SMTPReply(421, "4.5.0", "Error: cannot find the next command, closing")
  static let tooManyErrors = SMTPReply(421, "4.7.0", "Error: too many errors")
  static let foreignProtocol = SMTPReply(421, "4.7.0", "Error: this is a mail server. Goodbye")
  static let timeout = SMTPReply(421, "4.4.2", "Error: timeout exceeded")
  static let shuttingDown = SMTPReply(421, "4.3.2", "Service shutting down, closing transmission channel")
  static let ended = SMTPReply(421, "4.7.0", "Service no longer available to you, closing transmission channel")
  static let enoughMessages = SMTPReply(421, "4.7.0", "Enough messages for one session, connect again")
  static let tooManyConnections = SMTPReply(421, "4.7.0", "Too many connections, try again later")
}
