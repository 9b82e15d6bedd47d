import Basics

/// Every number of this room, each with its default.
package struct AccountSettings: Sendable {
  /// What the quota of an offer may be, in octets (R52: 25 MB to 2 GB).
  package var offerQuota: ClosedRange<Int64> = (25 << 20)...(2 << 30)
  /// The longest interval between POP logins an offer may ask for.
  package var longestPOPLoginDelay: Duration = .seconds(300)
  /// The most messages an hour an offer may allow; more is no bound at all.
  package var largestHourlyRate = 1_000_000
  /// The longest local part of a new account or alias (vpopmail's own bound, and RFC 5321's).
  package var localPartLength = 64
  /// The longest domain name, as A-labels (vpopmail's own bound).
  package var domainLength = 96
  /// The longest comment, in octets.
  package var commentLength = 256
  /// The most targets one alias may have.
  package var targetsPerAlias = 20
  /// The most alias domains one domain may have.
  package var aliasDomainsPerDomain = 100
  /// The most app passwords one account may have.
  package var appPasswordsPerAccount = 50
  /// The shortest password an administrator may set.
  package var shortestPassword = 1
  /// The longest password, in octets; longer ones are never right (libxcrypt's own bound is 512).
  package var longestPassword = 256
  /// Iterations of new SCRAM-SHA-256 keys (RFC 7677 asks for 4096 at least).
  package var scramIterations = 10_000
  /// Whether a login with a password rewrites a hash of an older kind as yescrypt and adds SCRAM keys.
  package var upgradesHashes = true
  /// How long a verified password is remembered, as a keyed digest in memory only.
  package var verifiedLoginLifetime: Duration = .seconds(900)
  /// How many verified passwords are remembered at most.
  package var verifiedLogins = 10_000
  /// How often other processes' changes are looked for.
  package var changePoll: Duration = .seconds(1)
  /// How many rows the feed of changes keeps.
  package var keptChanges: Int64 = 10_000
  /// How long last logins are collected before they are written.
  package var loginHistoryDelay: Duration = .seconds(5)
  /// How many accounts' last logins are collected at most before they are written.
  package var loginHistoryBatch = 1000
  /// How many recipients, domains and senders are remembered, each, until domains, accounts, aliases or offers change.
  package var rememberedRecipients = 8192
  /// How many extensions of one local part are tried (`a-b-c` may be `a-b` or `a`).
  package var extensionCandidates = 8

  /// Makes the defaults.
  package init() {}
}

/// The numbers of password hashing.
package struct HasherSettings: Sendable {
  /// Threads of the pool; 0 for one per core.
  package var threads = 0
  /// How many passwords may wait for a thread before callers are told to come back later.
  package var queue = 128
  /// Cost of new yescrypt hashes; 0 for libxcrypt's default (about 19 ms).
  package var cost: UInt = 0

  /// Makes the defaults.
  package init() {}
}
