import Basics

/// Every limit and time-out of the client side of SMTP.
package struct SMTPClientSettings: Sendable {
  /// Time to open the TCP connection, and to finish a TLS handshake.
  package var connectTimeout: Duration = .seconds(60)
  /// Time for the 220 greeting (RFC 5321 section 4.5.3.2.1).
  package var greetingTimeout: Duration = .seconds(300)
  /// Time for the reply to EHLO, HELO, STARTTLS, AUTH, RSET and QUIT.
  package var commandTimeout: Duration = .seconds(300)
  /// Time for the reply to MAIL (RFC 5321 section 4.5.3.2.2).
  package var mailTimeout: Duration = .seconds(300)
  /// Time for the reply to each RCPT (RFC 5321 section 4.5.3.2.3).
  package var recipientTimeout: Duration = .seconds(300)
  /// Time for the 354 (RFC 5321 section 4.5.3.2.4).
  package var dataTimeout: Duration = .seconds(120)
  /// Time in which a block of message octets must be taken by the peer (RFC 5321 section 4.5.3.2.5).
  package var blockTimeout: Duration = .seconds(180)
  /// Time for the reply after the final dot (RFC 5321 section 4.5.3.2.6).
  package var finalDotTimeout: Duration = .seconds(600)
  /// Time for the reply to QUIT; nothing depends on it any more.
  package var quitTimeout: Duration = .seconds(5)
  /// Octets of one reply line that are kept; the rest of a longer line is dropped.
  package var replyLineLimit = 2048
  /// Octets of one whole reply, dropped ones included, after which the connection is given up.
  package var replySizeLimit = 64 * 1024
  /// Lines of one reply after which the connection is given up.
  package var replyLineCountLimit = 256
  /// Octets of a message read from disk and written at a time.
  package var blockSize = 64 * 1024
  /// Recipients offered in one transaction; more are sent in further transactions by the caller.
  package var recipientsPerTransaction = 100

  /// The defaults of RFC 5321 section 4.5.3.2.
  package init() {}
}
