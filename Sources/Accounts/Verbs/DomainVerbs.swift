import Basics
import GRDB
import MailSyntax

extension Accounts {
  /// Makes a domain and its postmaster (R55).
  ///
  /// - Parameters:
  ///   - postmaster: postmaster's password.
  /// - Throws: ``AccountsError``: `usage` "Invalid domain name", `exists` "Domain already exists", `notFound` for the
  ///   offer.
  @discardableResult
  package func addDomain(
    _ name: String, offer: String? = nil, catchAll: CatchAll = .bounce, postmaster: NewPassword, comment: String = ""
  ) async throws -> DomainInfo {
    let domain = try names.newDomain(name)
    let comment = try names.comment(comment)
    let password = try await columns(for: postmaster)
    let now = time.now
    return try await change { database in
      guard try DomainRecord.find(domain.ascii, in: database) == nil else { throw AccountsError.domainExists }
      let offerID = try OfferRecord.require(offer, in: database)?.id
      try database.execute(
        sql: "INSERT INTO domain(name, offer_id, comment, created_at) VALUES (?, ?, ?, ?)",
        arguments: [domain.ascii, offerID, comment, now.milliseconds])
      let record = try DomainRecord.require(domain, in: database)
      try AccountRows.insert(
        localPart: postmasterName, domain: record, password: password, quota: .offer, offerID: nil, comment: "",
        now: now, in: database)
      try Self.store(catchAll, of: record, in: database)
      return try DomainRecord.require(domain, in: database).info(in: database)
    }
  }

  /// Every domain, in alphabetical order.
  package func domains() async throws -> [DomainInfo] {
    try await read { database in
      let names = try String.fetchAll(database, sql: "SELECT name FROM domain ORDER BY name")
      return try names.compactMap { try DomainRecord.find($0, in: database)?.info(in: database) }
    }
  }

  /// One domain, by its name or an alias domain's.
  ///
  /// - Throws: ``AccountsError``: `notFound` "Domain does not exist".
  package func domain(_ name: String) async throws -> DomainInfo {
    let domain = try Names.domain(name)
    return try await read { try DomainRecord.require(domain, in: $0).info(in: $0) }
  }

  /// Deletes a domain with its accounts, aliases and alias domains; the mail is the caller's to delete.
  ///
  /// - Returns: the accounts that are gone.
  /// - Throws: ``AccountsError``: `notFound`; `refused` when the name is only an alias domain.
  @discardableResult
  package func removeDomain(_ name: String) async throws -> [Account] {
    let domain = try Names.domain(name)
    return try await change { database in
      let record = try DomainRecord.require(domain, in: database)
      guard record.name == domain.ascii else {
        throw AccountsError(.refused, "\(domain) is an alias domain of \(record.name)")
      }
      let accounts = try AccountRecord.all(domainID: record.id, in: database).map(\.account)
      try database.execute(sql: "DELETE FROM domain WHERE id = ?", arguments: [record.id])
      return accounts
    }
  }

  /// Changes what is given, and leaves the rest.
  ///
  /// - Parameters:
  ///   - offer: another offer for the accounts without one of their own; an empty name for none.
  /// - Throws: ``AccountsError``: `notFound`, `overLimit` when accounts' quotas would be beyond the new offer.
  @discardableResult
  package func setDomain(
    _ name: String, suspended: Bool? = nil, allow: Set<MailService> = [], deny: Set<MailService> = [],
    offer: String? = nil, delimiters: String? = nil, comment: String? = nil
  ) async throws -> DomainInfo {
    let domain = try Names.domain(name)
    let comment = try comment.map { try names.comment($0) }
    if let delimiters, !delimiters.allSatisfy({ "+-=_".contains($0) }) || delimiters.count > 4 {
      throw AccountsError(.usage, "delimiters are some of + - = _")
    }
    return try await change { database in
      let record = try DomainRecord.require(domain, in: database)
      if let suspended { try Self.update(record, "suspended", suspended, in: database) }
      if let delimiters { try Self.update(record, "delimiters", delimiters, in: database) }
      if let comment { try Self.update(record, "comment", comment, in: database) }
      for (service, column) in DeniedServices.columns where deny.contains(service) || allow.contains(service) {
        try Self.update(record, column, deny.contains(service), in: database)
      }
      if let offer { try Self.give(offer, to: record, in: database) }
      return try DomainRecord.require(domain, in: database).info(in: database)
    }
  }

  /// Sets the bounds of a domain; what is there already stays, even beyond them.
  @discardableResult
  package func setLimits(_ name: String, _ limits: DomainLimits) async throws -> DomainInfo {
    let domain = try Names.domain(name)
    guard limits.accounts ?? 1 >= 1, limits.aliases ?? 0 >= 0, limits.quota ?? 1 >= 1 else {
      throw AccountsError(.usage, "a limit is a positive number; postmaster counts as an account")
    }
    return try await change { database in
      let record = try DomainRecord.require(domain, in: database)
      try database.execute(
        sql: "UPDATE domain SET max_accounts = ?, max_aliases = ?, quota_bytes = ? WHERE id = ?",
        arguments: [limits.accounts, limits.aliases, limits.quota, record.id])
      return try DomainRecord.require(domain, in: database).info(in: database)
    }
  }

  /// Lets a name stand for a domain, for logins, recipients and senders.
  ///
  /// - Throws: ``AccountsError``: `exists` "Domain already exists", `notFound`, `overLimit`.
  package func addAliasDomain(_ alias: String, of name: String) async throws {
    let alias = try names.newDomain(alias)
    let domain = try Names.domain(name)
    let (now, limit) = (time.now, settings.aliasDomainsPerDomain)
    try await change { database in
      let record = try DomainRecord.require(domain, in: database)
      guard try DomainRecord.find(alias.ascii, in: database) == nil else { throw AccountsError.domainExists }
      let count = try Int.fetchOne(
        database, sql: "SELECT count(*) FROM domain_alias WHERE domain_id = ?", arguments: [record.id])
      guard count ?? 0 < limit else { throw AccountsError(.overLimit, "a domain has at most \(limit) alias domains") }
      try database.execute(
        sql: "INSERT INTO domain_alias(name, domain_id, created_at) VALUES (?, ?, ?)",
        arguments: [alias.ascii, record.id, now.milliseconds])
    }
  }

  /// Every alias domain with the domain it stands for, or those of one domain.
  package func aliasDomains(of name: String? = nil) async throws -> [(alias: MailDomain, domain: MailDomain)] {
    let domain = try name.map { try Names.domain($0) }
    return try await read { database in
      let record = try domain.map { try DomainRecord.require($0, in: database) }
      let rows = try Row.fetchAll(
        database,
        sql: """
          SELECT a.name, d.name FROM domain_alias a JOIN domain d ON d.id = a.domain_id
          WHERE ?1 IS NULL OR d.id = ?1 ORDER BY a.name
          """, arguments: [record?.id])
      return try rows.map { (try MailDomain($0[0] as String), try MailDomain($0[1] as String)) }
    }
  }

  /// Ends a name that stands for a domain.
  ///
  /// - Throws: ``AccountsError``: `notFound` when it is no alias domain.
  package func removeAliasDomain(_ alias: String) async throws {
    let alias = try Names.domain(alias)
    try await change { database in
      try database.execute(sql: "DELETE FROM domain_alias WHERE name = ?", arguments: [alias.ascii])
      guard database.changesCount > 0 else { throw AccountsError(.notFound, "Alias domain does not exist") }
    }
  }

  /// Decides what becomes of mail for names nobody has.
  ///
  /// - Throws: ``AccountsError``: `notFound` when the domain, or the address in it, does not exist.
  package func setCatchAll(_ name: String, _ choice: CatchAll) async throws {
    let domain = try Names.domain(name)
    try await change { try Self.store(choice, of: try DomainRecord.require(domain, in: $0), in: $0) }
  }

  private static func store(_ choice: CatchAll, of domain: DomainRecord, in database: Database) throws {
    var (kind, target): (String, String?) = ("bounce", nil)
    switch choice {
    case .bounce: break
    case .delete: kind = "delete"
    case .address(let address):
      (kind, target) = ("address", "\(address)")
      if let home = try DomainRecord.find(address.domain.ascii, in: database) {
        let matcher = RecipientMatcher(domain: home, candidates: 8, database: database)
        guard try matcher.named(address) != nil else { throw AccountsError.noSuchUser }
      }
    }
    try database.execute(
      sql: "UPDATE domain SET catch_all = ?, catch_all_target = ? WHERE id = ?", arguments: [kind, target, domain.id])
  }

  private static func give(_ offer: String, to domain: DomainRecord, in database: Database) throws {
    let record = offer.isEmpty ? nil : try OfferRecord.require(offer, in: database)
    if let record {
      let largest = record.offer.largestQuota
      let beyond = try String.fetchOne(
        database,
        sql: """
          SELECT key FROM account WHERE domain_id = ? AND offer_id IS NULL AND quota_own
            AND coalesce(quota_bytes, 9223372036854775807) > ? LIMIT 1
          """, arguments: [domain.id, largest])
      if let beyond {
        throw AccountsError(
          .overLimit, "\(beyond) has more than offer \(record.offer.name) allows (\(ByteSize(largest)))")
      }
    }
    try update(domain, "offer_id", record?.id, in: database)
  }

  /// Sets one column, named by this file only.
  private static func update(
    _ domain: DomainRecord, _ column: String, _ value: (any DatabaseValueConvertible)?, in database: Database
  ) throws {
    try database.execute(sql: "UPDATE domain SET \(column) = ? WHERE id = ?", arguments: [value, domain.id])
  }
}
