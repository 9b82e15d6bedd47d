import Basics
import GRDB
import MailSyntax

extension Accounts {
  /// Makes an account.
  ///
  /// - Throws: ``AccountsError``: `usage` "Illegal username", `notFound` for domain or offer, `exists` "Username exists",
  ///   `overLimit` for the domain's number of accounts and for quotas.
  @discardableResult
  package func addAccount(_ new: NewAccount) async throws -> Account {
    let address = try names.newLocalPart(of: new.login)
    let comment = try names.comment(new.comment)
    let password = try await columns(for: new.password)
    let (now, quota, offer) = (time.now, new.quota, new.offer)
    return try await change { database in
      let domain = try DomainRecord.require(address.domain, in: database)
      let local = address.localPart
      guard try AccountRecord.find(key: "\(local)@\(domain.name)", in: database) == nil,
        try AliasRecord.find(key: "\(local)@\(domain.name)", in: database) == nil
      else { throw AccountsError.userExists }
      try Self.checkCount(domain, in: database)
      let own = try OfferRecord.require(offer, in: database)
      let inherited = try domain.offerID.flatMap { try OfferRecord.find(id: $0, in: database) }
      try QuotaRules(database: database).check(quota, offer: own ?? inherited, domain: domain, account: nil)
      try AccountRows.insert(
        localPart: local, domain: domain, password: password, quota: quota, offerID: own?.id, comment: comment,
        now: now,
        in: database)
      guard let made = try AccountRecord.find(key: "\(local)@\(domain.name)", in: database) else {
        throw AccountsError.noSuchUser
      }
      return made.account
    }
  }

  /// The account of that number; `nil` when it is gone.
  package func account(id: Int64) async throws -> Account? {
    try await directory.account(id) { try await read { try AccountRecord.find(id: id, in: $0)?.account } }
  }

  /// The account of that address, alias domains resolved; aliases and extensions are not looked at.
  package func account(address: EmailAddress) async throws -> Account? {
    try await read { try AccountRecord.find(address: address, in: $0)?.account }
  }

  /// The account a command names: `user@domain` or `user%domain`.
  ///
  /// - Throws: ``AccountsError``: `usage`, `notFound` "User does not exist" or "Domain does not exist".
  package func account(login: String) async throws -> Account {
    let address = try Names.login(login)
    return try await read { try AccountRows.require(address, in: $0).account }
  }

  /// The accounts of a domain in alphabetical order.
  package func accounts(domain name: String) async throws -> [Account] {
    let domain = try Names.domain(name)
    return try await read { database in
      let record = try DomainRecord.require(domain, in: database)
      return try AccountRecord.all(domainID: record.id, in: database).map(\.account)
    }
  }

  /// The last login of an account by each service, as far as it is written.
  package func lastLogins(_ account: Account) async throws -> [LastLogin] {
    try await read { try LoginHistory.fetch(account: account.id, in: $0) }
  }

  /// Gives an account another password; SCRAM keys follow, APOP's clear secret goes unless asked for.
  ///
  /// Sessions and leases that rest on the old one end: triggers see to it in the same transaction.
  /// - Throws: ``AccountsError``: `notFound`, `usage`.
  @discardableResult
  package func setPassword(_ login: String, _ password: NewPassword) async throws -> Account {
    let address = try Names.login(login)
    let columns = try await columns(for: password)
    let now = time.now
    return try await change { database in
      let found = try AccountRows.require(address, in: database)
      let arguments: NamedValues = ["id": found.account.id, "now": now.milliseconds]
      try database.execute(
        sql: """
          UPDATE account SET \(PasswordColumns.assignments),
            password_changed_at = max(:now, password_changed_at + 1) WHERE id = :id
          """, arguments: StatementArguments(arguments.merging(columns.arguments) { first, _ in first }))
      return try AccountRows.require(address, in: database).account
    }
  }

  /// Changes what is given, and leaves the rest.
  ///
  /// - Parameters:
  ///   - offer: another offer of its own; an empty name for its domain's.
  /// - Throws: ``AccountsError``: `notFound`; `refused` for postmaster's suspension; `overLimit`.
  @discardableResult
  package func setAccount(
    _ login: String, suspended: Bool? = nil, allow: Set<MailService> = [], deny: Set<MailService> = [],
    quota: QuotaChoice? = nil, offer: String? = nil, comment: String? = nil
  ) async throws -> Account {
    let address = try Names.login(login)
    let comment = try comment.map { try names.comment($0) }
    return try await change { database in
      let found = try AccountRows.require(address, in: database).account
      if let suspended {
        if suspended, found.isPostmaster { throw AccountsError.postmasterServes }
        try Self.update(found, "suspended", suspended, in: database)
      }
      for (service, column) in DeniedServices.columns where deny.contains(service) || allow.contains(service) {
        try Self.update(found, column, deny.contains(service), in: database)
      }
      if let comment { try Self.update(found, "comment", comment, in: database) }
      if quota != nil || offer != nil { try Self.set(quota, offer: offer, of: found, in: database) }
      return try AccountRows.require(address, in: database).account
    }
  }

  /// Sets the quota of every account of a domain.
  ///
  /// - Returns: the accounts as they are now.
  /// - Throws: ``AccountsError``; nothing is changed then.
  @discardableResult
  package func setQuota(domain name: String, _ quota: QuotaChoice) async throws -> [Account] {
    let domain = try Names.domain(name)
    return try await change { database in
      let record = try DomainRecord.require(domain, in: database)
      for account in try AccountRecord.all(domainID: record.id, in: database).map(\.account) {
        try Self.set(quota, offer: nil, of: account, in: database)
      }
      return try AccountRecord.all(domainID: record.id, in: database).map(\.account)
    }
  }

  /// Deletes an account; the mail is the caller's to delete.
  ///
  /// Aliases no longer lead to it, and an alias that led nowhere
  /// else is deleted too.
  ///
  /// - Throws: ``AccountsError``: `notFound`; `refused` "postmaster account cannot be deleted" (R55), or for the
  ///   catch-all's target.
  @discardableResult
  package func removeAccount(_ login: String) async throws -> RemovedAccount {
    let address = try Names.login(login)
    return try await change { database in
      let account = try AccountRows.require(address, in: database).account
      if account.isPostmaster { throw AccountsError.postmasterStays }
      let keys = try Self.spellings(of: account, in: database)
      let targets = try String.fetchAll(
        database, sql: "SELECT catch_all_target FROM domain WHERE catch_all_target IS NOT NULL AND id = ?",
        arguments: [account.domainID])
      guard !targets.contains(where: { keys.contains($0.lowercased()) }) else { throw AccountsError.catchAllStays }
      var gone: [EmailAddress] = []
      for key in keys {
        try database.execute(sql: "DELETE FROM alias_target WHERE target_key = ?", arguments: [key])
      }
      let empty = "NOT EXISTS (SELECT 1 FROM alias_target WHERE alias_id = alias.id)"
      for key in try String.fetchAll(database, sql: "SELECT key FROM alias WHERE \(empty)") {
        gone.append(try EmailAddress(key))
      }
      try database.execute(sql: "DELETE FROM alias WHERE \(empty)")
      try database.execute(sql: "DELETE FROM account WHERE id = ?", arguments: [account.id])
      return RemovedAccount(account: account, aliases: gone)
    }
  }

  private static func checkCount(_ domain: DomainRecord, in database: Database) throws {
    guard let limit = domain.limits.accounts else { return }
    let count = try Int.fetchOne(
      database, sql: "SELECT count(*) FROM account WHERE domain_id = ?", arguments: [domain.id])
    guard count ?? 0 < limit else {
      throw AccountsError(.overLimit, "domain \(domain.name) may have \(limit) accounts")
    }
  }

  /// The address with the real domain and with every alias domain.
  private static func spellings(of account: Account, in database: Database) throws -> Set<String> {
    let names = try String.fetchAll(
      database, sql: "SELECT name FROM domain_alias WHERE domain_id = ?", arguments: [account.domainID])
    return Set(names.map { "\(account.address.localPart)@\($0)" } + [account.key])
  }

  private static func set(
    _ quota: QuotaChoice?, offer name: String?, of account: Account, in database: Database
  ) throws {
    guard let domain = try DomainRecord.find(account.address.domain.ascii, in: database) else {
      throw AccountsError.noSuchDomain
    }
    if let name {
      let own = name.isEmpty ? nil : try OfferRecord.require(name, in: database)
      try update(account, "offer_id", own?.id, in: database)
    }
    let current: QuotaChoice =
      account.quotaIsOwn ? account.quota.bytes.map { .bytes($0) } ?? .unlimited : .offer
    let choice = quota ?? current
    let offerID = try Int64.fetchOne(
      database,
      sql: "SELECT coalesce(a.offer_id, d.offer_id) FROM account a JOIN domain d ON d.id = a.domain_id WHERE a.id = ?",
      arguments: [account.id])
    let offer = try offerID.flatMap { try OfferRecord.find(id: $0, in: database) }
    try QuotaRules(database: database).check(choice, offer: offer, domain: domain, account: account.id)
    var bytes: Int64?
    if case .bytes(let value) = choice { bytes = value }
    try database.execute(
      sql: "UPDATE account SET quota_own = ?, quota_bytes = ? WHERE id = ?",
      arguments: [choice != .offer, bytes, account.id])
  }

  /// Sets one column, named by this file only.
  private static func update(
    _ account: Account, _ column: String, _ value: (any DatabaseValueConvertible)?, in database: Database
  ) throws {
    try database.execute(sql: "UPDATE account SET \(column) = ? WHERE id = ?", arguments: [value, account.id])
  }
}

/// What went with an account.
package struct RemovedAccount: Sendable {
  /// The account as it was.
  package let account: Account
  /// Aliases that led nowhere else, and are gone too.
  package let aliases: [EmailAddress]
}
