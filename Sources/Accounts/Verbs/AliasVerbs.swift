import Basics
import GRDB
import MailSyntax

extension Accounts {
  /// Makes an alias, or a forward when a target is outside.
  ///
  /// - Parameters:
  ///   - targets: addresses; never programs or files.
  ///   - appending: adds the targets to an alias that exists already.
  /// - Throws: ``AccountsError``: `usage`, `notFound` for the domain, `exists` "Alias already exists" or
  ///   "Username exists", `overLimit` for the domain's number of aliases and the targets of one alias.
  @discardableResult
  package func addAlias(
    _ name: String, targets: [String], comment: String = "", appending: Bool = false
  ) async throws -> AliasInfo {
    let address = try names.newLocalPart(of: name)
    let comment = try names.comment(comment)
    let wanted = try targets.map { try Names.target($0) }
    guard !wanted.isEmpty else { throw AccountsError(.usage, "an alias needs a target") }
    let (now, limit) = (time.now, settings.targetsPerAlias)
    return try await change { database in
      let domain = try DomainRecord.require(address.domain, in: database)
      let key = "\(address.localPart)@\(domain.name)"
      guard try AccountRecord.find(key: key, in: database) == nil else { throw AccountsError.userExists }
      if try AliasRecord.find(key: key, in: database) != nil {
        guard appending else { throw AccountsError(.exists, "Alias already exists") }
      } else {
        try Self.checkCount(domain, in: database)
        try database.execute(
          sql: "INSERT INTO alias(domain_id, local_part, key, comment, created_at) VALUES (?, ?, ?, ?, ?)",
          arguments: [domain.id, address.localPart, key, comment, now.milliseconds])
      }
      guard let alias = try AliasRecord.find(key: key, in: database) else { throw AccountsError.noSuchAlias }
      try Self.append(wanted, to: alias, key: key, limit: limit, in: database)
      return try Self.info(alias, domain: domain, in: database)
    }
  }

  /// The aliases of a domain in alphabetical order.
  package func aliases(domain name: String) async throws -> [AliasInfo] {
    let domain = try Names.domain(name)
    return try await read { database in
      let record = try DomainRecord.require(domain, in: database)
      return try AliasRecord.all(domainID: record.id, in: database).map {
        try Self.info($0, domain: record, in: database)
      }
    }
  }

  /// Deletes an alias.
  ///
  /// - Throws: ``AccountsError``: `notFound` "Alias does not exist"; `refused` when it is the catch-all's target.
  @discardableResult
  package func removeAlias(_ name: String) async throws -> AliasInfo {
    let address = try Names.login(name)
    return try await change { database in
      let domain = try DomainRecord.require(address.domain, in: database)
      let key = "\(address.localPart)@\(domain.name)"
      guard let alias = try AliasRecord.find(key: key, in: database) else { throw AccountsError.noSuchAlias }
      guard domain.catchAllTarget?.lowercased() != key else { throw AccountsError.catchAllStays }
      let info = try Self.info(alias, domain: domain, in: database)
      try database.execute(sql: "DELETE FROM alias WHERE id = ?", arguments: [alias.id])
      return info
    }
  }

  private static func checkCount(_ domain: DomainRecord, in database: Database) throws {
    guard let limit = domain.limits.aliases else { return }
    let count = try Int.fetchOne(
      database, sql: "SELECT count(*) FROM alias WHERE domain_id = ?", arguments: [domain.id])
    guard count ?? 0 < limit else {
      throw AccountsError(.overLimit, "domain \(domain.name) may have \(limit) aliases")
    }
  }

  private static func append(
    _ targets: [EmailAddress], to alias: AliasRecord, key: String, limit: Int, in database: Database
  ) throws {
    var known = Set(try alias.targets(in: database).map(\.key))
    for target in targets {
      let home = try DomainRecord.find(target.domain.ascii, in: database)
      let real = home.map { "\(target.localPart.lowercased())@\($0.name)" }
      guard real ?? target.key != key else { throw AccountsError(.refused, "an alias cannot lead to itself") }
      guard known.insert(target.key).inserted else { continue }
      guard known.count <= limit else {
        throw AccountsError(.overLimit, "an alias leads to at most \(limit) addresses")
      }
      try database.execute(
        sql: """
          INSERT INTO alias_target(alias_id, position, target, target_key)
          SELECT ?1, coalesce(max(position) + 1, 0), ?2, ?3 FROM alias_target WHERE alias_id = ?1
          """, arguments: [alias.id, "\(target)", target.key])
    }
  }

  private static func info(_ alias: AliasRecord, domain: DomainRecord, in database: Database) throws -> AliasInfo {
    let address = try EmailAddress(localPart: alias.localPart, domain: MailDomain(domain.name))
    return AliasInfo(address: address, targets: try alias.targets(in: database), comment: alias.comment)
  }
}
