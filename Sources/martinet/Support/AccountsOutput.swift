import Accounts
import Basics

extension AccountsError: CommandFailureConvertible {
  var commandFailure: CommandFailure {
    switch code {
    case .refused: CommandFailure(.refused, text)
    case .usage: CommandFailure(.usage, text)
    case .notFound: CommandFailure(.notFound, text)
    case .exists: CommandFailure(.exists, text)
    case .overLimit: CommandFailure(.overLimit, text)
    case .temporary: CommandFailure(.tryLater, text)
    }
  }
}

extension HostDatabaseError: CommandFailureConvertible {
  var commandFailure: CommandFailure { CommandFailure(code == .unavailable ? .tryLater : .refused, description) }
}

extension JSONValue {
  /// A time in RFC 3339, or null.
  init(_ time: Timestamp?) { self = time.map { .string($0.rfc3339) } ?? .null }

  /// Services in their fixed order.
  init(_ services: Set<MailService>) { self.init(services.sorted().map(\.rawValue)) }

  /// A domain, as `domain` prints it.
  init(_ domain: DomainInfo) {
    self = [
      "name": .string(domain.name.ascii), "unicode": .string(domain.name.unicode), "offer": JSONValue(domain.offer),
      "suspended": .bool(domain.suspended), "denied": JSONValue(domain.denied),
      "catchall": .string("\(domain.catchAll)"), "delimiters": .string(domain.delimiters),
      "accounts": JSONValue(domain.accountCount), "aliases": JSONValue(domain.aliasCount),
      "alias_domains": JSONValue(domain.aliasDomains.map(\.ascii)), "limits": JSONValue(domain.limits),
      "comment": .string(domain.comment), "created": JSONValue(domain.createdAt),
    ]
  }

  /// The limits of a domain.
  init(_ limits: DomainLimits) {
    self = [
      "accounts": JSONValue(limits.accounts), "aliases": JSONValue(limits.aliases), "quota": JSONValue(limits.quota),
    ]
  }

  /// An account, as `account` prints it.
  init(_ account: Account, adding more: [(String, JSONValue)] = []) {
    let members: [(String, JSONValue)] = [
      ("address", .string(account.key)), ("domain", .string(account.address.domain.ascii)),
      ("offer", JSONValue(account.offer.name)), ("quota", JSONValue(account.quota.bytes)),
      ("quota_messages", JSONValue(account.quota.messages)),
      ("quota_source", .string(account.quotaSource)), ("suspended", .bool(account.suspended)),
      ("denied", JSONValue(account.denied)), ("comment", .string(account.comment)),
      ("directory", .string(account.directory)), ("apop", .bool(account.hasAPOPSecret)),
      ("scram", .bool(account.hasSCRAMKeys)), ("created", JSONValue(account.createdAt)),
      ("password_changed", JSONValue(account.passwordChangedAt)),
    ]
    self = .object(members + more)
  }

  /// An alias.
  init(_ alias: AliasInfo) {
    self = [
      "address": .string(alias.address.key), "targets": JSONValue(alias.targets.map(\.description)),
      "comment": .string(alias.comment),
    ]
  }

  /// An offer.
  init(_ info: OfferInfo) {
    let offer = info.offer
    self = [
      "name": .string(offer.name), "quota": JSONValue(offer.quota), "max_quota": JSONValue(offer.largestQuota),
      "messages": JSONValue(offer.messages), "denied": JSONValue(offer.denied),
      "pop_login_delay": JSONValue(offer.popLoginDelay.map { $0.wholeMilliseconds / 1000 }),
      "messages_per_hour": JSONValue(offer.messagesPerHour),
      "domains": JSONValue(info.domainCount), "accounts": JSONValue(info.accountCount),
      "comment": .string(offer.comment),
    ]
  }

  /// An app password, without its secret.
  init(_ password: AppPassword, adding more: [(String, JSONValue)] = []) {
    let members: [(String, JSONValue)] = [
      ("name", .string(password.name)), ("services", JSONValue(password.services)),
      ("created", JSONValue(password.createdAt)), ("last_used", JSONValue(password.lastUse?.at)),
      ("last_service", JSONValue(password.lastUse?.service.rawValue)), ("last_peer", JSONValue(password.lastUse?.peer)),
    ]
    self = .object(members + more)
  }
}

extension Account {
  /// Who decided the quota: `account`, `offer`, or `none` when there is none.
  var quotaSource: String { quotaIsOwn ? "account" : offer.name == nil ? "none" : "offer" }

  /// The quota for people.
  var quotaText: String { quota.bytes.map { "\(ByteSize($0))" } ?? "none" }
}

/// Small words of tables and facts.
enum Words {
  /// `pop imap`, or `-` for none.
  static func services(_ services: Set<MailService>) -> String {
    services.isEmpty ? "-" : services.sorted().map(\.rawValue).joined(separator: " ")
  }

  /// `1 recipient`, `2 recipients`.
  static func count(_ number: Int, _ noun: String) -> String { "\(number) \(noun)\(number == 1 ? "" : "s")" }

  /// `name: value` lines, values in one column; empty values are left out.
  static func facts(_ facts: [(String, String)]) -> String {
    let shown = facts.filter { !$0.1.isEmpty }
    let width = shown.map { $0.0.count + 1 }.max() ?? 0
    return shown.map { name, value in
      name + ":" + String(repeating: " ", count: width - name.count + 1) + value
    }.joined(separator: "\n")
  }
}
