import Basics
import Foundation
import Logging
import MailLog
import Testing

/// A log of its own for each test.
struct LogHouse {
  let path = NSTemporaryDirectory() + "log-\(UUID().uuidString).db"
  let time = ManualTime(Timestamp(seconds: 1_000_000_000))

  func open(_ change: (inout MailLogSettings) -> Void = { _ in }) throws -> MailLog {
    var settings = MailLogSettings()
    change(&settings)
    return try MailLog(path: path, settings: settings, time: time, log: Logger(label: "test"))
  }

  /// One message with its story, written.
  func story(_ id: String, in log: MailLog, account: String? = nil, to recipients: [String] = ["friend@out.test"]) async
  {
    var event = MailEvent(.accepted, id: id)
    event.messageID = "\(id)@mail"
    event.sender = "Alice@example.test"
    event.account = account
    event.via = account == nil ? nil : "auth"
    event.size = 1000
    event.recipients = recipients.count
    log.note(event)
    for recipient in recipients {
      event.recipient = recipient
      event.messageID = nil
      for kind in [MailEvent.Kind.queued, .deferred, .sent] {
        event.kind = kind
        event.remote = kind == .queued ? nil : "mx.out.test"
        event.text = kind == .deferred ? "421 later\nGiving up on 192.0.2.1." : nil
        event.delay = kind == .queued ? nil : .seconds(400)
        log.note(event)
      }
    }
    await log.flush()
  }
}

@Suite("The mail log")
struct MailLogTests {
  let house = LogHouse()

  @Test("R68: a message's whole life, by id, Message-ID, sender and recipient")
  func trace() async throws {
    let log = try house.open()
    await house.story("AAAAAAAAAA", in: log)
    house.time.advance(by: .seconds(5))
    await house.story("BBBBBBBBBB", in: log, to: ["other@out.test"])
    for change: (inout TraceQuery) -> Void in [
      { $0.id = "aaaaaaaaaa" }, { $0.messageID = "<AAAAAAAAAA@mail>" }, { $0.recipient = "FRIEND@out.test" },
      { ($0.sender, $0.recipient) = ("alice@EXAMPLE.test", "friend@out.test") },
      { $0.to = Timestamp(seconds: 1_000_000_004) },
    ] {
      var query = TraceQuery()
      change(&query)
      let found = try await log.trace(query)
      #expect(found.map(\.id) == ["AAAAAAAAAA"])
      #expect(found.first?.events.map(\.kind) == [.accepted, .queued, .deferred, .sent])
      #expect(found.first?.events[2].text == "421 later\nGiving up on 192.0.2.1.")
    }
    var all = TraceQuery()
    all.recipient = "@out.test"
    #expect(try await log.trace(all).map(\.id) == ["AAAAAAAAAA", "BBBBBBBBBB"])
    all.recipient = "@%"
    #expect(try await log.trace(all).isEmpty)
  }

  @Test("R68: a forward is told with the message it comes from")
  func related() async throws {
    let log = try house.open()
    var event = MailEvent(.accepted, id: "AAAAAAAAAA")
    event.sender = "x@out.test"
    log.note(event)
    event.kind = .queued
    event.recipient = "y@far.test"
    event.related = "CCCCCCCCCC"
    log.note(event)
    event.related = nil
    event.id = "CCCCCCCCCC"
    event.kind = .sent
    log.note(event)
    await log.flush()
    for id in ["AAAAAAAAAA", "CCCCCCCCCC"] {
      var query = TraceQuery()
      query.id = id
      #expect(try await log.trace(query).map(\.events.last?.kind) == [.sent])
      #expect(try await log.trace(query).first?.events.first?.kind == .accepted)
    }
  }

  @Test("R90: an account sees what it sent, and of what it got only its own copy")
  func ownMailOnly() async throws {
    let log = try house.open()
    await house.story("AAAAAAAAAA", in: log, account: "alice@example.test")
    await house.story("BBBBBBBBBB", in: log, account: "carol@example.test")
    var event = MailEvent(.accepted, id: "DDDDDDDDDD")
    (event.sender, event.account, event.via, event.recipients) = ("carol@example.test", "carol@example.test", "auth", 2)
    log.note(event)
    for name in ["alice@example.test", "bob@example.test"] {
      (event.kind, event.recipient) = (.delivered, name)
      log.note(event)
    }
    await log.flush()
    var query = TraceQuery()
    query.account = "alice@example.test"
    let found = try await log.trace(query)
    #expect(found.map(\.id) == ["AAAAAAAAAA", "DDDDDDDDDD"])
    #expect(found.last?.events.map(\.recipient) == ["", "alice@example.test"])
    #expect(found.last?.events.first?.account == nil)
    query.id = "BBBBBBBBBB"
    #expect(try await log.trace(query).isEmpty)
  }

  @Test("Old events go after the retention, and the oldest beyond the number kept")
  func pruning() async throws {
    let log = try house.open { ($0.retention, $0.events) = (.seconds(3600), 8) }
    await house.story("AAAAAAAAAA", in: log)
    house.time.advance(by: .seconds(7200))
    for id in ["BBBBBBBBBB", "CCCCCCCCCC", "DDDDDDDDDD"] {
      await house.story(id, in: log)
      house.time.advance(by: .seconds(1))
    }
    await log.prune()
    #expect(try await log.trace(TraceQuery()).map(\.id) == ["CCCCCCCCCC", "DDDDDDDDDD"])
  }

  @Test("Memory is bounded while nothing is written, and noting never waits")
  func bounded() async throws {
    let log = try house.open { $0.buffer = 10 }
    for number in 0..<50 { log.note(MailEvent(.accepted, id: "\(number)")) }
    await log.flush()
    #expect(try await log.trace(TraceQuery()).count == 10)
  }

  @Test("A clock that goes back writes on; a broken file is put aside")
  func trouble() async throws {
    let log = try house.open()
    await house.story("AAAAAAAAAA", in: log)
    house.time.setWallClock(Timestamp(seconds: 5))
    await house.story("BBBBBBBBBB", in: log)
    #expect(try await log.trace(TraceQuery()).count == 2)
    await log.close()
    for suffix in ["-wal", "-shm"] { unlink(house.path + suffix) }
    try Data(repeating: 0x41, count: 9000).write(to: URL(fileURLWithPath: house.path))
    let fresh = try house.open()
    #expect(try await fresh.trace(TraceQuery()).isEmpty)
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: NSTemporaryDirectory()).contains {
        $0.hasPrefix((house.path as NSString).lastPathComponent + ".broken")
      })
  }

  @Test("Long words are cut between characters")
  func cut() async throws {
    let log = try house.open { $0.textLimit = 20 }
    var event = MailEvent(.bounced, id: "AAAAAAAAAA")
    event.text = String(repeating: "é", count: 50)
    log.note(event)
    await log.flush()
    let text = try #require(try await log.trace(TraceQuery()).first?.events.first?.text)
    #expect(text.utf8.count <= 20 && text.hasSuffix("é…"))
  }
}
