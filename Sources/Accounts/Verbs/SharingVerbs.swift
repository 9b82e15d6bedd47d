import GRDB

/// Which accounts let everybody of their domain into some of their mail; what they allow stands beside the mail.
extension Accounts {
  /// Remembers that an account has shared a mailbox with its whole domain; stays until the account goes.
  package func noteSharing(withDomainBy account: Int64) async throws {
    try await change { database in
      try database.execute(
        sql: "INSERT INTO domain_share(account_id) SELECT id FROM account WHERE id = ? ON CONFLICT DO NOTHING",
        arguments: [account])
    }
  }

  /// The accounts of a domain that have shared a mailbox with all of it, by name.
  ///
  /// - Parameter limit: at most so many.
  package func sharing(withDomain domainID: Int64, limit: Int) async throws -> [Account] {
    try await read { database in
      let ids = try Int64.fetchAll(
        database,
        sql: """
          SELECT account.id FROM domain_share JOIN account ON account.id = account_id
          WHERE domain_id = ? ORDER BY local_part LIMIT ?
          """, arguments: [domainID, limit])
      return try ids.compactMap { try AccountRecord.find(id: $0, in: database)?.account }
    }
  }
}
