import Basics
import DNSResolver
import Logging
import MailQueue
import MailSyntax
import Testing

@testable import SMTPServer

#if canImport(Glibc)
  import Glibc
#endif

@Suite("ETRN", .timeLimit(.minutes(1)))
struct QueueStarterTests {
  private let time = ManualTime()
  private let resolver = StaticResolver()
  private let log = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
  private let loopback: IPAddress

  init() throws { loopback = try #require(IPAddress("127.0.0.1")) }

  private func queue() throws -> (queue: MailQueue, folder: String) {
    let folder = "/tmp/martinet-etrn-\(getpid())-\(UInt32.random(in: 0 ... .max))"
    return (
      try MailQueue(settings: MailQueueSettings(directory: folder), role: .server, time: time, log: log), folder
    )
  }

  private func remove(_ folder: String, _ queue: MailQueue) async throws {
    for message in try await queue.list() { try await queue.remove(message.id) }
    try queue.close()
    for name in ["queue.db", "queue.db-wal", "queue.db-shm", "lock"] { unlink("\(folder)/\(name)") }
    rmdir("\(folder)/messages")
    rmdir(folder)
  }

  /// A message that has failed once and waits for its next time.
  private func enqueue(_ queue: MailQueue, _ destination: String) async throws {
    let message = SpoolMessage(
      id: queue.newID(), sender: "alice@example.test",
      recipients: [SpoolRecipient(address: "bob@\(destination)", destination: destination)],
      content: .bytes(Array("Subject: x\r\n\r\nx\r\n".utf8)))
    try await queue.enqueue(message)
    for claim in try await queue.claimDue(limit: 10, now: time.now) {
      let later = time.now + .seconds(400)
      try await queue.settle(
        SettlementBatch(
          claim.message.recipients.map { Settlement(recipient: $0.number, outcome: .deferred(until: later)) }))
    }
  }

  @Test("R19: 253 and the queue starts, 252 while it is under way, 251 when nothing waits, 250 within a minute")
  func codes() async throws {
    let (queue, folder) = try queue()
    for destination in ["customer.example", "customer.example", "sub.customer.example", "other.example"] {
      try await enqueue(queue, destination)
    }
    var settings = ETRNSettings()
    settings.nodes = ["customer.example": [IPNetwork(loopback, prefix: 8)]]
    settings.nodes["@customer.example"] = settings.nodes["customer.example"]
    let starter = QueueStarter(settings: settings, queue: queue, resolver: resolver, time: time, log: log)
    try await ServerFixture.run(queues: starter) { fixture in
      let client = try await fixture.ready()
      try await client.talk(
        "ETRN customer.example", "253 2.0.0 OK, 2 pending messages for node customer.example started")
      #expect(try await queue.claimDue(limit: 10, now: time.now).count == 2)
      try await client.talk("ETRN customer.example", "250 2.0.0 OK, queuing for node customer.example started")
      time.advance(by: .seconds(60))
      try await client.talk(
        "ETRN customer.example", "252 2.0.0 OK, pending messages for node customer.example started")
      try await client.talk(
        "ETRN @customer.example", "253 2.0.0 OK, 3 pending messages for node @customer.example started")
      for message in try await queue.list() { try await queue.remove(message.id) }
      time.advance(by: .seconds(60))
      try await client.talk(
        "ETRN customer.example", "251 2.0.0 OK, no messages waiting for node customer.example")
      try await client.talk("ETRN other.example", "459 4.7.1 Node other.example not allowed: not on this server's list")
      try await client.talk("ETRN #slow", "459 4.7.1 Node #slow not allowed: this server has no queues by name")
      try await client.talk("ETRN a..b", "501 5.5.4 Syntax: ETRN domain")
      await client.close()
    }
    try await remove(folder, queue)
  }

  @Test("R19: without networks only the domain's own mail exchangers may ask; a broken queue or DNS is 458")
  func security() async throws {
    let (queue, folder) = try queue()
    var settings = ETRNSettings()
    settings.nodes = ["@customer.example": [], "slow.example": []]
    let starter = QueueStarter(settings: settings, queue: queue, resolver: resolver, time: time, log: log)
    resolver.setMX("customer.example", [(10, "mx.customer.example")])
    resolver.setAddresses("mx.customer.example", ["192.0.2.7"])
    resolver.fail("slow.example", .timeout)
    let domain = try MailDomain("customer.example")
    let exchanger = try #require(IPAddress("192.0.2.7"))
    #expect(
      await starter.start(.domain(domain), peer: loopback, sender: nil)
        == .notAllowed("not from your address [127.0.0.1]"))
    #expect(await starter.start(.domain(domain), peer: exchanger, sender: nil) == .nothingWaiting)
    let slow = try MailDomain("slow.example")
    #expect(await starter.start(.domain(slow), peer: exchanger, sender: nil) == .unable)
    let below = try MailDomain("deep.sub.customer.example")
    #expect(QueueStarter.entry(for: below, subdomains: false, in: settings) == [])
    #expect(QueueStarter.entry(for: slow, subdomains: true, in: settings) == nil)
    settings.nodes = [:]
    starter.update(settings)
    #expect(
      await starter.start(.domain(domain), peer: exchanger, sender: nil)
        == .notAllowed("not on this server's list"))
    try await remove(folder, queue)
  }
}

@Suite("Mail to and from domains that are not validated", .timeLimit(.minutes(1)))
struct UnvalidatedTests {
  @Test("R4: counted once, at MAIL for the sender after AUTH, at RCPT for a recipient or under a lease")
  func once() async throws {
    try await ServerFixture.run { fixture in
      fixture.rights.change { $0.unvalidated = ["remote.test", "other.test"] }
      let client = try await fixture.authenticated()
      try await client.talk("MAIL FROM:<alice@example.test>", "250 2.1.0 Ok")
      try await client.talk("RCPT TO:<bob@example.test>", "250 2.1.5 Ok")
      #expect(fixture.rights.state.withLock { $0.counted } == [])
      try await client.talk("RCPT TO:<a@remote.test>", "250 2.1.5 Ok")
      try await client.talk("RCPT TO:<b@other.test>", "250 2.1.5 Ok")
      #expect(fixture.rights.state.withLock { $0.counted } == ["remote.test"])
      try await client.talk("RSET", "250 2.0.0 Ok")
      fixture.rights.change { $0.unvalidated = ["example.test"] }
      try await client.talk("MAIL FROM:<alice@example.test>", "250 2.1.0 Ok")
      #expect(fixture.rights.state.withLock { $0.counted } == ["remote.test", "example.test"])
      await client.close()

      fixture.rights.change { $0.counted = [] }
      let stranger = try await fixture.ready()
      try await stranger.envelope()
      #expect(fixture.rights.state.withLock { $0.counted } == [])
      let peer = try #require(IPAddress("127.0.0.1"))
      fixture.rights.change { $0.leases = [peer] }
      try await stranger.talk("RSET", "250 2.0.0 Ok")
      try await stranger.talk("MAIL FROM:<alice@example.test>", "250 2.1.0 Ok")
      #expect(fixture.rights.state.withLock { $0.counted } == [])
      try await stranger.talk("RCPT TO:<a@remote.test>", "250 2.1.5 Ok")
      #expect(fixture.rights.state.withLock { $0.counted } == ["example.test"])
      await stranger.close()
    }
  }

  @Test("R4: the crossing transaction hears 450 4.7.1, the next one 421")
  func overrun() async throws {
    try await ServerFixture.run { fixture in
      fixture.rights.change {
        $0.unvalidated = ["remote.test"]
        $0.unvalidatedVerdict = .refused(SMTPReply(450, "4.7.1", "rate limit exceeded (10 per minute)"))
      }
      let client = try await fixture.authenticated()
      try await client.talk("MAIL FROM:<alice@example.test>", "250 2.1.0 Ok")
      try await client.talk("RCPT TO:<a@remote.test>", "450 4.7.1 rate limit exceeded (10 per minute)")
      fixture.rights.change { $0.unvalidatedVerdict = .blacklisted }
      try await client.talk("RCPT TO:<a@remote.test>", "421 4.7.0 …")
      try await client.expectEnd()
    }
  }
}
