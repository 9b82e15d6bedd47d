import Basics

/// Every number and switch of the POP3 server.
package struct POP3Settings: Sendable {
  /// What a message with UTF-8 in its header becomes for a client that did not say UTF8 (RFC 6856 section 2).
  package enum UTF8Delivery: String, Sendable, CaseIterable {
    /// It is sent as it is: clients have always coped with raw octets in headers.
    case asIs = "as-is"
    /// `-ERR [UTF8]`.
    case refuse
  }

  /// The host's name in the greeting.
  package var hostname: String
  /// Whether passwords may travel in clear (`tls.plaintext-login`); loopback is no exception.
  package var plaintextLogin = false
  /// Whether APOP is offered and its timestamp greeted with; only accounts with a clear secret can use it.
  package var apop = false
  /// Name of the program in CAPA's IMPLEMENTATION; `nil` leaves the line out.
  package var implementation: String? = "Martinet"
  /// Octets of a command line without its end (RFC 2449 section 4).
  package var lineLimit = 255
  /// Octets of a PASS line: long passphrases are no offence.
  package var passwordLineLimit = 512
  /// Octets of a line in an AUTH exchange: base64 of the longest response.
  package var authenticationLineLimit = 8192
  /// Time a client may be silent; RFC 1939 section 3 asks for ten minutes at least.
  package var idleTimeout: Duration = .seconds(600)
  /// Wrong logins in one session before it ends.
  package var wrongLogins = 3
  /// Commands without sense in one session before it ends: before login, and after it.
  package var badCommandsBeforeLogin = 10
  /// See `badCommandsBeforeLogin`.
  package var badCommands = 30
  /// The least lifetime of messages in days, as `EXPIRE` announces it; `nil` is NEVER.
  package var expireDays: Int?
  /// See `UTF8Delivery`.
  package var utf8Delivery: UTF8Delivery = .asIs
  /// A page that explains the login delay, named in its refusal (R54).
  package var helpURL: String?
  /// Octets of the largest message that RETR reads whole.
  package var wholeMessage = 512 * 1024
  /// Octets of the messages behind it that are read along, when a client goes through its mailbox.
  package var readAheadOctets = 192 * 1024
  /// Messages behind it that are read along.
  package var readAheadMessages = 31
  /// Messages behind it whose places are asked for along with its own.
  package var placesAhead = 127
  /// Octets of a larger message read at once.
  package var readChunk = 256 * 1024
  /// Octets of a message that TOP reads at once.
  package var topChunk = 16 * 1024

  /// The defaults.
  package init(hostname: String) { self.hostname = hostname }
}
