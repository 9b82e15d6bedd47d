import Basics

/// Everything of a host that its one file, `martinet.yaml`, says; every value has a default but the first two.
package struct Configuration: Sendable {
  /// Absolute path of the file this was read from.
  package var file: String
  /// The server's own name: greeting, EHLO, `Received:`, Message-IDs.
  package var hostname: String
  /// Domain added to bare senders (`user` becomes `user@mailname`, R72).
  package var mailname: String
  /// Absolute path of the data folder.
  package var data: String
  /// Services and the addresses they listen on, in the file's order.
  package var listeners: [ListenerSetting]
  /// Certificates and what may be said without TLS.
  package var tls: TLSSection
  /// OPEN-SMTP leases.
  package var openSMTP: OpenSMTPSection
  /// POP3 polling limits.
  package var pop3: POP3Section
  /// IMAP session settings.
  package var imap: IMAPSection
  /// SMTP texts and checks.
  package var smtp: SMTPSection
  /// Sizes, rates and caps.
  package var limits: LimitSection
  /// The outbound queue.
  package var queue: QueueSection
  /// Filters that SMTP asks about mail, in their order.
  package var milters: [MilterSetting]
  /// Where names are asked.
  package var dns: DNSSection
  /// Mail storage.
  package var storage: StorageSection
  /// Mail from programs of this machine.
  package var sendmail: SendmailSection
  /// The log behind `trace` and `report`.
  package var log: LogSection
  /// Networks whose PROXY protocol header is believed; connections from them must send one.
  package var proxyNetworks: [IPNetwork]
  /// `trace`, `debug`, `info`, `notice`, `warning` or `error`.
  package var logLevel: String
}

/// A certificate chain and its key, as absolute paths of PEM files.
package struct CertificateFiles: Hashable, Sendable {
  /// PEM file with the leaf first.
  package var certificate: String
  /// PEM file with the private key.
  package var key: String
}

/// The section `tls`.
package struct TLSSection: Sendable {
  /// The certificate of the primary name; `nil` when TLS is not configured.
  package var primary: CertificateFiles?
  /// Certificates by host name, chosen by SNI.
  package var hosts: [String: CertificateFiles]
  /// Whether passwords may cross without TLS.
  package var plaintextLogin: Bool
}

/// The section `open-smtp`.
package struct OpenSMTPSection: Sendable {
  /// Whether POP and IMAP logins open SMTP at all.
  package var enabled: Bool
  /// Life of a lease since the last login (3600 s).
  package var lifetime: Duration
  /// Networks recorded although loopback or private.
  package var includeNetworks: [IPNetwork]
  /// Networks of webmails and other shared front ends; never recorded.
  package var webmailNetworks: [IPNetwork]
  /// Networks known to be shared by many customers.
  package var sharedNetworks: [IPNetwork]
  /// What a shared network gets: `short` (a shorter lease) or `auth` (no lease).
  package var sharedPolicy: String
  /// Listener names on which a lease lets relay.
  package var listeners: [String]
  /// `owned`, `hosted-domain` or `any`.
  package var senderPolicy: String
  /// Whether only logins under TLS open a lease.
  package var requireTLS: Bool
  /// Prefix of the IPv6 network that a login opens (56–128).
  package var ipv6Prefix: Int
}

/// The section `pop3`.
package struct POP3Section: Sendable {
  /// Least time between two successful logins of an account from one network (60 s).
  package var loginDelay: Duration
  /// Logins allowed within the delay before it bites (1 = strict).
  package var loginBurst: Int
  /// `resp-code`, `cut` or `ok-then-cut`.
  package var throttleReply: String
  /// `account+network` or `account`.
  package var throttleKey: String
  /// Page that explains the delay; named in the refusal when set.
  package var helpURL: String?
  /// Whether APOP is announced, for accounts whose clear secret is stored.
  package var apop: Bool
}

/// The section `imap`.
package struct IMAPSection: Sendable {
  /// How often an idle client hears `* OK Still here`; zero for never.
  package var keepalive: Duration
  /// Messages one command works on (RFC 9738); 0 for any number.
  package var messageLimit: Int
}

/// The section `smtp`.
package struct SMTPSection: Sendable {
  /// Text after the name in the 220 greeting.
  package var greeting: String
  /// Whether a MAIL FROM domain must exist in the DNS (R49).
  package var checkSenderDomain: Bool
  /// What happens to bare CR or LF in a message: `refuse` or `normalise`.
  package var bareLineEnds: String
  /// Envelope senders that are refused: addresses, or `@domain`.
  package var badMailFrom: [String]
  /// Networks that alone are served, by SMTP listener name.
  package var allowFrom: [String: [IPNetwork]]
  /// DNS blocklists for port 25: `zone`, or `zone=127.0.0.2;127.0.0.4-11`.
  package var blocklists: [String]
  /// Whether customers' list and bulk mail is accepted: `accept` or `refuse`.
  package var bulkMail: String
  /// Domains (`@domain`: and all below) whose queue ETRN may start, and from where; no network: from its exchangers.
  package var etrn: [String: [IPNetwork]]
}

/// The section `limits`.
package struct LimitSection: Sendable {
  /// Largest message in octets (10 240 000).
  package var messageSize: Int64
  /// Recipients of one message (100).
  package var recipients: Int
  /// Messages per sliding minute of one network or account (100).
  package var messagesPerMinute: Int
  /// The same to or from domains that are not validated (10).
  package var unvalidatedPerMinute: Int
  /// Whose mail counts as unvalidated: `clients` or `all`.
  package var unvalidatedScope: String
  /// Destinations that are validated by the administrator's word; `nil` for the built-in list.
  package var wellKnownDomains: [String]?
  /// Oversized or over-addressed messages within ten minutes that blacklist.
  package var strikes: Int
  /// Terms of the first, second, … blacklisting; then it stands until lifted.
  package var blacklistTerms: [Duration]
  /// Who loses sending after an overrun: `ip` or `account-first`.
  package var overrunTarget: String
  /// Whether rates count `messages` or `recipients`.
  package var count: String
  /// How a blacklisted client is met: `silent`, `reset`, `reply` or `export`.
  package var silence: String
  /// Absolute path of the file a firewall includes, with `export`; `nil` for one in the data folder.
  package var exportFile: String?
  /// The form of that file: `nft` or `ipset`.
  package var exportFormat: String
  /// How often a customer may take his network off the blacklist by himself; zero for never.
  package var selfLift: Duration
  /// How long a silent connection is held.
  package var silenceTime: Duration
  /// Connections at once from one /32 or /64.
  package var connectionsPerAddress: Int
  /// Connections at once in all.
  package var connections: Int
  /// Wrong passwords a minute from one address before it is refused.
  package var failedLoginsPerMinute: Int
  /// Time a client has to log in (or to send its first MAIL).
  package var loginTime: Duration
  /// Networks without rate limit, login slow-down or connection cap.
  package var exemptNetworks: [IPNetwork]
  /// Networks limited and blacklisted although loopback or private.
  package var includeNetworks: [IPNetwork]
}

/// As whom mail of one sender domain leaves.
package struct SendingSetting: Sendable {
  /// Name given in EHLO; `nil` for the host's.
  package var hello: String?
  /// Addresses, one of each family; empty for the host's.
  package var addresses: [IPAddress]
}

/// The section `queue`.
package struct QueueSection: Sendable {
  /// Age at which a message is returned (24 h).
  package var lifetime: Duration
  /// Age at which the sender is told of the delay (4 h); zero for never.
  package var delayWarning: Duration
  /// Addresses mail is sent from, one of each family.
  package var sourceAddresses: [IPAddress]
  /// EHLO name and addresses by sender domain.
  package var sending: [String: SendingSetting]
  /// Servers by recipient domain, before the smarthost and MX.
  package var routes: [String: SmarthostSetting]
  /// TLS with mail exchangers: `none`, `opportunistic` or `required`.
  package var tls: String
  /// Whether TLSA records that DNSSEC proves decide about TLS with mail exchangers.
  package var dane: Bool
  /// All outbound mail goes there when set.
  package var smarthost: SmarthostSetting?
  /// Public blacklists asked about the addresses mail is sent from; `nil` for the built-in ones, empty for none.
  package var listingZones: [String]?
  /// How often they are asked.
  package var listingInterval: Duration
  /// Deliveries at once in all.
  package var concurrency: Int
  /// Deliveries at once to one destination.
  package var destinationConcurrency: Int
  /// New connections to one destination in a second; 0 for any number.
  package var destinationRate: Int
  /// How long what waits for a destination is put off when it asks for less.
  package var pacePause: Duration
  /// `dsn` or `qsbmf`.
  package var bounceFormat: String
  /// Port of other servers; 25 but in tests.
  package var remotePort: Int
}

/// One filter of the list `milters`.
package struct MilterSetting: Sendable {
  /// Its name in logs; its address when none is given.
  package var name: String
  /// `host:port`, `inet:port@host` or `unix:/path`.
  package var address: String
  /// `accept`, `tempfail` or `reject`.
  package var onFailure: String
  /// SMTP listeners whose mail it sees.
  package var listeners: [String]
  /// Time for the answer to one event.
  package var timeout: Duration
}

/// The section `dns`.
package struct DNSSection: Sendable {
  /// Resolvers to forward to; empty to ask from the root.
  package var servers: [HostPort]
  /// Absolute path of a DNSSEC trust anchor file; `nil` for the system's, where names are asked from the root.
  package var trustAnchor: String?
  /// Whether the system's trust anchor is used at all.
  package var validates: Bool
}

/// The section `storage`.
package struct StorageSection: Sendable {
  /// Absolute path of the folder a new mailbox is copied from; `nil` for the built-in one.
  package var template: String?
  /// Threads for file work.
  package var threads: Int
  /// Octets of mailbox views kept in memory.
  package var cache: Int64
  /// How long expunged mail is kept for undelete; zero for not at all.
  package var undelete: Duration
  /// Octets of expunged mail kept per account.
  package var undeleteSize: Int64
  /// Whether SEARCH has an index of text.
  package var textIndex: Bool
  /// Octets of one message's text that are indexed.
  package var textIndexMessage: Int64
  /// Octets of an account's text index.
  package var textIndexSize: Int64
  /// Share of the quota at which a warning is written, in percent; 0 for never.
  package var quotaWarning: Int
}
