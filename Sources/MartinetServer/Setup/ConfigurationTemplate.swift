import Configuration

/// The commented configuration that `martinet init` writes; `Config/martinet.yaml` is this text with its defaults.
package struct ConfigurationTemplate: Sendable {
  /// The server's own name.
  package var hostname = "mail.example.com"
  /// Domain added to bare senders.
  package var mailname: String?
  /// Absolute data folder.
  package var data = "/var/lib/martinet"
  /// Added to every port.
  package var portBase = 0
  /// Addresses to listen on.
  package var hosts = ["0.0.0.0", "[::]"]
  /// Whether this is the sandbox of `make run`.
  package var isDemo = false

  /// Starts with the values of `Config/martinet.yaml`.
  package init() {}

  private func addresses(_ service: ListenerService) -> String {
    "[" + hosts.map { "\"\($0):\(portBase + service.standardPort)\"" }.joined(separator: ", ") + "]"
  }

  /// The sandbox sends nothing outside: its smarthost is a port where nobody listens, so that mail waits in the queue.
  private var smarthost: String {
    isDemo
      ? "\"127.0.0.1:\(portBase + 26)\"     # a sandbox: nobody listens there, so mail waits in the queue"
      : "null                  # \"host:port\", or {preset: gmail, username: …, password-file: …, daily: 500}"
  }

  private var demoNetworks: String { isDemo ? "[\"127.0.0.0/8\", \"::1\"]" : "[]" }

  /// The file's text.
  package var text: String {
    """
    # martinet.yaml: everything of this host that is not a domain's or an account's.
    # Domains, accounts, offers and aliases live in the database: see `martinet domain --help`.
    # `martinet config check` names every fault with its line; SIGHUP (or `martinet config reload`)
    # reloads limits and certificates without dropping a session.
    # Durations: 0s 90s 15m 1h 24h.  Sizes: 10240000 25M 2G.  Paths: absolute, or relative to this file.

    # The server's full name: greeting, EHLO, Received: and Message-IDs. Its reverse DNS should say the same.
    hostname: \(hostname)

    # Domain added to senders without one (`user` becomes `user@mailname`).
    mailname: \(mailname ?? hostname)

    # Accounts, queue and mail; back this folder up.
    data: \(data)

    # Services and where they listen: a list of addresses each. Leave one out to switch it off.
    listen:
      smtp: \(addresses(.smtp))            # mail from other servers; relay for those who have the right
      smtp-alt: \(addresses(.smtpAlt))      # the same on 2525, where a provider blocks 25 or 587
      submission: \(addresses(.submission))     # customers' mail programs, STARTTLS
      submissions: \(addresses(.submissions))    # customers' mail programs, TLS from the first octet
      pop3: \(addresses(.pop3))
      pop3s: \(addresses(.pop3s))
      imap: \(addresses(.imap))
      imaps: \(addresses(.imaps))
      http: \(addresses(.http))            # help pages (why a POP client was cut off), settings for mail programs
      https: \(addresses(.https))          # the same with TLS; leave both out where a web server has these ports
      # lmtp: ["127.0.0.1:\(portBase + 24)"]                 # for another MTA in front (RFC 2033)

    # TLS 1.2 and later. `hosts` adds certificates for further names, chosen by SNI.
    tls:
      certificate: \(data)/tls/cert.pem
      key: \(data)/tls/key.pem
      plaintext-login: \(isDemo ? "true " : "false")           # true: passwords may cross without TLS\(isDemo ? " (this is a sandbox)" : "")
      # hosts:
      #   pop3.customer.example: {certificate: tls/customer.pem, key: tls/customer.key}

    # A login by POP3 or IMAP opens SMTP for the client's address (OPEN-SMTP).
    open-smtp:
      enabled: true
      lifetime: 1h                     # since the last login; an open IMAP session renews it
      include-networks: \(demoNetworks)            # recorded although loopback or private; neither is by default
      webmail-networks: []             # never recorded: webmails and other front ends
      shared-networks: []              # known to be shared by many customers
      shared-policy: short             # what a shared network gets: short (10 minutes) or auth (no lease)
      listeners: [smtp, smtp-alt, submission, submissions]
      sender-policy: owned             # owned, hosted-domain or any
      require-tls: false               # true: only logins under TLS count
      ipv6-prefix: 64

    # A POP3 client that polls more often than this is cut off (0s–300s); IMAP is not.
    pop3:
      login-delay: 60s
      login-burst: 1
      throttle-reply: resp-code        # resp-code, cut or ok-then-cut
      throttle-key: account+network    # or account
      apop: false                      # announce APOP, for accounts whose clear secret is stored
      # help-url: https://example.com/pop-too-often   # named in the refusal; else the host's own page

    imap:
      keepalive: 2m                    # "* OK Still here" for idle clients behind NAT; 0s for never
      message-limit: 0                 # messages one command works on (MESSAGELIMIT), 1000 at least; 0 for any number

    smtp:
      greeting: ESMTP Martinet         # after the name in the 220 line
      check-sender-domain: \(isDemo ? "false" : "true ")       # MAIL FROM needs a domain with MX or address\(isDemo ? " (off: a sandbox may have no DNS)" : "")
      bare-line-ends: refuse           # bare CR or LF in a message: refuse or normalise
      badmailfrom: []                  # envelope senders refused: addresses or @domain
      allow-from: {}                   # networks a listener serves, others hear nothing: {submission: [192.0.2.0/24]}
      dnsbl: []                        # blocklists asked about strangers on port 25: zone, or zone=127.0.0.2;127.0.0.4-11
      bulk-mail: accept                # list and bulk mail of customers: accept or refuse
      etrn: {}                         # domains whose queue a client may start (ETRN), and from where:
      #   customer.example: [192.0.2.0/24]
      #   "@other.example": []         # all below it too; an empty list: from the domain's own mail exchangers

    limits:
      message-size: 10240000
      recipients: 100                  # of one message
      messages-per-minute: 100         # of one network or account; above it: refusal, then the blacklist
      unvalidated-per-minute: 10       # of those, to or from domains that are not validated
      count: messages                  # what these two count: messages, or each of their recipients
      unvalidated-scope: clients       # whose: clients (AUTH or a POP/IMAP login), or all
      # well-known-domains: [gmail.com, outlook.com]   # validated destinations; a list of large providers is built in
      strikes: 5                       # oversized or over-addressed messages in 10 minutes, then the blacklist
      blacklist-terms: [15m, 1h, 24h]  # first, second, third time; after that until lifted
      overrun-target: ip               # ip, or account-first: the account loses sending before its network does
      silence: silent                  # how a blacklisted client is met: silent, reset, reply or export
      silence-time: 60s
      # export-file: /etc/nftables.d/martinet.nft   # written with "export"; else run/blacklist.nft in the data folder
      export-format: nft               # nft (a table for nft -f) or ipset (for ipset restore)
      self-lift: 24h                   # how often customers may lift their own network on /help/unblock; 0s: never
      connections-per-address: 50
      connections: 20000
      failed-logins-per-minute: 10
      login-time: 3m                   # to log in, or to send the first MAIL
      exempt-networks: []              # no rate limit, no login slow-down, no connection cap
      include-networks: []             # limited and blacklisted although loopback or private

    # Networks whose PROXY protocol header is believed (and required).
    proxy-networks: []

    queue:
      lifetime: 24h                    # then the message goes back to its sender
      delay-warning: 4h                # 0s for never
      smarthost: \(smarthost)
      routes: {}                       # by recipient domain, before smarthost and MX: {example.com: "10.0.0.5:25"}
      source-addresses: []             # addresses mail is sent from, one of each family; empty: the system's choice
      sending: {}                      # by sender domain: {example.com: {hello: mail.example.com, addresses: [192.0.2.2]}}
      tls: opportunistic               # with mail exchangers: none, opportunistic or required
      dane: true                       # TLSA records proven by DNSSEC demand TLS with the certificate they name
      concurrency: 100
      destination-concurrency: 20
      destination-rate: 5              # new connections to one destination in a second; 0: any number
      pace-pause: 60s                  # how long mail for a destination waits that asks for less (421, 4.7.x)
      # dnsbl-watch: [zen.spamhaus.org]   # blacklists asked about our own addresses; built in when left out, []: none
      dnsbl-interval: 24h              # how often; what they say is in `martinet status` and `martinet report dnsbl`
      bounce-format: dsn               # dsn (multipart/report with qmail's text first) or qsbmf

    # Filters that see mail before it is taken (Sendmail's milter protocol: rspamd, opendkim, clamav-milter ...).
    milters: []
      # - {name: rspamd, address: "127.0.0.1:11332", on-failure: tempfail}   # or accept, or reject
      # - {name: signer, address: "unix:/run/opendkim.sock", listeners: [submission, submissions], timeout: 30s}

    dns:
      servers: []                      # empty: ask from the root; else forward there, "127.0.0.1:53"
      # trust-anchor: /usr/share/dns/root.key   # DNSSEC, which DANE and REQUIRETLS need: the default when asking from the
      #                                         # root (Debian's dns-root-data); none switches it off

    storage:
      # template: /etc/martinet/Maildir-template   # what a new mailbox is copied from; built in when left out
      threads: 16
      cache: 64M
      undelete: 0s                     # how long expunged mail is kept for `martinet mailbox undelete`; 0s: not at all
      undelete-size: 1G                # of one account; the oldest goes first
      text-index: true                 # SEARCH TEXT and BODY from an index; false: from the files
      text-index-message: 1M           # text of one message that is indexed; what lies behind is searched in the file
      text-index-size: 4G              # of one account; mail above it is searched in the files
      quota-warning: 90                # percent; 0 for never

    # Mail from programs of this machine, by the command sendmail.
    sendmail:
      drop: null                       # for users who may not write the data folder: /var/spool/martinet
      users: {}                        # system user: account its mail counts for; www-data: site@example.com
      others: local                    # everybody else: local (to mailboxes here), any or refuse

    # What `martinet trace` and `martinet report` know.
    log:
      retention: 30d
      events: 10000000                 # at most; the oldest go first

    log-level: info

    """
  }
}
