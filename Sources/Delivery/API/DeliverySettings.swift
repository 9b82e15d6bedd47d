import Basics
import MailQueue
import MailSyntax
import SMTPClient

/// Every number and name delivery works by.
package struct DeliverySettings: Sendable {
  /// Our own name: EHLO, reports, `Reporting-MTA`.
  package var hostname: String
  /// The program bounces say they come from; parsers know `qmail-send program`.
  package var bounceProgram = "qmail-send program"
  /// Whether bounces are `multipart/report` with the QSBMF text first, or that text alone.
  package var bounceFormat = BounceFormat.dsn
  /// Largest original that a bounce brings back whole when the sender asked for it (RET=FULL).
  package var bounceFullLimit = 100_000
  /// Octets of the original's header that a bounce brings back.
  package var bounceHeaderLimit = 64 * 1024
  /// Who hears of bounces that bounce, and stands behind `<postmaster>`; `nil`: postmaster of the host's own domain.
  package var postmaster: EmailAddress?

  /// Alias and forward steps from a recipient to a mailbox.
  package var aliasDepth = 10
  /// Mailboxes and outside addresses one recipient may become.
  package var aliasTargets = 200
  /// `Received:` lines after which a message counts as looping.
  package var hopLimit = 50
  /// Octets of a message's header that are looked at for loops.
  package var loopScanLimit = 256 * 1024

  /// Age at which the sender is told that a message waits; zero for never.
  package var delayWarning: Duration = .seconds(4 * 3600)
  /// Octets of a message that is rewritten for a server or mailbox that cannot take it as it is.
  package var conversionLimit = 64 << 20
  /// Deliveries at once in all.
  package var concurrency = 200
  /// Deliveries at once to one destination.
  package var destinationConcurrency = 20
  /// Deliveries at once to a destination of which nothing is known yet.
  package var initialConcurrency = 4
  /// New connections to one destination in a second; 0 for any number.
  package var connectionRate = 5
  /// How long what waits for a destination is put off when its server asks for less (421, or 4.7.x before RCPT).
  package var pacePause: Duration = .seconds(60)
  /// Share of all deliveries that mail of class `list` may take, in percent.
  package var listShare = 25
  /// Recipients claimed from the queue and waiting in memory for their turn.
  package var claimLimit = 2000
  /// Most addresses tried in one attempt.
  package var addressLimit = 8
  /// Most messages sent over one connection.
  package var messagesPerConnection = 100
  /// Pause after the queue itself failed (full disk, busy database).
  package var troublePause: Duration = .seconds(5)
  /// Longest time without a look at the queue, so that forgotten claims return.
  package var longestSleep: Duration = .seconds(60)
  /// How often files that a crash or another process left are looked for.
  package var sweepInterval: Duration = .seconds(1800)
  /// How long attempts under way may go on once the server stops.
  package var drainTime: Duration = .seconds(10)

  /// Port of other servers: 25 but in tests.
  package var remotePort = 25
  /// Addresses mail is sent from, one of each family; without one the system chooses.
  package var sourceAddresses: [IPAddress] = []
  /// The same by sender domain, instead of ``sourceAddresses``.
  package var senderAddresses: [MailDomain: [IPAddress]] = [:]
  /// What is done about TLS with mail exchangers.
  package var tls: TLSPolicy = .opportunistic
  /// Whether TLSA records that DNSSEC proves decide about TLS with mail exchangers (RFC 7672).
  package var dane = true
  /// A server that takes all outbound mail.
  package var smarthost: Smarthost?
  /// Servers for single domains, before `smarthost` and MX.
  package var routes: [MailDomain: Smarthost] = [:]
  /// Name given in EHLO by sender domain; others give `hostname`.
  package var helloNames: [MailDomain: String] = [:]

  /// Key of the sender rewriting scheme; empty: forwards keep the sender.
  package var srsKey: [UInt8] = []
  /// How long a rewritten sender takes bounces.
  package var srsLifetime: Duration = .seconds(21 * 86_400)

  /// The defaults for a host.
  package init(hostname: String) { self.hostname = hostname }
}

/// The forms of a bounce.
package enum BounceFormat: String, Sendable {
  /// RFC 3464, with qmail's text as first part.
  case dsn
  /// qmail's text alone.
  case qsbmf
}

/// A server that takes mail for others.
package struct Smarthost: Sendable, Hashable {
  /// Its name or address.
  package var host: String
  /// Its port.
  package var port: Int
  /// Encryption.
  package var tls: TLSPolicy
  /// Whether its certificate must fit its name; always false for `opportunistic` and `off`.
  package var verifiesName: Bool
  /// Login there.
  package var login: String?
  /// The password; never logged.
  package var password: String
  /// Messages it may be given within 24 hours; `nil` for no cap (R68).
  package var daily: Int?
  /// Messages it may be given within 30 days; `nil` for no cap.
  package var monthly: Int?

  /// Describes a server.
  package init(
    host: String, port: Int = 587, tls: TLSPolicy = .opportunistic, verifiesName: Bool = false, login: String? = nil,
    password: String = ""
  ) {
    self.host = host
    self.port = port
    self.tls = tls
    self.verifiesName = verifiesName
    self.login = login
    self.password = password
  }
}

/// An address on which this host itself takes mail; unspecified addresses stand for every local one.
package struct ListeningAddress: Sendable, Hashable {
  /// The address.
  package var address: IPAddress
  /// The port.
  package var port: Int

  /// Makes one.
  package init(_ address: IPAddress, port: Int) {
    self.address = address
    self.port = port
  }
}
