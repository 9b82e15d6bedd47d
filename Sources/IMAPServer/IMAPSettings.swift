import Basics

/// Everything about the IMAP service that is a number or a choice; the defaults are what a host wants.
package struct IMAPSettings: Sendable {
  /// Name in the greeting.
  package var hostname: String
  /// Whether a password may travel without TLS (`tls.plaintext-login`).
  package var plaintextLogin: Bool
  /// Folder for messages that are too large to be kept in memory while they arrive; on the disk of the mail.
  package var spoolDirectory: String
  /// How long a session's OPEN-SMTP lease lasts without being touched (`open-smtp.lifetime`).
  package var leaseLifetime: Duration
  /// Bounds of one session.
  package var limits: IMAPLimits

  /// Makes settings; every value but the name of the host and the spool has a default.
  package init(
    hostname: String, spoolDirectory: String, plaintextLogin: Bool = false,
    leaseLifetime: Duration = .seconds(3600), limits: IMAPLimits = IMAPLimits()
  ) {
    self.hostname = hostname
    self.spoolDirectory = spoolDirectory
    self.plaintextLogin = plaintextLogin
    self.leaseLifetime = leaseLifetime
    self.limits = limits
  }

  /// How often an open session touches its lease: 900 s, or a quarter of a shorter lifetime.
  var leaseInterval: Duration {
    let quarter = leaseLifetime / 4
    return max(.seconds(1), min(limits.leaseTouchInterval, quarter))
  }
}

/// Bounds of one IMAP session, with the error each causes.
package struct IMAPLimits: Sendable {
  /// Octets in a line before login; a longer one is answered `BAD`.
  package var lineBeforeLogin = 8 * 1024
  /// Octets in a line after login.
  package var line = 64 * 1024
  /// Octets in all literals of one command before login.
  package var literalsBeforeLogin = 8 * 1024
  /// Octets in all literals of one command after login, messages of APPEND aside.
  package var literals = 1024 * 1024
  /// Octets in one appended message: `NO [TOOBIG]` (RFC 4469) before the client is asked to send it.
  package var appendSize = 64 * 1024 * 1024
  /// Messages of one APPEND or COPY, told as SAVELIMIT (RFC 9738): `NO [MESSAGELIMIT …]`.
  package var savedMessages = 100_000
  /// Messages one FETCH, STORE, SEARCH, COPY, MOVE or UID EXPUNGE works on, told as MESSAGELIMIT (RFC 9738).
  ///
  /// None by default: a client that does not know the extension takes the first part for the whole, and each command
  /// works in bounded memory however many messages it names.
  package var processedMessages: Int?
  /// Parts of one message put together by CATENATE (RFC 4469).
  package var catenatedParts = 1000
  /// Appended messages up to this size stay in memory; larger ones are spooled to a file.
  package var appendMemory = 256 * 1024
  /// Octets of the messages of one command that stay in memory together.
  package var appendMemoryInAll = 4 * 1024 * 1024
  /// Octets of an appended message whose binary parts are encoded, which is done in memory: `NO [TOOBIG]`.
  package var appendBinary = 32 * 1024 * 1024
  /// Octets of a refused non-synchronizing literal that are read and dropped; above it the session ends.
  package var swallowed = 128 * 1024 * 1024
  /// The same before login.
  package var swallowedBeforeLogin = 64 * 1024
  /// Commands that make no sense before the session ends with `BYE`.
  package var badCommands = 20
  /// The same before login.
  package var badCommandsBeforeLogin = 3
  /// Failed logins in one connection before it is closed.
  package var failedLogins = 3
  /// Silence before login, in all: the time a client has to log in.
  package var loginTimeout: Duration = .seconds(60)
  /// Silence after login; RFC 3501 section 5.4 asks for 30 minutes at least.
  package var idleTimeout: Duration = .seconds(30 * 60)
  /// Silence within a literal.
  package var literalTimeout: Duration = .seconds(5 * 60)
  /// How often `* OK Still here` is sent during IDLE; `nil` sends none.
  package var idleKeepalive: Duration? = .seconds(120)
  /// How often a long command says how far it is (RFC 9585).
  package var progressInterval: Duration = .seconds(5)
  /// Messages whose text is searched between two looks at the clock for that.
  package var searchPiece = 20_000
  /// Messages times keys (texts, SENT dates, identifiers) one command tries: `NO [LIMIT]`.
  package var searchedTexts = 20_000_000
  /// How often an open session touches its OPEN-SMTP lease.
  package var leaseTouchInterval: Duration = .seconds(900)
  /// Octets of a mailbox pattern in LIST.
  package var patternLength = 1024
  /// Octets of all patterns of one LIST.
  package var patternsLength = 16 * 1024
  /// Searches of one session that are kept up to date (RFC 5267); others get `NO [NOUPDATE …]`.
  package var searchContexts = 8
  /// Messages in a sorted result that is kept up to date.
  package var sortedContext = 10_000
  /// Mailboxes one ESEARCH looks at (RFC 7377).
  package var searchedMailboxes = 10_000
  /// Mailboxes one session may watch (RFC 5465): `NO [NOTIFICATIONOVERFLOW]`.
  package var notifiedMailboxes = 20_000
  /// When a session watches more than so many, none of them is kept in memory for it.
  package var notifiedClosely = 500
  /// Least messages of a batch of UIDBATCHES (RFC 10022): `NO [TOOFEW]`.
  package var uidBatch: UInt32 = 500
  /// Messages one UIDBATCHES may count out: `NO [TOOMANY]`.
  package var uidBatchMessages = 10_000_000
  /// Accounts of a domain whose mailboxes LIST shows because they are shared with `anyone` (RFC 4314).
  package var sharers = 1000
  /// Users with rights to one mailbox (RFC 4314).
  package var rightsEntries = 1000
  /// Octets of one metadata value: `NO [METADATA MAXSIZE …]` (RFC 5464).
  package var metadataValue = 64 * 1024
  /// Entries of one mailbox, or of the account: `NO [METADATA TOOMANY]`.
  package var metadataEntries = 200
  /// Octets of all entries of one mailbox, or of the account.
  package var metadataOctets = 1024 * 1024
  /// Octets of replies collected before they are handed to the connection.
  package var replyChunk = 64 * 1024
  /// Index rows fetched at once.
  package var fetchBatch = 500

  /// The defaults.
  package init() {}
}
