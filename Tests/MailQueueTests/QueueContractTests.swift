import Basics
import Testing

@testable import MailQueue

@Suite("MailQueue: what its verbs promise")
struct QueueContractTests {
  @Test("R20 R38 an enqueued message is listed with sender, size, expiry and recipients")
  func enqueueAndShow() async throws {
    let fixture = try SpoolFixture()
    let queue = try fixture.open()
    var message = fixture.message(queue, to: ["bob@example.org", "carol@example.net"])
    message.prefix = Array("Received: here\r\n".utf8)
    message.account = "alice@example.test"
    message.via = "open-smtp:17"
    message.dsnReturn = "HDRS"
    message.envelopeID = "QQ314159"
    message.traits = [.eightBit, .utf8]
    message.recipients[0].notify = "SUCCESS,FAILURE"
    message.recipients[0].originalRecipient = "rfc822;bob@example.org"
    try await queue.enqueue(message)
    let shown = try await queue.show(message.id)
    #expect(
      shown.sender == "alice@example.test" && shown.recipients.map(\.address) == message.recipients.map(\.address))
    #expect(shown.expires == fixture.time.now + .seconds(86_400))
    #expect(shown.account == "alice@example.test" && shown.via == "open-smtp:17" && shown.traits == [.eightBit, .utf8])
    #expect(shown.dsnReturn == "HDRS" && shown.envelopeID == "QQ314159")
    #expect(shown.recipients[0].notifiesSuccess && shown.recipients[0].notifiesFailure)
    #expect(!shown.recipients[0].notifiesDelay && shown.recipients[1].notifiesDelay)
    let text = "Received: here\r\nSubject: hi\r\n\r\nhello\r\n"
    #expect(octets(queue.content(of: shown)) == Array(text.utf8))
    #expect(shown.size == text.utf8.count)
    #expect(try await queue.head(of: shown, limit: 8) == Array("Received".utf8))
  }

  @Test("a large message is copied from its file")
  func largeContent() async throws {
    let fixture = try SpoolFixture()
    let queue = try fixture.open()
    let source = fixture.directory + "/upload"
    let bytes = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 / 7) }
    let folder = SpoolFolder(directory: fixture.directory)
    try folder.create()
    _ = try folder.write("upload", prefix: [], content: .bytes(bytes)) { _ in [] }
    var message = fixture.message(queue)
    message.content = .file(path: folder.file("upload"), size: bytes.count)
    try await queue.enqueue(message)
    #expect(octets(queue.content(of: try await queue.show(message.id))) == bytes)
    #expect(source.isEmpty == false)
  }

  @Test("claims group the recipients of one message and destination, and nobody gets them twice")
  func claims() async throws {
    let fixture = try SpoolFixture()
    let queue = try fixture.open()
    let message = fixture.message(queue, to: ["a@one.test", "b@two.test", "c@one.test"])
    try await queue.enqueue(message)
    let claims = try await queue.claimDue(limit: 10, now: fixture.time.now)
    #expect(claims.map(\.destination).sorted() == ["one.test", "two.test"])
    #expect(
      claims.first { $0.destination == "one.test" }?.message.recipients.map(\.address) == ["a@one.test", "c@one.test"])
    #expect(try await queue.claimDue(limit: 10, now: fixture.time.now).isEmpty)
    #expect(try await queue.counts() == QueueCounts(messages: 1, queued: 0, leased: 3, held: 0))
  }

  @Test("a message leaves when every recipient is settled, its file with it")
  func settle() async throws {
    let fixture = try SpoolFixture()
    let queue = try fixture.open()
    try await queue.enqueue(fixture.message(queue, to: ["a@one.test", "b@one.test", "c@one.test"]))
    let rows = try await queue.claimDue(limit: 10, now: fixture.time.now)[0].message.recipients
    let later = fixture.time.now + .seconds(400)
    try await queue.settle(
      SettlementBatch([
        Settlement(recipient: rows[0].number, outcome: .delivered, reply: "250 ok", remote: "mx.one.test"),
        Settlement(
          recipient: rows[1].number, outcome: .deferred(until: later), reply: "451 greylisted", status: "4.7.1"),
        Settlement(recipient: rows[2].number, outcome: .failed, reply: "550 no", status: "5.1.1"),
      ]))
    let message = try #require(try await queue.list().first)
    #expect(message.recipients.map(\.state) == [.delivered, .queued, .failed])
    #expect(message.recipients[1].reply == "451 greylisted" && message.recipients[1].attempts == 1)
    #expect(message.recipients[1].next == later)
    #expect(try await queue.nextDue(after: fixture.time.now) == later)
    #expect(try await queue.claimDue(limit: 10, now: fixture.time.now + .seconds(399)).isEmpty)
    let again = try await queue.claimDue(limit: 10, now: later)
    #expect(again.count == 1)
    try await queue.settle(SettlementBatch([Settlement(recipient: rows[1].number, outcome: .delivered)]))
    #expect(try await queue.list().isEmpty)
    #expect(fixture.messageFiles.isEmpty)
  }

  @Test("a report enters the queue in the transaction that ends its cause")
  func reports() async throws {
    let fixture = try SpoolFixture()
    let queue = try fixture.open()
    try await queue.enqueue(fixture.message(queue))
    let claim = try await queue.claimDue(limit: 1, now: fixture.time.now)[0]
    var report = fixture.message(queue, to: ["alice@example.test"])
    report.sender = ""
    try await queue.settle(
      SettlementBatch(
        [Settlement(recipient: claim.message.recipients[0].number, outcome: .failed)], reports: [report]))
    #expect(try await queue.list().map(\.sender) == [""])
    #expect(fixture.messageFiles == [report.id])
  }

  @Test("excluded destinations do not hide others, and class list is claimed on its own")
  func fairness() async throws {
    let fixture = try SpoolFixture()
    let queue = try fixture.open()
    for index in 0..<50 { try await queue.enqueue(fixture.message(queue, to: ["u\(index)@dead.test"])) }
    try await queue.enqueue(fixture.message(queue, to: ["bob@alive.test"]))
    try await queue.enqueue(fixture.message(queue, to: ["list@alive.test"], mailClass: .list))
    let claims = try await queue.claimDue(limit: 10, now: fixture.time.now, excluding: ["dead.test"])
    #expect(claims.map(\.destination) == ["alive.test"])
    let lists = try await queue.claimDue(limit: 10, now: fixture.time.now, mailClass: .list)
    #expect(lists.map { $0.message.recipients[0].address } == ["list@alive.test"])
  }

  @Test("hold keeps back, release lets go, flush makes due, remove takes out")
  func administration() async throws {
    let fixture = try SpoolFixture()
    let queue = try fixture.open()
    let message = fixture.message(queue)
    try await queue.enqueue(message)
    try await queue.hold(message.id.lowercased())
    #expect(try await queue.claimDue(limit: 1, now: fixture.time.now).isEmpty)
    try await queue.release(message.id)
    let claim = try #require(try await queue.claimDue(limit: 1, now: fixture.time.now).first)
    try await queue.hold(message.id)
    let later = fixture.time.now + .seconds(400)
    try await queue.settle(
      SettlementBatch([Settlement(recipient: claim.message.recipients[0].number, outcome: .deferred(until: later))]))
    #expect(try await queue.show(message.id).recipients[0].state == .held)
    try await queue.release(message.id)
    #expect(try await queue.claimDue(limit: 1, now: fixture.time.now).isEmpty)
    #expect(try await queue.flush(message.id) == 1)
    #expect(try await queue.claimDue(limit: 1, now: fixture.time.now).count == 1)
    try await queue.remove(message.id)
    #expect(fixture.messageFiles.isEmpty)
    await #expect(throws: QueueError.notFound(message.id)) { try await queue.show(message.id) }
    await #expect(throws: QueueError.notFound("FFFF")) { try await queue.flush("FFFF") }
    // The attempt that was under way ends without harm.
    try await queue.settle(
      SettlementBatch([Settlement(recipient: claim.message.recipients[0].number, outcome: .delivered)]))
  }

  @Test("R38 the curve: 400, 1600, 3600 … seconds after birth, and the last attempt exactly at the lifetime")
  func curve() {
    let curve = RetryCurve()
    let born = Timestamp(seconds: 1_790_000_000)
    let expires = born + .seconds(86_400)
    var ages: [Int64] = []
    var now = born
    while let next = curve.next(created: born, expires: expires, now: now) {
      ages.append((next - born).wholeMilliseconds / 1000)
      now = next
    }
    #expect(
      ages == [
        400, 1600, 3600, 6400, 10_000, 14_400, 19_600, 25_600, 32_400, 40_000, 48_400, 57_600, 67_600,
        78_400, 86_400,
      ])
    // A clock set back must not bring attempts in a row without pause.
    #expect(curve.next(created: born, expires: expires, now: born - .seconds(500)) == born + .seconds(400))
  }

  @Test("R76 ids are ten capital hexadecimal digits and never come twice, restarts and lost databases included")
  func ids() async throws {
    let fixture = try SpoolFixture()
    var seen: Set<String> = []
    for round in 0..<4 {
      let queue = try fixture.open()
      for _ in 0..<5000 { seen.insert(queue.newID()) }
      if round == 2 {
        fixture.time.advance(by: .seconds(10))
        fixture.removeDatabase()
      }
    }
    #expect(seen.count == 20_000)
    #expect(seen.allSatisfy { $0.count == 10 && $0.allSatisfy { $0.isHexDigit && !$0.isLowercase } })
  }

  @Test("many at once share commits, and each is whole")
  func concurrency() async throws {
    let fixture = try SpoolFixture()
    let queue = try fixture.open()
    try await withThrowingTaskGroup(of: Void.self) { group in
      for index in 0..<300 {
        let message = fixture.message(queue, to: ["u\(index)@example.org"])
        group.addTask { try await queue.enqueue(message) }
      }
      try await group.waitForAll()
    }
    #expect(try await queue.counts().messages == 300)
    #expect(fixture.messageFiles.count == 300)
  }

  @Test("a message that cannot be kept leaves nothing behind")
  func refusals() async throws {
    let fixture = try SpoolFixture()
    fixture.settings.recipientLimit = 2
    let queue = try fixture.open()
    await #expect(throws: QueueError.self) { try await queue.enqueue(fixture.message(queue, to: [])) }
    await #expect(throws: QueueError.self) {
      try await queue.enqueue(fixture.message(queue, to: ["a@b", "c@d", "e@f"]))
    }
    var missing = fixture.message(queue)
    missing.content = .file(path: fixture.directory + "/nothing", size: 10)
    await #expect(throws: QueueError.self) { try await queue.enqueue(missing) }
    let double = fixture.message(queue)
    try await queue.enqueue(double)
    await #expect(throws: (any Error).self) { try await queue.enqueue(double) }
    #expect(try await queue.counts().messages == 1)
    #expect(octets(queue.content(of: try await queue.show(double.id))) == octets(double.content))
  }
}
