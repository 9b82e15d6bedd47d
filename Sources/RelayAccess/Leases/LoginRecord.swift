import Accounts
import Basics
import GRDB

/// One login on its way to the disk.
struct LoginRecord: Sendable {
  /// What was written.
  struct Outcome: Sendable {
    var lease: Lease?
    var isNew = false
  }

  let account: Account
  let net: IPNetwork
  let proto: String
  let tls: Bool
  let now: Timestamp
  let stamp: PopKey?
  let opensLease: Bool
  let settings: RelaySettings
  let isListedAsShared: Bool

  /// Writes the stamp and the lease inside the caller's transaction.
  ///
  /// - Throws: `LeaseRefusal` when the account changed since the password was checked.
  func run(in database: Database) throws -> Outcome {
    try checkAccount(database)
    if let stamp {
      try PopRows.put(database, accountID: stamp.accountID, net: stamp.net, at: now)
    }
    guard opensLease else { return Outcome() }
    let old = try LeaseRows.find(database, net: net, accountID: account.id)
    let lifetime = try self.lifetime(database)
    if var lease = old, lease.revokedAt == nil, lease.expires > now {
      lease.expires = max(min(lease.expires, now + lease.lifetime), now + lifetime)
      lease.lifetime = lease.expires - now
      lease.lastSeen = now
      lease.logins += 1
      lease.proto = proto
      lease.tls = tls
      lease.node = settings.node
      try LeaseRows.put(database, lease, wide: false)
      return Outcome(lease: lease, isNew: false)
    }
    let lease = Lease(
      id: OpaqueID.make(), net: net, accountID: account.id, account: account.address.key, proto: proto, tls: tls,
      firstSeen: now, lastSeen: now, expires: now + lifetime, lifetime: lifetime, logins: 1, messages: 0,
      recipients: 0, node: settings.node, origin: .login)
    try LeaseRows.put(database, lease, wide: false)
    return Outcome(lease: lease, isNew: true)
  }

  /// The password may have been changed between its check and this transaction: such a login must not bring back the
  /// rights that the change took away.
  private func checkAccount(_ database: Database) throws {
    let row = try Row.fetchOne(
      database.cachedStatement(
        sql: """
          SELECT a.password_changed_at, a.suspended OR d.suspended FROM account a JOIN domain d ON d.id = a.domain_id
          WHERE a.id = ?
          """), arguments: [account.id])
    guard let row else { throw LeaseRefusal(reason: "deleted") }
    guard row[0] as Int64 == account.passwordChangedAt.milliseconds else {
      throw LeaseRefusal(reason: "password-changed")
    }
    guard row[1] as Int == 0 else { throw LeaseRefusal(reason: "suspended") }
  }

  private func lifetime(_ database: Database) throws -> Duration {
    let open = settings.openSMTP
    guard open.sharedLifetime < open.lifetime else { return open.lifetime }
    if isListedAsShared { return open.sharedLifetime }
    let others = try LeaseRows.liveCount(database, net: net, now: now)
    return others > open.sharedAccounts ? open.sharedLifetime : open.lifetime
  }
}

/// Names that tell a reader nothing: 80 random bits in letters that are not mistaken for each other.
enum OpaqueID {
  private static let letters = Array("abcdefghjkmnpqrstvwxyz0123456789".utf8)

  /// A new name of 16 characters.
  static func make() -> String {
    var random = SystemRandomNumberGenerator()
    return String(decoding: (0..<16).map { _ in letters[Int(random.next() & 31)] }, as: UTF8.self)
  }
}
