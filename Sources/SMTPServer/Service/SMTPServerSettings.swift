import Basics
import MailSyntax
import Milter

/// What a listener is for.
package enum SMTPRole: String, Sendable, CaseIterable {
  /// Port 25: mail from other servers; relay with AUTH or a lease.
  case smtp
  /// Port 2525: as 25, where 25 is blocked.
  case smtpAlt = "smtp-alt"
  /// Port 587: customers, with AUTH or a lease (RFC 6409).
  case submission
  /// Port 465: the same under TLS from the start (RFC 8314).
  case submissions
  /// RFC 2033: another server in front hands over mail for local mailboxes.
  case lmtp

  /// Whether only customers may send here (R86).
  package var isSubmission: Bool { self == .submission || self == .submissions }
}

/// What is done about lines that do not end in CRLF.
package enum LineEndPolicy: String, Sendable, CaseIterable {
  /// The message is refused after its end.
  case refuse
  /// Bare CR and LF become CRLF, NUL goes.
  case normalise
}

/// Every limit, time-out and switch of the SMTP server, with the defaults of the requirements.
package struct SMTPServerSettings: Sendable {
  /// The host's name, in the greeting and in `Received:`.
  package var hostname = "localhost"
  /// What follows the name in the greeting (R2).
  package var greeting = "ESMTP Martinet"
  /// A pause before the greeting, in which early talkers betray themselves; zero for none.
  package var greetingDelay: Duration = .zero
  /// Added to recipients and senders without a domain on submission listeners (R72).
  package var mailName: MailDomain?

  /// Octets of a message (`limits.message-size`, R5, R37).
  package var messageSize = 10_240_000
  /// Recipients of a message (`limits.recipients`, R6).
  package var recipients = 100
  /// Octets of a message kept in memory; larger ones go to a file.
  package var memoryPerMessage = 256 * 1024
  /// `Received:` lines at which a message is looping.
  package var hops = 50
  /// Octets of a command line (RFC 5321 section 4.5.3.1.4 asks for 512 at least).
  package var commandLine = 2048
  /// Octets of a line of AUTH (RFC 4954 section 4: 12288).
  package var authLine = 12_288
  /// Errors in one session before it is ended with 421.
  package var errors = 20
  /// Errors after which each further reply waits for `errorDelay`.
  package var undelayedErrors = 10
  /// The wait before a reply to a client that makes many errors.
  package var errorDelay: Duration = .seconds(1)
  /// Unknown commands in one session before it is ended.
  package var unknownCommands = 10
  /// Commands without a message (NOOP, RSET, VRFY, ETRN …) that count as no error.
  package var idleCommands = 100
  /// Failed logins in one session before it is ended.
  package var failedLogins = 3
  /// Messages in one session before it is ended politely.
  package var messagesPerSession = 1000
  /// Octets of a refused BDAT that are read and thrown away; a larger one ends the session.
  package var swallow = 128 * 1024 * 1024

  /// The latest release a submitted message may ask for (FUTURERELEASE); zero switches it off.
  package var longestHold: Duration = .seconds(86_400)

  /// Time for the next command.
  package var commandTimeout: Duration = .seconds(300)
  /// Time for the next octets of a message.
  package var dataTimeout: Duration = .seconds(180)
  /// Time for a whole message, however slowly it trickles.
  package var messageTimeout: Duration = .seconds(3600)
  /// Time from the greeting to the first MAIL for a client without rights.
  package var firstMailTimeout: Duration = .seconds(300)

  /// Whether passwords may travel in clear (`tls.plaintext-login`).
  package var plaintextLogin = false
  /// Whether AUTH is offered on 25 as well.
  package var authOnRelayPorts = true
  /// Whether clients that pipeline before they may are cut off (Postfix: `smtpd_forbid_unauth_pipelining`).
  package var forbidsEarlyTalking = true
  /// What is done about bare CR, LF and NUL in messages.
  package var lineEnds: LineEndPolicy = .refuse
  /// Whether MAIL FROM domains must exist in DNS (R49).
  package var checksSenderDomain = true
  /// Time for the DNS answers of one sender domain.
  package var senderDomainTimeout: Duration = .seconds(20)
  /// How long a sender domain that exists is not looked up again; zero for never.
  package var senderDomainLifetime: Duration = .seconds(300)
  /// Envelope senders refused with 554: `user@domain`, `@domain` (R43).
  package var badMailFrom: Set<String> = []
  /// Networks that alone are served by a role's listeners; others hear nothing (R1, R9).
  ///
  /// A role without an entry serves all.
  package var allowFrom: [SMTPRole: [IPNetwork]] = [:]
  /// DNS blocklists asked about strangers on port 25.
  package var blocklists: [Blocklist] = []
  /// Time for the answers of all blocklists.
  package var blocklistTimeout: Duration = .seconds(8)
  /// Whether customers' list and bulk mail is refused (R11).
  package var refusesBulk = false
  /// Filters that are asked about mail, in their order, by role.
  package var milters: [SMTPRole: [MilterSettings]] = [:]
  /// Clients that may use LMTP.
  package var lmtpNetworks: [IPNetwork] = ["127.0.0.0/8", "::1/128"].compactMap { IPNetwork($0) }
  /// Where large messages lie while they come in: `<data>/queue/incoming`.
  package var spoolDirectory = "/var/lib/martinet/queue/incoming"

  /// The defaults.
  package init() {}
}
