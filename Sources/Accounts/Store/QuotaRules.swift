import Basics
import GRDB

/// What an account's quota may be: within its offer, and with all others within its domain (R52).
struct QuotaRules {
  let database: Database

  /// Checks a choice.
  ///
  /// - Parameters:
  ///   - offer: the account's own offer, or its domain's.
  ///   - account: the account itself, left out of the domain's sum; `nil` for one to be made.
  func check(_ choice: QuotaChoice, offer: OfferRecord?, domain: DomainRecord, account: Int64?) throws {
    switch choice {
    case .offer: break
    case .unlimited:
      if let offer {
        throw AccountsError(
          .overLimit, "offer \(offer.offer.name) allows at most \(ByteSize(offer.offer.largestQuota))")
      }
    case .bytes(let bytes):
      guard bytes > 0 else { throw AccountsError(.usage, "a quota is at least one octet") }
      if let offer, bytes > offer.offer.largestQuota {
        throw AccountsError(
          .overLimit, "offer \(offer.offer.name) allows at most \(ByteSize(offer.offer.largestQuota))")
      }
    }
    try checkDomain(domain, offer: offer, choice: choice, leavingOut: account)
  }

  private func checkDomain(
    _ domain: DomainRecord, offer: OfferRecord?, choice: QuotaChoice, leavingOut account: Int64?
  ) throws {
    guard let limit = domain.limits.quota else { return }
    let tooMuch = AccountsError(.overLimit, "domain \(domain.name) may give its accounts \(ByteSize(limit)) in all")
    let wanted: Int64
    switch choice {
    case .bytes(let bytes): wanted = bytes
    case .offer:
      guard let bytes = offer?.offer.quota else { throw tooMuch }
      wanted = bytes
    case .unlimited: throw tooMuch
    }
    let given = try Self.given(domainID: domain.id, leavingOut: account, in: database)
    let (sum, overflow) = given.addingReportingOverflow(wanted)
    guard !overflow, sum <= limit else { throw tooMuch }
  }

  /// The octets a domain's accounts may use together; those without a bound are not counted.
  static func given(domainID: Int64, leavingOut account: Int64?, in database: Database) throws -> Int64 {
    // total() is a floating-point sum that cannot overflow, where sum() would fail.
    let total = try Double.fetchOne(
      database,
      sql: """
        SELECT total(CASE WHEN a.quota_own THEN a.quota_bytes ELSE o.quota_bytes END)
        FROM account a JOIN domain d ON d.id = a.domain_id LEFT JOIN offer o ON o.id = coalesce(a.offer_id, d.offer_id)
        WHERE a.domain_id = ?1 AND a.id IS NOT ?2
        """, arguments: [domainID, account])
    return Int64(exactly: (total ?? 0).rounded()) ?? .max
  }
}
