import Basics
import MailLog
import MailSyntax
import Testing

@testable import Delivery

@Suite("The story of a message")
struct JournalTests {
  let house: House

  init() throws { house = try House() }

  /// What happened to a message, as `word recipient`.
  func story(_ id: String) async throws -> [MailEvent] {
    await house.journal.flush()
    var query = TraceQuery()
    query.id = id
    return try await house.journal.trace(query).first?.events ?? []
  }

  func words(_ id: String) async throws -> [String] {
    try await story(id).map { $0.recipient.isEmpty ? $0.kind.word : "\($0.kind.word) \($0.recipient)" }
  }

  @Test("R68 R90: accepted, into a mailbox, queued, sent; with Message-ID, account and peer")
  func whole() async throws {
    house.server("far.test", "192.0.2.1")
    let message = try house.message(
      to: ["bob@example.test", "friend@far.test"], body: "Message-ID: <one@here>\r\nX-Spam-Flag: YES\r\n\r\nhello\r\n"
    ) { ($0.account, $0.via, $0.peer, $0.session) = ("alice@example.test", "auth", "192.0.2.9", "s-1") }
    #expect(await house.refusal(message) == nil)
    house.start()
    try await house.eventually { try await story(message.id).contains { $0.kind == .sent } }
    #expect(
      try await words(message.id) == [
        "accepted", "delivered bob@example.test", "queued friend@far.test", "sent friend@far.test",
      ])
    let events = try await story(message.id)
    #expect(events[0].messageID == "one@here" && events[0].account == "alice@example.test")
    #expect(events[0].peer == "192.0.2.9" && events[0].session == "s-1" && events[0].recipients == 2)
    #expect(events.prefix(3).map(\.isSpam) == [true, true, true])
    #expect(events[3].remote == "mx.far.test" && events[3].text?.hasPrefix("250") == true)
  }

  @Test("R39 R40 R68: each attempt with the remote's words, then both sentences")
  func attempts() async throws {
    house.resolver.setMX("dead.test", [(10, "mx.dead.test")])
    house.resolver.setAddresses("mx.dead.test", ["192.0.2.2"])
    let message = try house.message(to: ["friend@dead.test"])
    #expect(await house.refusal(message) == nil)
    house.start()
    for age in [0, 400, 90_000] {
      if age > 0 { house.time.advance(by: .seconds(age)) }
      let count = age == 0 ? 1 : age == 400 ? 2 : 3
      try await house.eventually {
        try await story(message.id).filter { $0.kind != .accepted && $0.kind != .queued }.count >= count
      }
    }
    let events = try await story(message.id)
    #expect(events.map(\.kind).prefix(4) == [.accepted, .queued, .deferred, .deferred])
    #expect(events.last?.kind == .bounced && events.last?.status == "4.4.7")
    #expect(events.last?.text?.contains("I'm not going to try again") == true)
  }

  @Test("A refused message leaves no story, and one for a full mailbox beside another tells so")
  func refusals() async throws {
    let refused = try house.message(to: ["nobody@example.test"])
    #expect(await house.refusal(refused) != nil)
    #expect(try await story(refused.id).isEmpty)
  }
}
