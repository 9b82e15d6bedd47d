import Basics

/// Every number and switch of the room, with the defaults of the requirements.
package struct RelaySettings: Sendable {
  /// Leases opened by POP and IMAP logins (`open-smtp`).
  package var openSMTP = OpenSMTPSettings()
  /// The pause between two POP logins (`pop3.login-delay`).
  package var popThrottle = PopThrottleSettings()
  /// Rates, strikes and the blacklist (`limits`, `blacklist`).
  package var limits = LimitSettings()
  /// Which domains are validated (`limits`).
  package var validation = ValidationSettings()
  /// Name of this host, as `NODE` in listings.
  package var node = "localhost"

  /// The defaults.
  package init() {}
}

/// When a login opens SMTP for its network, for how long and for whom.
package struct OpenSMTPSettings: Sendable {
  /// Whose address a message sent under a lease may bear (R23).
  package enum SenderPolicy: String, Sendable, CaseIterable {
    /// An address, alias or alias-domain form of an account with a live lease on the network.
    case owned
    /// Any address of a domain hosted here.
    case hostedDomain = "hosted-domain"
    /// Any address at all.
    case any
  }

  /// What a network that many accounts share still gets.
  package enum SharedPolicy: String, Sendable, CaseIterable {
    /// Leases of `sharedLifetime`.
    case shortLease = "short-lease"
    /// Nothing: AUTH only.
    case requireAuth = "require-auth"
  }

  /// Whether logins open leases and leases let anybody relay.
  package var enabled = true
  /// How long a login keeps SMTP open for its network; each login starts it anew (R31).
  package var lifetime: Duration = .seconds(3600)
  /// Bits of an IPv6 address that name one client, 56–128: privacy addresses change between POP and SMTP.
  package var ipv6Prefix = 64
  /// Networks that are recorded although loopback, private, our own or otherwise left out.
  package var includeNetworks: [IPNetwork] = []
  /// Only logins under TLS open a lease.
  package var requireTLS = false
  /// Listeners on which a lease stands for AUTH.
  package var listeners: Set<String> = ["smtp", "smtp-alt", "submission", "submissions"]
  /// Which senders a lease covers.
  package var senderPolicy: SenderPolicy = .owned
  /// Which senders an authenticated account may use.
  package var authSenderPolicy: SenderPolicy = .owned
  /// Networks known to be shared by many customers.
  package var sharedNetworks: [IPNetwork] = []
  /// More live accounts than this on one network make it a shared one.
  package var sharedAccounts = 8
  /// Lifetime of a lease on a shared network.
  package var sharedLifetime: Duration = .seconds(600)
  /// What a shared network gets.
  package var sharedPolicy: SharedPolicy = .shortLease
  /// Proxies whose own address never names a client.
  package var proxyNetworks: [IPNetwork] = []
  /// Web mail hosts: their logins are made for somebody else.
  package var webmailNetworks: [IPNetwork] = []
  /// Messages a minute one account may relay from one network under a lease.
  package var messagesPerMinute = 20
  /// Recipients an hour one account may relay to from one network under a lease.
  package var recipientsPerHour = 200
  /// Failed logins within `pauseWindow` that pause a network's leases.
  package var pauseFailures = 10
  /// The window of `pauseFailures`, and how long after the failures the pause lasts.
  package var pauseWindow: Duration = .seconds(600)
  /// The longest a mere refresh may wait for the disk; shorter lifetimes use a 120th of themselves.
  package var refreshCoalescing: Duration = .seconds(30)
  /// How often an open IMAP session renews its lease; shorter lifetimes use a quarter of themselves.
  package var touchInterval: Duration = .seconds(900)
  /// How often dead rows are swept; hygiene only, expiry is tested at use.
  package var sweepInterval: Duration = .seconds(60)
  /// How long trace ids of swept leases can still be resolved.
  package var traceRetention: Duration = .seconds(30 * 86_400)
  /// A page that explains the refusal, named in the reply when set.
  package var helpURL: String?
  /// Leases looked at for one decision, newest first.
  package var leasesConsidered = 256
  /// Leases for networks other than one client's that an administrator may add.
  package var wideLeases = 1000
  /// Longest time an administrator may give a lease.
  package var longestGrant: Duration = .seconds(30 * 86_400)

  /// The defaults.
  package init() {}

  /// The IPv6 prefix within its bounds.
  package var clientPrefix: Int { min(max(ipv6Prefix, 56), 128) }

  /// How often an open session should renew its lease.
  package var renewal: Duration { min(touchInterval, lifetime / 4) }

  /// How long a mere refresh of a lease may stay in memory.
  package func coalescing(lifetime: Duration) -> Duration { min(refreshCoalescing, lifetime / 120) }
}

/// The POP login delay of RFC 2449 section 6.5.
package struct PopThrottleSettings: Sendable {
  /// How a login that comes too soon is refused.
  package enum Reply: String, Sendable, CaseIterable {
    /// `-ERR [LOGIN-DELAY] …`, then close: what RFC 2449 asks.
    case respCode = "resp-code"
    /// Close without a reply.
    case cut
    /// `+OK`, then close at the next command: the only form that asks no one for a password again.
    case okThenCut = "ok-then-cut"
  }

  /// The pause between two logins, 0–300 s; an offer may say otherwise (R54).
  package var delay: Duration = .seconds(60)
  /// Longest pause that can be set.
  package var longestDelay: Duration = .seconds(300)
  /// Logins within one pause before the next is refused.
  package var burst = 1
  /// One pause for the whole account instead of one for each of its networks.
  package var accountOnly = false
  /// How a refusal looks.
  package var reply: Reply = .respCode
  /// Stamps kept in memory before the oldest are dropped (the database still has them).
  package var remembered = 100_000

  /// The defaults.
  package init() {}
}

/// Rates, strikes, and the blacklist that follows an overrun.
package struct LimitSettings: Sendable {
  /// Who loses sending first.
  package enum OverrunTarget: String, Sendable, CaseIterable {
    /// The network (seed 000).
    case ip
    /// The account that sent, and the network only when nobody was logged in.
    case accountFirst = "account-first"
  }

  /// How a blacklisted client's SMTP connection is met.
  package enum SilenceMode: String, Sendable, CaseIterable {
    /// Accepted, never answered (R9).
    case silent
    /// Reset at once.
    case reset
    /// Told so with 554, then closed.
    case reply
    /// As `silent`; the list is also exported for a firewall.
    case export
  }

  /// What one message counts as.
  package enum Counting: String, Sendable, CaseIterable {
    /// One for each accepted MAIL.
    case messages
    /// One for each recipient.
    case recipients
  }

  /// Messages in a sliding minute from one network or account (R3).
  package var messagesPerMinute = 100
  /// Messages in a sliding minute to or from domains that are not validated (R4).
  package var unvalidatedPerMinute = 10
  /// The window of both.
  package var window: Duration = .seconds(60)
  /// What counts.
  package var counting: Counting = .messages
  /// Size or recipient overruns within `strikeWindow` that blacklist.
  package var strikes = 5
  /// The window of `strikes`.
  package var strikeWindow: Duration = .seconds(600)
  /// Terms of the first, second, … blacklisting; after the last it stands until lifted.
  package var terms: [Duration] = [.seconds(900), .seconds(3600), .seconds(86_400)]
  /// How long an ended blacklisting still counts towards the next term.
  package var termMemory: Duration = .seconds(7 * 86_400)
  /// Who is stopped.
  package var overrunTarget: OverrunTarget = .ip
  /// Networks that are never limited and never blacklisted.
  package var exemptNetworks: [IPNetwork] = []
  /// Networks that are limited and blacklisted although loopback or private.
  package var includeNetworks: [IPNetwork] = []
  /// How a blacklisted client is met.
  package var silence: SilenceMode = .silent
  /// How long a silent connection is held.
  package var silenceDuration: Duration = .seconds(60)
  /// Silent connections held at once: one percent of the server's sockets; the rest are closed at once.
  package var silentConnections = 100
  /// How often a customer may take his network off the list by himself; zero for never.
  package var selfLiftInterval: Duration = .seconds(86_400)
  /// Accounts that are told of one blacklisting.
  package var notices = 100
  /// Clients and accounts whose rates are remembered at once.
  package var remembered = 100_000
  /// How often the rates are written down, for a restart and for `blacklist explain`.
  package var saveInterval: Duration = .seconds(10)
  /// How long ended blacklistings are kept for `blacklist explain`.
  package var historyRetention: Duration = .seconds(90 * 86_400)

  /// The defaults.
  package init() {}
}
