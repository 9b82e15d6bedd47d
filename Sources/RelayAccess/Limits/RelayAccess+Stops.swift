import Accounts
import Basics
import GRDB
import MailSyntax

/// An account that lost sending by an overrun, where accounts lose it before their networks (`overrun-target`).
package struct SendingStop: Hashable, Sendable {
  /// The network it sent from.
  package let net: IPNetwork
  /// Since when.
  package let created: Timestamp
  /// Until when; `nil` until it is lifted.
  package let until: Timestamp?
  /// The words of the limit.
  package let reason: String
}

extension RelayAccess {
  /// What keeps an account from sending now; `nil` when nothing does.
  package func sendingStop(of account: Account) async throws -> SendingStop? {
    guard settings.limits.overrunTarget == .accountFirst else { return nil }
    let accountID = account.id
    let now = time.now
    return try await database.read { database in
      let row = try Row.fetchOne(
        database.cachedStatement(
          sql: """
            SELECT net, created, until, reason FROM sending_stop
            WHERE account_id = ? AND (until IS NULL OR until > ?)
            """), arguments: [accountID, now.milliseconds])
      guard let row, let net = IPNetwork(row[0] as String) else { return nil }
      return SendingStop(
        net: net, created: Timestamp(milliseconds: row[1]),
        until: (row[2] as Int64?).map { Timestamp(milliseconds: $0) }, reason: row[3])
    }
  }

  /// The reply for an account that an overrun stopped; `nil` when it may send.
  func sendingStop(_ account: Account) async throws -> SMTPReply? {
    guard let stop = try await sendingStop(of: account) else { return nil }
    let end = stop.until.map { "until \($0.rfc3339)" } ?? "until an administrator lifts it"
    return SMTPReply(450, "4.7.1", "\(account.key) has sent too much, sending is stopped \(end)")
  }

  /// Lets a stopped account send again; the next overrun starts with the shortest term.
  ///
  /// - Throws: `RelayAccessError` `notFound` when nothing stops it.
  package func liftSendingStop(of account: Account, by administrator: String) async throws {
    let accountID = account.id
    let wasStopped = try await database.write { database in
      try database.execute(sql: "DELETE FROM sending_stop WHERE account_id = ?", arguments: [accountID])
      return database.changesCount > 0
    }
    guard wasStopped else { throw RelayAccessError(.notFound, "sending of \(account.key) is not stopped") }
    log.notice("sending allowed again", ["account": "\(account.key)", "by": "\(administrator)"])
  }
}
