import Basics
import GRDB

extension Accounts {
  /// Makes an offer (R52).
  ///
  /// - Throws: ``AccountsError``: `exists`, `usage`, `overLimit` for quotas outside ``AccountSettings/offerQuota``.
  @discardableResult
  package func addOffer(_ offer: Offer) async throws -> OfferInfo {
    let offer = try checked(offer)
    let now = time.now
    return try await change { database in
      guard try OfferRecord.find(name: offer.name, in: database) == nil else { throw AccountsError.offerExists }
      try database.execute(
        sql: "INSERT INTO offer(name, quota_bytes, quota_max_bytes, created_at) VALUES (?, ?, ?, ?)",
        arguments: [offer.name, offer.quota, offer.largestQuota, now.milliseconds])
      return try Self.store(offer, in: database)
    }
  }

  /// Every offer, in alphabetical order.
  package func offers() async throws -> [OfferInfo] {
    try await read { database in try OfferRecord.all(in: database).map { try $0.info(in: database) } }
  }

  /// One offer.
  ///
  /// - Throws: ``AccountsError``: `notFound` "Offer does not exist".
  package func offer(_ name: String) async throws -> OfferInfo {
    try await read { database in
      guard let found = try OfferRecord.find(name: name, in: database) else { throw AccountsError.noSuchOffer }
      return try found.info(in: database)
    }
  }

  /// Replaces an offer's values; accounts follow at once.
  ///
  /// - Throws: ``AccountsError``: `notFound`, `usage`; `overLimit` when an account of it was given more of its own than
  ///   the offer would now allow.
  @discardableResult
  package func setOffer(_ offer: Offer) async throws -> OfferInfo {
    let offer = try checked(offer)
    return try await change { database in
      guard let record = try OfferRecord.find(name: offer.name, in: database) else { throw AccountsError.noSuchOffer }
      let beyond = try String.fetchOne(
        database,
        sql: """
          SELECT a.key FROM account a JOIN domain d ON d.id = a.domain_id
          WHERE coalesce(a.offer_id, d.offer_id) = ? AND a.quota_own
            AND coalesce(a.quota_bytes, 9223372036854775807) > ? LIMIT 1
          """, arguments: [record.id, offer.largestQuota])
      if let beyond { throw AccountsError(.overLimit, "\(beyond) has more than \(ByteSize(offer.largestQuota))") }
      return try Self.store(offer, in: database)
    }
  }

  /// Deletes an offer.
  ///
  /// - Throws: ``AccountsError``: `notFound`; `refused` while a domain or an account has it.
  package func removeOffer(_ name: String) async throws {
    try await change { database in
      guard let record = try OfferRecord.find(name: name, in: database) else { throw AccountsError.noSuchOffer }
      let info = try record.info(in: database)
      guard info.domainCount == 0, info.accountCount == 0 else {
        throw AccountsError(
          .refused, "offer \(name) is in use by \(info.domainCount) domains and \(info.accountCount) accounts")
      }
      try database.execute(sql: "DELETE FROM offer WHERE id = ?", arguments: [record.id])
    }
  }

  private func checked(_ offer: Offer) throws(AccountsError) -> Offer {
    _ = try names.label(offer.name)
    _ = try names.comment(offer.comment)
    let bounds = settings.offerQuota
    let range = "\(ByteSize(bounds.lowerBound)) to \(ByteSize(bounds.upperBound))"
    guard bounds.contains(offer.quota), bounds.contains(offer.largestQuota) else {
      throw AccountsError(.overLimit, "the quota of an offer is \(range)")
    }
    guard offer.largestQuota >= offer.quota else {
      throw AccountsError(.usage, "the largest quota of an offer is not below its quota")
    }
    guard offer.messages ?? 1 > 0 else { throw AccountsError(.usage, "a number of messages is at least 1") }
    guard (1...settings.largestHourlyRate).contains(offer.messagesPerHour ?? 1) else {
      throw AccountsError(.usage, "messages per hour are 1 to \(settings.largestHourlyRate)")
    }
    if let delay = offer.popLoginDelay, delay < .zero || delay > settings.longestPOPLoginDelay {
      throw AccountsError(.usage, "a POP login delay is 0s to \(settings.longestPOPLoginDelay.setting)")
    }
    return offer
  }

  private static func store(_ offer: Offer, in database: Database) throws -> OfferInfo {
    try database.execute(
      sql: """
        UPDATE offer SET quota_bytes = ?, quota_max_bytes = ?, quota_messages = ?, pop_login_delay = ?, comment = ?,
          messages_per_hour = ?,
          \(DeniedServices(offer.denied).assignments) WHERE name = ?
        """,
      arguments: [
        offer.quota, offer.largestQuota, offer.messages, offer.popLoginDelay?.wholeMilliseconds, offer.comment,
        offer.messagesPerHour, offer.name,
      ])
    guard let record = try OfferRecord.find(name: offer.name, in: database) else { throw AccountsError.noSuchOffer }
    return try record.info(in: database)
  }
}
