import Basics

/// A session with one server, ready for transactions.
///
/// Not for use by several tasks at once. When `isReusable` is true after a transaction, the next may follow at once.
package final class SMTPSession: Sendable {
  /// What the server announced in reply to EHLO, after TLS when there is TLS.
  package let extensions: RemoteExtensions
  /// The protocol version and cipher when the session is encrypted, for logs: `TLSv1.3 …`.
  package let tls: String?

  init(extensions: RemoteExtensions, tls: String?) {
    self.extensions = extensions
    self.tls = tls
  }

  /// Whether the connection can take another transaction.
  package var isReusable: Bool { false }

  /// Sends one message to up to `recipientsPerTransaction` recipients; never throws, every recipient gets its outcome.
  package func send(_ message: OutgoingMessage) async -> TransactionResult { TransactionResult(recipients: []) }

  /// Says QUIT, waits a moment for the reply, and closes.
  package func quit() async {}

  /// Closes at once.
  package func close() {}
}

/// The extensions a server announced (RFC 5321 section 4.1.1.1).
package struct RemoteExtensions: Sendable, Equatable {
  /// Whether EHLO was understood at all.
  package var isExtended = false
  /// The name the server gave itself.
  package var serverName = ""
  /// PIPELINING (RFC 2920).
  package var pipelining = false
  /// 8BITMIME (RFC 6152).
  package var eightBitMIME = false
  /// SMTPUTF8 (RFC 6531).
  package var smtpUTF8 = false
  /// DSN (RFC 3461).
  package var dsn = false
  /// STARTTLS (RFC 3207).
  package var startTLS = false
  /// CHUNKING (RFC 3030).
  package var chunking = false
  /// ENHANCEDSTATUSCODES (RFC 2034).
  package var enhancedStatusCodes = false
  /// SIZE (RFC 1870): `nil` when not offered, 0 when no limit is named.
  package var size: Int?
  /// The SASL mechanisms after AUTH (RFC 4954), upper case.
  package var mechanisms: Set<String> = []
  /// RCPTMAX of LIMITS (RFC 9422).
  package var recipientLimit: Int?

  /// Nothing announced.
  package init() {}
}
