import Basics
import GRDB

/// How much lies in the queue.
package struct QueueCounts: Sendable, Equatable {
  /// Messages.
  package var messages = 0
  /// Recipients that wait for an attempt.
  package var queued = 0
  /// Recipients an attempt is under way for.
  package var leased = 0
  /// Recipients on hold.
  package var held = 0
}

extension MailQueue {
  /// Messages in the order they came in, with all their recipients.
  ///
  /// - Parameters:
  ///   - limit: most messages.
  ///   - destination: only those with an open recipient there.
  package func list(limit: Int = .max, destination: String? = nil) async throws -> [QueuedMessage] {
    try await pool.read { db in
      var sql = "SELECT \(QueueSchema.messageColumns) FROM message"
      var arguments: StatementArguments = []
      if let destination {
        sql += " WHERE number IN (SELECT message FROM recipient WHERE destination = ? AND state < 3)"
        arguments += [destination]
      }
      arguments += [Int64(clamping: limit)]
      let rows = try Row.fetchAll(db, sql: sql + " ORDER BY number LIMIT ?", arguments: arguments)
      return try rows.map { try Self.whole($0, db) }
    }
  }

  /// One message with all its recipients.
  ///
  /// - Throws: ``QueueError`` `notFound`.
  package func show(_ id: String) async throws -> QueuedMessage {
    let message = try await pool.read { db in
      try Row.fetchOne(
        db, sql: "SELECT \(QueueSchema.messageColumns) FROM message WHERE id = ?", arguments: [id.uppercased()]
      ).map { try Self.whole($0, db) }
    }
    guard let message else { throw QueueError.notFound(id) }
    return message
  }

  /// Makes waiting recipients due now: of one message, of one destination, or all.
  ///
  /// - Returns: how many.
  /// - Throws: ``QueueError`` `notFound` for an unknown id.
  @discardableResult
  package func flush(_ id: String? = nil, destination: String? = nil) async throws -> Int {
    let now = time.now.milliseconds
    let count = try await writes.perform { db in
      var sql = "UPDATE recipient SET next = ? WHERE state = 0 AND next > ?"
      var arguments: StatementArguments = [now, now]
      if let id {
        sql += " AND message = ?"
        arguments += [try Self.number(id, db)]
      }
      if let destination {
        sql += " AND destination = ?"
        arguments += [destination]
      }
      try db.execute(sql: sql, arguments: arguments)
      return db.changesCount
    }
    listeners.wake()
    return count
  }

  /// Keeps a message back; an attempt under way is finished, and the lifetime goes on.
  package func hold(_ id: String) async throws {
    try await writes.perform { db in
      let number = try Self.number(id, db)
      try db.execute(sql: "UPDATE message SET held = 1 WHERE number = ?", arguments: [number])
      try db.execute(sql: "UPDATE recipient SET state = 2 WHERE message = ? AND state = 0", arguments: [number])
    }
  }

  /// Lets a held message go on; attempts that fell due meanwhile are made at once.
  package func release(_ id: String) async throws {
    try await writes.perform { db in
      let number = try Self.number(id, db)
      try db.execute(sql: "UPDATE message SET held = 0 WHERE number = ?", arguments: [number])
      try db.execute(sql: "UPDATE recipient SET state = 0 WHERE message = ? AND state = 2", arguments: [number])
    }
    listeners.wake()
  }

  /// Takes a message out of the queue without a word to its sender.
  package func remove(_ id: String) async throws {
    let name = try await writes.perform { db in
      let number = try Self.number(id, db)
      let name = try String.fetchOne(db, sql: "SELECT id FROM message WHERE number = ?", arguments: [number])
      try db.execute(sql: "DELETE FROM message WHERE number = ?", arguments: [number])
      return name
    }
    await removeFiles([name].compactMap { $0 })
  }

  /// Removes files that a kill, here or of another process, left without a row.
  package func sweep() async {
    let scan = SpoolScan(pool: pool, folder: folder, generation: generation, settings: settings, log: log)
    let now = time.now
    do {
      let found = try await files.runIfActive { () -> Recovery in
        var found = Recovery()
        try scan.sweep(now: now, &found)
        return found
      }
      guard found != Recovery() else { return }
      log.notice(
        "queue swept", metadata: ["removed": "\(found.removedFiles)", "adopted": "\(found.adoptedMessages)"])
      listeners.wake()
    } catch {
      log.error("queue not swept", metadata: ["error": "\(error)"])
    }
  }

  /// How much lies in the queue.
  package func counts() async throws -> QueueCounts {
    try await pool.read { db in
      var counts = QueueCounts()
      counts.messages = try Int.fetchOne(db, sql: "SELECT count(*) FROM message") ?? 0
      for row in try Row.fetchAll(db, sql: "SELECT state, count(*) FROM recipient GROUP BY state") {
        switch RecipientState(rawValue: row[0]) {
        case .queued: counts.queued = row[1]
        case .leased: counts.leased = row[1]
        case .held: counts.held = row[1]
        default: break
        }
      }
      return counts
    }
  }

  private static func number(_ id: String, _ db: Database) throws -> Int64 {
    guard
      let number = try Int64.fetchOne(
        db, sql: "SELECT number FROM message WHERE id = ?", arguments: [id.uppercased()])
    else { throw QueueError.notFound(id) }
    return number
  }

  private static func whole(_ row: Row, _ db: Database) throws -> QueuedMessage {
    let number: Int64 = row[0]
    let statement = try db.cachedStatement(
      sql: "SELECT \(QueueSchema.recipientColumns) FROM recipient WHERE message = ? ORDER BY number")
    return QueueSchema.message(row, try Row.fetchAll(statement, arguments: [number]).map(QueueSchema.recipient))
  }
}
