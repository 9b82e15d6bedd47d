import Basics
import GRDB
import GRDBSQLite
import Logging
import Synchronization

/// What happened to every message, and what was only counted: the memory behind `trace` and `report`.
///
/// Noting never waits and never fails: events come together in memory and are written in one transaction twice a
/// second. A crash loses at most that; the mail itself is never behind this log. One process serves, others may read
/// and note beside it.
package final class MailLog: Sendable {
  private struct State {
    var events: [MailEvent] = []
    var counts: [MailCount: Int64] = [:]
    var lost: Int64 = 0
    var last: Int64 = 0
  }

  /// The numbers it works by.
  package let settings: MailLogSettings
  let pool: DatabasePool
  private let time: any TimeSource
  private let log: Logger
  private let state = Mutex(State())

  /// Opens or makes the log; a broken file is put aside and a new one begun, as no mail hangs on it.
  ///
  /// - Throws: a database error when not even an empty log can be made.
  package init(path: String, settings: MailLogSettings = MailLogSettings(), time: any TimeSource, log: Logger) throws {
    self.settings = settings
    self.time = time
    self.log = log
    do {
      pool = try Self.open(path)
    } catch let error as DatabaseError where [.SQLITE_CORRUPT, .SQLITE_NOTADB].contains(error.resultCode) {
      let aside = "\(path).broken-\(time.now.seconds)"
      log.error("the mail log is broken; a new one is begun", metadata: ["kept": "\(aside)"])
      try Self.putAside(path, aside)
      pool = try Self.open(path)
    }
  }

  private static func open(_ path: String) throws -> DatabasePool {
    var configuration = Configuration()
    configuration.busyMode = .timeout(10)
    configuration.label = "martinet.log"
    configuration.maximumReaderCount = 2
    configuration.prepareDatabase { database in
      // The write-ahead log stays when the last process closes the file, so that a host with a full disk still starts.
      var keep: CInt = 1
      sqlite3_file_control(database.sqliteConnection, nil, SQLITE_FCNTL_PERSIST_WAL, &keep)
    }
    let pool = try DatabasePool(path: path, configuration: configuration)
    try MailLogSchema.migrator.migrate(pool)
    return pool
  }

  // MARK: Noting

  /// Notes an event, with the present time unless it has one already.
  package func note(_ event: MailEvent) {
    var event = event
    if event.at.milliseconds == 0 { event.at = time.now }
    state.withLock { state in
      guard state.events.count < settings.buffer else {
        state.lost += 1
        return
      }
      state.events.append(event)
    }
  }

  /// Counts something.
  package func count(_ key: MailCount, _ number: Int = 1) {
    state.withLock { state in
      guard state.counts[key] != nil || state.counts.count < settings.counts else {
        state.lost += 1
        return
      }
      state.counts[key, default: 0] += Int64(number)
    }
  }

  // MARK: Writing

  /// Writes twice a second and prunes once an hour, until the task is cancelled; then writes the rest.
  package func run() async {
    var pruned = time.uptime
    await prune()
    while !Task.isCancelled {
      do { try await time.sleep(for: settings.interval) } catch { break }
      await flush()
      if time.uptime - pruned >= .seconds(3600) {
        pruned = time.uptime
        await prune()
      }
    }
    await flush()
  }

  /// Writes what has come together; what cannot be written is kept for the next time.
  package func flush() async {
    let batch = state.withLock { state in
      let batch = state
      state.events = []
      state.counts = [:]
      state.lost = 0
      return batch
    }
    guard !batch.events.isEmpty || !batch.counts.isEmpty || batch.lost > 0 else { return }
    let hour = floorDivide(time.now.seconds, 3600)
    // A cancelled caller must not leave a batch half counted.
    let work = Task { [pool, settings] in
      try await pool.write { db in
        var next = try Int64.fetchOne(db, sql: "SELECT coalesce(max(number), 0) FROM event") ?? 0
        // What was noted late belongs before what came of it.
        for event in batch.events.sorted(by: { $0.at < $1.at }) {
          next = max(EventRow.number(event.at), next + 1)
          try EventRow.insert(event, number: next, settings, db)
        }
        for (key, count) in batch.counts { try Self.add(key, count, hour, db) }
      }
    }
    do {
      try await work.value
      if batch.lost > 0 { log.warning("mail log too slow: events lost", metadata: ["count": "\(batch.lost)"]) }
    } catch {
      log.warning("mail log not written", metadata: ["error": "\(error)"])
      putBack(batch)
    }
  }

  private func putBack(_ batch: State) {
    state.withLock { state in
      let room = max(0, settings.buffer - state.events.count)
      state.lost += batch.lost + Int64(max(0, batch.events.count - room))
      state.events = batch.events.prefix(room) + state.events
      for (key, count) in batch.counts where state.counts[key] != nil || state.counts.count < settings.counts {
        state.counts[key, default: 0] += count
      }
    }
  }

  private static func add(_ key: MailCount, _ count: Int64, _ hour: Int64, _ db: Database) throws {
    let name = String(key.name.prefix(320))
    let detail = String(key.detail.prefix(100))
    try db.cachedStatement(
      sql: "INSERT INTO tally VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET count = count + excluded.count"
    ).execute(arguments: [hour, key.metric.rawValue, name, detail, count])
  }

  /// Removes what is older than the retention, or beyond the number of events, some thousands at a time.
  package func prune() async {
    let oldest = EventRow.number(time.now - settings.retention)
    let oldestHour = floorDivide((time.now - settings.retention).seconds, 3600)
    let keep = settings.events
    do {
      var more = true
      while more, !Task.isCancelled {
        more = try await pool.write { db in
          let surplus = try Int64.fetchOne(
            db, sql: "SELECT number FROM event ORDER BY number DESC LIMIT 1 OFFSET ?", arguments: [keep])
          let end = max(oldest, (surplus ?? 0) + 1)
          try db.execute(
            sql: "DELETE FROM event WHERE number IN (SELECT number FROM event WHERE number < ? LIMIT 5000)",
            arguments: [end])
          let removed = db.changesCount
          try db.execute(sql: "DELETE FROM tally WHERE hour < ?", arguments: [oldestHour])
          return removed == 5000
        }
      }
    } catch {
      log.warning("mail log not pruned", metadata: ["error": "\(error)"])
    }
  }

  /// Writes the rest and closes.
  package func close() async {
    await flush()
    try? pool.close()
  }
}
