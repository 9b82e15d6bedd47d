import Basics
import GRDB
import Testing

@testable import MailQueue

#if canImport(Glibc)
  import Glibc
#endif

@Suite("MailQueue: stops of any kind")
struct QueueCrashTests {
  @Test("what was enqueued is there after a kill, claims included")
  func kill() async throws {
    let fixture = try SpoolFixture()
    var queue: MailQueue? = try fixture.open()
    for _ in 0..<10 { if let queue { try await queue.enqueue(fixture.message(queue, to: ["a@x.test", "b@y.test"])) } }
    #expect(try await queue?.claimDue(limit: 5, now: fixture.time.now).isEmpty == false)
    queue = nil
    let again = try fixture.open()
    #expect(again.recovery == MailQueue.Recovery(returnedClaims: 5))
    let claims = try await again.claimDue(limit: 100, now: fixture.time.now)
    #expect(claims.flatMap(\.message.recipients).count == 20)
  }

  @Test("the database is synchronous=FULL in WAL mode")
  func durability() async throws {
    let fixture = try SpoolFixture()
    let queue = try fixture.open()
    let pragmas = try await queue.pool.writeWithoutTransaction { db in
      (try Int.fetchOne(db, sql: "PRAGMA synchronous"), try String.fetchOne(db, sql: "PRAGMA journal_mode"))
    }
    #expect(pragmas == (2, "wal"))
  }

  @Test("a claim whose process lives but forgot it comes back when its lease ends")
  func leases() async throws {
    let fixture = try SpoolFixture()
    let queue = try fixture.open()
    try await queue.enqueue(fixture.message(queue))
    let claim = try #require(try await queue.claimDue(limit: 1, now: fixture.time.now).first)
    fixture.time.advance(by: .seconds(3000))
    try await queue.renew(claim.message.recipients.map(\.number))
    fixture.time.advance(by: .seconds(3599))
    #expect(try await queue.claimDue(limit: 1, now: fixture.time.now).isEmpty)
    fixture.time.advance(by: .seconds(1))
    #expect(try await queue.claimDue(limit: 1, now: fixture.time.now).count == 1)
  }

  @Test("files that a crash left without a row are removed, younger ones stay")
  func orphans() async throws {
    let fixture = try SpoolFixture()
    var queue: MailQueue? = try fixture.open()
    let kept = fixture.message(try #require(queue))
    try await queue?.enqueue(kept)
    let folder = SpoolFolder(directory: fixture.settings.directory)
    // Never committed: the envelope bears this database's own mark.
    let generation = try #require(queue?.generation)
    let draft = try await #require(queue).show(kept.id)
    for name in ["0123456789", "9876543210"] {
      _ = try folder.write(name, prefix: [], content: .bytes([65])) { size in
        var message = draft
        (message.id, message.size) = (name, size)
        return EnvelopeTrailer(generation: generation, message: message).encoded()
      }
    }
    // Half-written.
    _ = try folder.write("AAAAAAAAAA", prefix: [], content: .bytes([65])) { _ in Array("martinet-env".utf8) }
    rename(folder.file("9876543210"), folder.file("9876543210.tmp"))
    queue = nil
    fixture.settings.orphanAge = .seconds(2_000_000_000)
    #expect(try fixture.open().recovery.removedFiles == 0)
    fixture.settings.orphanAge = .zero
    fixture.time.setWallClock(.systemNow)
    let again = try fixture.open()
    #expect(again.recovery.removedFiles == 3)
    _ = try folder.write("BBBBBBBBBB", prefix: [], content: .bytes([65])) { _ in [] }
    fixture.time.setWallClock(.systemNow)
    await again.sweep()
    #expect(fixture.messageFiles == [kept.id])
  }

  @Test("a lost database is rebuilt from the files, once")
  func lostDatabase() async throws {
    let fixture = try SpoolFixture()
    var queue: MailQueue? = try fixture.open()
    var message = fixture.message(try #require(queue), to: ["bücher@example.org", "a b%@x.test"])
    message.sender = ""
    message.recipients[1].notify = "NEVER"
    message.traits = .utf8
    try await queue?.enqueue(message)
    let before = try await #require(queue).show(message.id)
    queue = nil
    fixture.removeDatabase()
    queue = try fixture.open()
    #expect(queue?.recovery.adoptedMessages == 1)
    let after = try await #require(queue).show(message.id)
    #expect(after.sender.isEmpty && after.created == before.created && after.expires == before.expires)
    #expect(after.recipients.map(\.address) == before.recipients.map(\.address))
    #expect(after.recipients[1].notify == "NEVER" && after.traits == .utf8)
    #expect(octets(try #require(queue).content(of: after)) == octets(message.content))
    // Settled after the rebuild, but the file's removal was lost: it must not come back.
    let claims = try await #require(queue).claimDue(limit: 5, now: fixture.time.now)
    let file = SpoolFolder(directory: fixture.settings.directory).file(message.id)
    link(file, file + ".saved")
    try await queue?.settle(
      SettlementBatch(
        claims.flatMap(\.message.recipients).map { Settlement(recipient: $0.number, outcome: .delivered) }))
    rename(file + ".saved", file)
    queue = nil
    fixture.time.setWallClock(.systemNow)
    let last = try fixture.open()
    #expect(last.recovery == MailQueue.Recovery(removedFiles: 1))
  }

  @Test("a broken database is put aside and rebuilt")
  func brokenDatabase() async throws {
    let fixture = try SpoolFixture()
    var queue: MailQueue? = try fixture.open()
    for _ in 0..<20 { if let queue { try await queue.enqueue(fixture.message(queue)) } }
    try queue?.close()
    queue = nil
    let path = fixture.settings.directory + "/queue.db"
    let file = try #require(fopen(path, "r+"))
    fputs("this is no database any more, and that for more octets than the header has: ................", file)
    fclose(file)
    for suffix in ["-wal", "-shm"] { unlink(path + suffix) }
    let again = try fixture.open()
    #expect(again.recovery.adoptedMessages == 20)
    #expect(access(try #require(again.recovery.brokenDatabase), F_OK) == 0)
  }

  @Test("a message whose file is gone is held, not lost from sight")
  func missingFile() async throws {
    let fixture = try SpoolFixture()
    var queue: MailQueue? = try fixture.open()
    let message = fixture.message(try #require(queue))
    try await queue?.enqueue(message)
    queue = nil
    unlink(SpoolFolder(directory: fixture.settings.directory).file(message.id))
    let again = try fixture.open()
    #expect(again.recovery.missingFiles == 1)
    #expect(try await again.show(message.id).recipients[0].reply == "the message file is missing")
  }

  @Test("one server at a time; a tool beside it works, and the server hears of its changes")
  func otherProcess() async throws {
    let fixture = try SpoolFixture()
    fixture.settings.changeInterval = .milliseconds(50)
    let settings = fixture.settings
    let server = try MailQueue(settings: settings, role: .server, time: SystemTime(), log: fixture.log)
    #expect(throws: QueueError.inUse(settings.directory)) { try fixture.open() }
    let tool = try fixture.open(.tool)
    let changes = server.changes()
    let watcher = Task { try await server.watchOtherProcesses() }
    defer { watcher.cancel() }
    // What comes before the watcher's first look is no change to it, so that more than one may be needed.
    let sender = Task {
      while !Task.isCancelled {
        try await tool.enqueue(fixture.message(tool))
        try await Task.sleep(for: .milliseconds(100))
      }
    }
    defer { sender.cancel() }
    var iterator = changes.makeAsyncIterator()
    let woken: Void? = await iterator.next()
    #expect(woken != nil)
    #expect(try await server.list().isEmpty == false)
  }

  @Test("a locked database refuses new mail for now and keeps nothing of it; then all goes on")
  func locked() async throws {
    let fixture = try SpoolFixture()
    fixture.settings.busyTimeout = .milliseconds(100)
    let queue = try fixture.open()
    try await queue.enqueue(fixture.message(queue))
    var configuration = Configuration()
    configuration.allowsUnsafeTransactions = true
    let other = try DatabaseQueue(path: fixture.settings.directory + "/queue.db", configuration: configuration)
    try await other.writeWithoutTransaction { db in try db.execute(sql: "BEGIN IMMEDIATE") }
    await #expect(throws: DatabaseError.self) { try await queue.enqueue(fixture.message(queue)) }
    #expect(fixture.messageFiles.count == 1)
    #expect(try await queue.list().count == 1)
    try await other.writeWithoutTransaction { db in try db.execute(sql: "ROLLBACK") }
    try await queue.enqueue(fixture.message(queue))
    #expect(try await queue.claimDue(limit: 10, now: fixture.time.now).count == 2)
  }

  @Test("a clock that jumps a day back or ahead loses no mail and brings no id back")
  func clockJumps() async throws {
    let fixture = try SpoolFixture()
    let queue = try fixture.open()
    var ids: Set<String> = []
    for jump in [Duration.zero, .seconds(-86_400), .seconds(2 * 86_400), .seconds(-40 * 86_400), .seconds(41 * 86_400)]
    {
      fixture.time.setWallClock(fixture.time.now + jump)
      for _ in 0..<5000 { #expect(ids.insert(queue.newID()).inserted) }
      try await queue.enqueue(fixture.message(queue))
    }
    #expect(try await queue.list().count == 5)
    #expect(try await queue.claimDue(limit: 10, now: fixture.time.now).count == 5)
  }

  @Test("100,000 queued messages: opened soon, due work found by index")
  func large() async throws {
    let fixture = try SpoolFixture()
    var queue: MailQueue? = try fixture.open()
    let count = 100_000
    let folder = SpoolFolder(directory: fixture.settings.directory)
    let now = fixture.time.now
    let sample = QueuedMessage(
      id: "", sender: "a@example.test", size: 1, created: now, expires: now + .seconds(86_400), mailClass: .normal,
      isHeld: false, account: nil, via: nil, dsnReturn: nil, envelopeID: nil, traits: [], warned: nil, recipients: [])
    try await queue?.pool.write { db in
      for index in 0..<count {
        var message = sample
        message.id = QueueIDs.text(UInt64(index))
        close(open(folder.file(message.id), O_CREAT | O_WRONLY, 0o600))
        message.recipients = [
          QueuedRecipient(
            number: 0, address: "u@d\(index % 1000).test", destination: "d\(index % 1000).test", state: .queued,
            next: now + .seconds(Int64(index)), attempts: 0, lastAttempt: nil, reply: "", status: "", remote: "",
            notify: nil, originalRecipient: nil)
        ]
        try QueueSchema.insert(message, db)
      }
    }
    queue = nil
    let clock = ContinuousClock()
    let before = residentMemory()
    let start = clock.now
    let again = try fixture.open()
    let opened = clock.now - start
    let grown = (residentMemory() - before) >> 20
    print("100,000 queued messages: opened in \(opened), \(grown) MiB more memory")
    #expect(grown < 64, "\(grown) MiB")
    #expect(again.recovery == MailQueue.Recovery())
    #expect(opened < .seconds(20), "took \(opened)")
    let begun = clock.now
    #expect(try await again.claimDue(limit: 100, now: now + .seconds(50)).count == 51)
    #expect(clock.now - begun < .seconds(10))
    let plan = try await again.pool.read { db in
      try Row.fetchAll(
        db,
        sql: """
          EXPLAIN QUERY PLAN SELECT number FROM recipient
          WHERE state = 0 AND class = 0 AND next <= 5 ORDER BY next LIMIT 3
          """
      ).map { row -> String in row["detail"] }
    }
    #expect(plan.contains { $0.contains("recipient_due") } && !plan.contains { $0.contains("TEMP B-TREE") })
  }
}

/// Octets of memory this process holds.
private func residentMemory() -> Int {
  guard let file = fopen("/proc/self/statm", "r") else { return 0 }
  defer { fclose(file) }
  var line = [CChar](repeating: 0, count: 128)
  guard fgets(&line, 128, file) != nil else { return 0 }
  let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  let pages = text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
  return pages * Int(sysconf(Int32(_SC_PAGESIZE)))
}
