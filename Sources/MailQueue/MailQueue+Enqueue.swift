import Basics
import GRDB

/// A round of results: what came of claims, whom the sender was told about, and the reports that go out for it.
package struct SettlementBatch: Sendable {
  /// What came of claimed recipients.
  package var settlements: [Settlement]
  /// Messages whose sender is being told of the delay.
  package var warned: [String]
  /// Reports to put into the queue in the same transaction.
  package var reports: [SpoolMessage]

  /// Makes a batch.
  package init(_ settlements: [Settlement], warned: [String] = [], reports: [SpoolMessage] = []) {
    self.settlements = settlements
    self.warned = warned
    self.reports = reports
  }
}

extension MailQueue {
  /// Puts a message into the queue; on return it is durable.
  ///
  /// - Throws: ``QueueError`` or a database error; then the message is not in the queue.
  package func enqueue(_ message: SpoolMessage) async throws { try await enqueue([message]) }

  /// Puts several messages into the queue, all or none.
  package func enqueue(_ messages: [SpoolMessage]) async throws {
    try await settle(SettlementBatch([], reports: messages))
    listeners.wake()
  }

  /// Records results, all or none; messages of which nothing remains to be done leave the queue.
  ///
  /// Claims that ended meanwhile (lease over, message removed) are passed over. A report enters the queue in the same
  /// transaction that ends its cause, so that a crash loses neither and doubles neither.
  package func settle(_ batch: SettlementBatch) async throws {
    // A task of its own: a caller that is cancelled half-way must not leave an outcome unrecorded.
    try await Task { try await write(batch) }.value
  }

  private func write(_ batch: SettlementBatch) async throws {
    let now = time.now
    var written: [QueuedMessage] = []
    do {
      for message in batch.reports { written.append(try await write(message, now)) }
      let messages = written
      // Only files of this call are in `written`, so that a failure never removes another message's.
      let finished = try await writes.perform(syncsFolder: !messages.isEmpty) { db in
        for message in messages { try QueueSchema.insert(message, db) }
        return try Self.record(batch, now, db)
      }
      await removeFiles(finished)
    } catch {
      await removeFiles(written.map(\.id))
      throw error
    }
  }

  /// Writes the file; the row follows.
  private func write(_ message: SpoolMessage, _ now: Timestamp) async throws -> QueuedMessage {
    guard !message.recipients.isEmpty else { throw QueueError.envelope("a message without recipients") }
    guard message.recipients.count <= settings.recipientLimit else {
      throw QueueError.envelope("more than \(settings.recipientLimit) recipients")
    }
    let next = max(message.notBefore ?? now, now)
    let recipients = message.recipients.map { recipient in
      QueuedRecipient(
        number: 0, address: recipient.address, destination: recipient.destination,
        state: message.hold == nil ? .queued : .held, next: next, attempts: 0, lastAttempt: nil,
        reply: message.hold ?? "", status: "", remote: "", notify: recipient.notify,
        originalRecipient: recipient.originalRecipient)
    }
    // A message that waits on the sender's wish has its whole lifetime from then on.
    let draft = QueuedMessage(
      id: message.id, sender: message.sender, size: 0, created: next, expires: next + settings.lifetime,
      mailClass: message.mailClass, isHeld: message.hold != nil, account: message.account, via: message.via,
      dsnReturn: message.dsnReturn, envelopeID: message.envelopeID, traits: message.traits, warned: nil,
      recipients: recipients)
    return try await files.runIfActive { [folder, generation] in
      var queued = draft
      queued.size = try folder.write(message.id, prefix: message.prefix, content: message.content) { size in
        var described = draft
        described.size = size
        return EnvelopeTrailer(generation: generation, message: described).encoded()
      }
      return queued
    }
  }

  func removeFiles(_ ids: [String]) async {
    guard !ids.isEmpty else { return }
    // Names that stay after a crash are removed at the next start, so nobody waits for the folder's sync.
    try? await files.runIfActive { [folder] in for id in ids { folder.remove(id) } }
  }

  /// Writes the outcomes and gives the ids of the messages that left the queue.
  private static func record(_ batch: SettlementBatch, _ now: Timestamp, _ db: Database) throws -> [String] {
    var touched: Set<Int64> = []
    for settlement in batch.settlements {
      guard
        let message = try Int64.fetchOne(
          db.cachedStatement(sql: "SELECT message FROM recipient WHERE number = ? AND state = 1"),
          arguments: [settlement.recipient])
      else { continue }
      touched.insert(message)
      try record(settlement, message, now, db)
    }
    for id in batch.warned {
      try db.cachedStatement(sql: "UPDATE message SET warned = ? WHERE id = ?")
        .execute(arguments: [now.milliseconds, id])
    }
    return try touched.compactMap { message in try finish(message, db) }
  }

  private static func record(_ settlement: Settlement, _ message: Int64, _ now: Timestamp, _ db: Database) throws {
    let state: RecipientState
    var next: Int64?
    switch settlement.outcome {
    case .delivered: state = .delivered
    case .failed: state = .failed
    case .deferred(let until):
      state = .queued
      next = until.milliseconds
    case .paced(let until):
      try db.cachedStatement(
        sql: """
          UPDATE recipient SET lease = NULL, next = ?, reply = ?, status = ?, remote = ?,
          state = (SELECT CASE WHEN held THEN 2 ELSE 0 END FROM message WHERE number = ?) WHERE number = ?
          """
      ).execute(arguments: [
        until.milliseconds, settlement.reply, settlement.status, settlement.remote, message, settlement.recipient,
      ])
      return
    case .released:
      try db.cachedStatement(
        sql: """
          UPDATE recipient SET lease = NULL,
          state = (SELECT CASE WHEN held THEN 2 ELSE 0 END FROM message WHERE number = ?) WHERE number = ?
          """
      ).execute(arguments: [message, settlement.recipient])
      return
    }
    try db.cachedStatement(
      sql: """
        UPDATE recipient SET lease = NULL, attempts = attempts + 1, last = ?, reply = ?, status = ?, remote = ?,
        next = coalesce(?, next),
        state = CASE WHEN ? = 0 AND (SELECT held FROM message WHERE number = ?) THEN 2 ELSE ? END
        WHERE number = ?
        """
    ).execute(arguments: [
      now.milliseconds, settlement.reply, settlement.status, settlement.remote, next, state.rawValue, message,
      state.rawValue, settlement.recipient,
    ])
  }

  /// Deletes a message of which every recipient is settled.
  private static func finish(_ message: Int64, _ db: Database) throws -> String? {
    let open = try Bool.fetchOne(
      db.cachedStatement(sql: "SELECT EXISTS (SELECT 1 FROM recipient WHERE message = ? AND state < 3)"),
      arguments: [message])
    guard open == false else { return nil }
    let id = try String.fetchOne(
      db.cachedStatement(sql: "SELECT id FROM message WHERE number = ?"), arguments: [message])
    try db.cachedStatement(sql: "DELETE FROM message WHERE number = ?").execute(arguments: [message])
    return id
  }
}
