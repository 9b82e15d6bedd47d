import Basics
import GRDB

/// Which messages are looked for; every condition that is given must hold.
package struct TraceQuery: Sendable {
  /// A queue id.
  package var id: String?
  /// A Message-ID, with or without brackets.
  package var messageID: String?
  /// An envelope sender, or `@domain`.
  package var sender: String?
  /// A recipient, or `@domain`.
  package var recipient: String?
  /// Only what this account sent or got (R90).
  package var account: String?
  /// From when.
  package var from: Timestamp?
  /// Until when.
  package var to: Timestamp?
  /// Messages at most, the newest.
  package var limit = 100

  /// Makes a question that everything answers.
  package init() {}
}

/// The story of one message.
package struct MessageTrace: Sendable, Equatable {
  /// Its queue id.
  package var id: String
  /// What happened, in order, forwards and bounces of it included.
  package var events: [MailEvent]
}

extension MailLog {
  /// The stories of the messages that fit, oldest first.
  package func trace(_ query: TraceQuery) async throws -> [MessageTrace] {
    let limit = max(1, min(query.limit, settings.answerLimit))
    let answerLimit = settings.answerLimit
    return try await pool.read { db in
      let ids = try Self.ids(query, limit, db)
      var left = answerLimit
      var traces: [MessageTrace] = []
      for id in ids {
        var events = try Self.events(of: id, limit: left, db)
        if let account = query.account { events = Self.visible(events, to: account) }
        guard !events.isEmpty else { continue }
        left -= events.count
        traces.append(MessageTrace(id: id, events: events))
        if left <= 0 { break }
      }
      return traces
    }
  }

  /// Ids of the newest messages that fit, oldest first.
  private static func ids(_ query: TraceQuery, _ limit: Int, _ db: Database) throws -> [String] {
    var conditions: [String] = []
    var arguments: StatementArguments = []
    if let id = query.id {
      conditions.append("(id = ? OR related = ?)")
      arguments += [id.uppercased(), id.uppercased()]
    }
    if let messageID = query.messageID {
      conditions.append("id IN (SELECT id FROM event WHERE message_id IS NOT NULL AND message_id = ?)")
      arguments += [messageID.trimmingBrackets]
    }
    if let sender = query.sender?.trimmingBrackets {
      conditions.append("id IN (SELECT id FROM event WHERE kind = 1 AND \(match("sender", sender)))")
      arguments += [pattern(sender)]
    }
    if let recipient = query.recipient?.trimmingBrackets {
      conditions.append(
        "id IN (SELECT id FROM event WHERE kind <> 1 AND kind <> 5 AND \(match("recipient", recipient)))")
      arguments += [pattern(recipient)]
    }
    if let account = query.account {
      conditions.append(
        """
        id IN (SELECT id FROM event WHERE kind = 1 AND account = ? UNION
          SELECT id FROM event WHERE kind <> 1 AND kind <> 5 AND kind = 3 AND recipient = ? COLLATE NOCASE)
        """)
      arguments += [account, account]
    }
    if let from = query.from {
      conditions.append("number >= ?")
      arguments += [EventRow.number(from)]
    }
    if let to = query.to {
      conditions.append("number < ?")
      arguments += [EventRow.number(to)]
    }
    let filter = conditions.isEmpty ? "" : "WHERE " + conditions.joined(separator: " AND ")
    let found = try String.fetchAll(
      db, sql: "SELECT id FROM event \(filter) GROUP BY id ORDER BY max(number) DESC LIMIT ?",
      arguments: arguments + [limit])
    // A forward or bounce that is part of another found story is told there.
    let told = try Set(found.flatMap { try related(to: $0, db) })
    return found.reversed().filter { !told.contains($0) }
  }

  private static func match(_ column: String, _ text: String) -> String {
    text.hasPrefix("@") ? "\(column) LIKE ? ESCAPE '\\'" : "\(column) = ? COLLATE NOCASE"
  }

  private static func pattern(_ text: String) -> String {
    guard text.hasPrefix("@") else { return text }
    let escaped = text.map { "%_\\".contains($0) ? "\\\($0)" : "\($0)" }.joined()
    return "%\(escaped)"
  }

  private static func related(to id: String, _ db: Database) throws -> [String] {
    try String.fetchAll(
      db.cachedStatement(sql: "SELECT DISTINCT related FROM event WHERE id = ? AND related IS NOT NULL"),
      arguments: [id])
  }

  /// The events of a message and of what came out of it, some steps deep.
  private static func events(of id: String, limit: Int, _ db: Database) throws -> [MailEvent] {
    var ids = [id]
    var fresh = [id]
    for _ in 0..<5 where !fresh.isEmpty && ids.count < 1000 {
      fresh = try fresh.flatMap { try related(to: $0, db) }.filter { !ids.contains($0) }
      ids += fresh
    }
    var events: [(Int64, MailEvent)] = []
    for id in ids {
      let rows = try Row.fetchAll(
        db.cachedStatement(sql: "SELECT \(MailLogSchema.columns) FROM event WHERE id = ? ORDER BY number LIMIT ?"),
        arguments: [id, limit])
      events += rows.compactMap { row in EventRow.event(row).map { (row[0], $0) } }
    }
    // The queue may have tried before the acceptance was written down.
    return events.sorted { ($0.1.kind == .accepted ? 0 : 1, $0.0) < ($1.1.kind == .accepted ? 0 : 1, $1.0) }
      .prefix(limit).map(\.1)
  }

  /// What an account may see: all of what it sent; of what it got, only its own copy.
  private static func visible(_ events: [MailEvent], to account: String) -> [MailEvent] {
    let own = Set(events.filter { $0.account == account }.map(\.id))
    return events.compactMap { event in
      if own.contains(event.id) { return event }
      if event.kind == .delivered, event.recipient.lowercased() == account.lowercased() { return event }
      guard event.kind == .accepted,
        events.contains(where: {
          $0.id == event.id && $0.kind == .delivered && $0.recipient.lowercased() == account.lowercased()
        })
      else { return nil }
      var shown = event
      (shown.account, shown.via, shown.recipients) = (nil, nil, 1)
      return shown
    }
  }
}

extension String {
  /// Without angle brackets around it.
  fileprivate var trimmingBrackets: String {
    hasPrefix("<") && hasSuffix(">") ? String(dropFirst().dropLast()) : self
  }
}
