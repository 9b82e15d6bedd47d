import Basics
import GRDB

extension MailLog {
  /// How many messages a server has taken since a moment.
  package func sent(by remote: String, since: Timestamp) async throws -> Int {
    try await pool.read { db in
      try Int.fetchOne(
        db, sql: "SELECT count(DISTINCT id) FROM event WHERE number >= ? AND kind = 4 AND remote = ?",
        arguments: [EventRow.number(since), remote]) ?? 0
    }
  }

  /// How many messages an account sent since a moment, by every road.
  package func accepted(account: String, since: Timestamp) async throws -> Int {
    try await pool.read { db in
      try Int.fetchOne(
        db, sql: "SELECT count(*) FROM event WHERE number >= ? AND kind = 1 AND account = ?",
        arguments: [EventRow.number(since), account]) ?? 0
    }
  }

  /// How many messages came by one road since a moment.
  package func accepted(via: String, since: Timestamp) async throws -> Int {
    try await pool.read { db in
      try Int.fetchOne(
        db, sql: "SELECT count(*) FROM event WHERE number >= ? AND kind = 1 AND via = ?",
        arguments: [EventRow.number(since), via]) ?? 0
    }
  }
}
