import Basics
import GRDB
import Logging

/// Brings rows and files together after a stop of any kind.
struct SpoolScan {
  let pool: DatabasePool
  let folder: SpoolFolder
  let generation: String
  let settings: MailQueueSettings
  let log: Logger

  func run(now: Timestamp, _ recovery: inout MailQueue.Recovery) throws {
    do {
      recovery.returnedClaims = try returnClaims()
      let (rows, names) = try sweep(now: now, &recovery)
      try hold(rows.subtracting(names), &recovery)
    } catch let error as DatabaseError where error.resultCode == .SQLITE_FULL {
      // A full disk must not keep a host from starting: claims come back when their time is over, and what lies about
      // is swept while the queue works.
      log.error("no room to take up the queue as it was left", metadata: ["error": "\(error)"])
    }
  }

  /// Gives back what a killed predecessor had claimed.
  private func returnClaims() throws -> Int {
    try pool.write { db in
      try db.execute(sql: "UPDATE recipient SET state = 0, lease = NULL WHERE state = 1")
      let returned = db.changesCount
      try db.execute(
        sql: "UPDATE recipient SET state = 2 WHERE state = 0 AND message IN (SELECT number FROM message WHERE held)")
      return returned
    }
  }

  /// Removes files that nobody will ask for, and takes over strangers; safe while the queue works.
  ///
  /// - Returns: the rows' ids and the files' names.
  @discardableResult
  func sweep(now: Timestamp, _ recovery: inout MailQueue.Recovery) throws -> (Set<String>, Set<String>) {
    // Rows before names: a row's file is older than the row, so that a missing one is truly missing.
    let rows = try pool.read { db in Set(try String.fetchAll(db, sql: "SELECT id FROM message")) }
    let names = Set(try folder.names())
    let known = try pool.read { db in Set(try String.fetchAll(db, sql: "SELECT id FROM generation")) }
    try adopt(names.subtracting(rows), known, now, &recovery)
    return (rows, names)
  }

  /// Removes what a crash left behind and takes over what another database knew.
  private func adopt(
    _ strangers: Set<String>, _ known: Set<String>, _ now: Timestamp, _ recovery: inout MailQueue.Recovery
  ) throws {
    var foreign: [EnvelopeTrailer] = []
    for name in strangers {
      if let trailer = folder.trailer(name), !known.contains(trailer.generation) {
        foreign.append(trailer)
      } else if let changed = folder.changed(name), changed <= now - settings.orphanAge {
        // A younger one may be another process's, which writes its row in a moment.
        folder.remove(name)
        recovery.removedFiles += 1
      }
    }
    guard !foreign.isEmpty else { return }
    let adopted = foreign
    recovery.adoptedMessages = try pool.write { db in
      for trailer in adopted { try QueueSchema.insert(trailer.message, db) }
      for generation in Set(adopted.map(\.generation)) {
        try db.execute(sql: "INSERT INTO generation (id, own) VALUES (?, 0)", arguments: [generation])
      }
      return adopted.count
    }
    log.warning("took over messages from their files", metadata: ["messages": "\(adopted.count)"])
  }

  private func hold(_ missing: Set<String>, _ recovery: inout MailQueue.Recovery) throws {
    for id in missing {
      log.error("the file of a queued message is missing; it is put on hold", metadata: ["id": "\(id)"])
      try pool.write { db in
        try db.execute(sql: "UPDATE message SET held = 1 WHERE id = ?", arguments: [id])
        try db.execute(
          sql: """
            UPDATE recipient SET state = 2, reply = 'the message file is missing'
            WHERE state = 0 AND message = (SELECT number FROM message WHERE id = ?)
            """, arguments: [id])
      }
    }
    recovery.missingFiles = missing.count
  }
}
