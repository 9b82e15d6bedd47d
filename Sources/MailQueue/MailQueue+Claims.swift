import Basics
import GRDB

/// Recipients of one message with one destination, taken for an attempt.
package struct QueueClaim: Sendable {
  /// The message, with the claimed recipients only.
  package var message: QueuedMessage
  /// Where they go.
  package var destination: String
}

extension MailQueue {
  /// Takes recipients whose time has come, oldest due first; nobody else gets them before the lease ends.
  ///
  /// - Parameters:
  ///   - limit: most recipients.
  ///   - mailClass: which class to take from.
  ///   - excluding: destinations that have enough under way already, so that one dead host's backlog does not hide
  ///     the others' mail.
  package func claimDue(
    limit: Int, now: Timestamp, mailClass: MailClass = .normal, excluding: Set<String> = []
  ) async throws -> [QueueClaim] {
    guard limit > 0 else { return [] }
    let due = try await pool.read { db in
      try Self.due(limit, now, mailClass, excluding, db)
    }
    let expired = try await pool.read { db in
      try Bool.fetchOne(
        db, sql: "SELECT EXISTS (SELECT 1 FROM recipient WHERE state = 1 AND lease <= ?)",
        arguments: [now.milliseconds])
    }
    // Looking costs no write; most looks find nothing.
    guard !due.isEmpty || expired == true else { return [] }
    let lease = now + settings.leaseTime
    return try await writes.perform { db in
      if expired == true { try Self.returnExpired(now, db) }
      var claims: [QueueClaim] = []
      var places: [String: Int] = [:]
      let take = try db.cachedStatement(sql: "UPDATE recipient SET state = 1, lease = ? WHERE number = ? AND state = 0")
      for (message, recipient) in try Self.due(limit, now, mailClass, excluding, db) {
        try take.execute(arguments: [lease.milliseconds, recipient.number])
        guard db.changesCount == 1 else { continue }
        let key = "\(message) \(recipient.destination)"
        if let place = places[key] {
          claims[place].message.recipients.append(recipient)
          continue
        }
        guard
          let row = try Row.fetchOne(
            db.cachedStatement(sql: "SELECT \(QueueSchema.messageColumns) FROM message WHERE number = ?"),
            arguments: [message])
        else { continue }
        places[key] = claims.count
        claims.append(
          QueueClaim(message: QueueSchema.message(row, [recipient]), destination: recipient.destination))
      }
      return claims
    }
  }

  private static func due(
    _ limit: Int, _ now: Timestamp, _ mailClass: MailClass, _ excluding: Set<String>, _ db: Database
  ) throws -> [(Int64, QueuedRecipient)] {
    let marks = excluding.prefix(1000).map { _ in "?" }.joined(separator: ", ")
    let sql = """
      SELECT \(QueueSchema.recipientColumns) FROM recipient INDEXED BY recipient_due
      WHERE state = 0 AND class = ? AND next <= ? \(marks.isEmpty ? "" : "AND destination NOT IN (\(marks))")
      ORDER BY next LIMIT ?
      """
    var arguments: StatementArguments = [mailClass.rawValue, now.milliseconds]
    arguments += StatementArguments(excluding.prefix(1000))
    arguments += [limit]
    return try Row.fetchAll(db, sql: sql, arguments: arguments).map { ($0[1], QueueSchema.recipient($0)) }
  }

  private static func returnExpired(_ now: Timestamp, _ db: Database) throws {
    try db.execute(
      sql: """
        UPDATE recipient SET lease = NULL,
        state = (SELECT CASE WHEN held THEN 2 ELSE 0 END FROM message WHERE message.number = recipient.message)
        WHERE state = 1 AND lease <= ?
        """, arguments: [now.milliseconds])
  }

  /// When the next recipient that is not due yet becomes due; `nil` when none waits.
  package func nextDue(after now: Timestamp) async throws -> Timestamp? {
    try await pool.read { db in
      try MailClass.allCases.compactMap { mailClass in
        try Int64.fetchOne(
          db, sql: "SELECT min(next) FROM recipient WHERE state = 0 AND class = ? AND next > ?",
          arguments: [mailClass.rawValue, now.milliseconds])
      }.min().map(Timestamp.init(milliseconds:))
    }
  }

  /// The octets of a message in the queue, to be read while it is claimed.
  package func content(of message: QueuedMessage) -> MessageContent {
    .file(path: folder.file(message.id), size: message.size)
  }

  /// The first octets of a message, for the copy in a bounce.
  ///
  /// - Throws: ``QueueError`` `storage` when the file is gone.
  package func head(of message: QueuedMessage, limit: Int) async throws -> [UInt8] {
    try await files.runIfActive { [folder] in try folder.head(message.id, size: message.size, limit: limit) }
  }

  /// Holds a lease longer, for a delivery that takes its time.
  package func renew(_ recipients: [Int64]) async throws {
    let lease = (time.now + settings.leaseTime).milliseconds
    try await writes.perform { db in
      let statement = try db.cachedStatement(sql: "UPDATE recipient SET lease = ? WHERE number = ? AND state = 1")
      for number in recipients { try statement.execute(arguments: [lease, number]) }
    }
  }
}

extension MailQueue {
  /// Runs something that blocks on a file, on the spool's own threads.
  package func onFileThread<Value: Sendable>(
    _ body: @escaping @Sendable () throws -> Value
  ) async throws -> Value { try await files.runIfActive(body) }
}
