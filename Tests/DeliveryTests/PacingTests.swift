import Basics
import MailSyntax
import SMTPClient
import Testing

@testable import Delivery
@testable import MailQueue

@Suite("Delivery: how fast, and who goes first")
struct PacingTests {
  private func claim(_ number: Int64, _ destination: String, _ mailClass: MailClass = .normal) -> QueueClaim {
    let now = Timestamp(seconds: 0)
    let recipient = QueuedRecipient(
      number: number, address: "a@\(destination)", destination: destination, state: .leased, next: now, attempts: 0,
      lastAttempt: nil, reply: "", status: "", remote: "", notify: nil, originalRecipient: nil)
    let message = QueuedMessage(
      id: "\(number)", sender: "", size: 1, created: now, expires: now, mailClass: mailClass, isHeld: false,
      account: nil, via: nil, dsnReturn: nil, envelopeID: nil, traits: [], warned: nil, recipients: [recipient])
    return QueueClaim(message: message, destination: destination)
  }

  @Test("R27: list mail never has more than a quarter of the places, and goes behind other mail of its destination")
  func listShare() {
    var settings = DeliverySettings(hostname: "x")
    (settings.concurrency, settings.initialConcurrency) = (8, 8)
    var table = LaneTable(settings: settings)
    for number in 0..<20 { table.add(claim(Int64(number), "d\(number % 5).test", .list), lane: "d\(number % 5).test") }
    let first = table.start()
    #expect(first.count == 2 && table.listWorkers == 2)
    table.add(claim(100, "d0.test"), lane: "d0.test")
    table.add(claim(101, "other.test"), lane: "other.test")
    let second = table.start()
    #expect(Set(second.map(\.claim.message.id)) == ["100", "101"] && table.start().isEmpty)
    table.finish(first[0].claim, wasTaken: true)
    let next = table.next(first[0].key)
    #expect(next?.message.mailClass == .list && table.listWorkers == 2)
    #expect(table.next(first[1].key) == nil)
    let drained = ["d0.test", "d1.test", "d2.test", "d3.test", "d4.test"].flatMap { table.drain($0) }
    for claim in drained { table.finish(claim, wasTaken: false) }
    #expect(table.listWorkers == 2 && table.load == 4)
  }

  @Test("R28: no more than five new connections to one destination in any second; others are not held up")
  func rate() {
    let pacer = ConnectionPacer()
    var starts: [Duration] = []
    for index in 0..<12 {
      let now = Duration.milliseconds(index * 10)
      starts.append(now + pacer.reserve("one.test", rate: 5, now: now))
    }
    #expect(starts.prefix(5).enumerated().allSatisfy { $1 == .milliseconds($0 * 10) })
    for index in 5..<12 { #expect(starts[index] - starts[index - 5] >= .seconds(1)) }
    #expect(starts[11] < .seconds(3))
    #expect(pacer.reserve("two.test", rate: 5, now: .zero) == .zero)
    #expect(pacer.reserve("one.test", rate: 0, now: .zero) == .zero)
    #expect(pacer.reserve("one.test", rate: 5, now: .seconds(60)) == .zero)
  }

  @Test("R28: a 421 puts off what waits for that destination, unattempted and said so, and nobody else's mail")
  func backOff() async throws {
    let house = try House { $0.initialConcurrency = 1 }
    house.server(
      "busy.test", "192.0.2.1",
      .init(replies: ["a0@busy.test": [RemoteReply(code: 421, enhanced: "4.7.0", lines: ["4.7.0 too many messages"])]]))
    house.server("other.test", "192.0.2.2")
    for index in 0..<5 { _ = try await house.delivery.accept(house.message(to: ["a\(index)@busy.test"])) }
    _ = try await house.delivery.accept(house.message(to: ["b@other.test"]))
    house.start()
    try await house.eventually("the other destination's mail") { house.transport.sent.count == 1 }
    try await house.eventually("all the others are paced") {
      try await house.queue.list().flatMap(\.recipients).count { $0.reply.hasPrefix("paced: mx.busy.test") } == 4
    }
    let rows = try await house.queue.list().flatMap(\.recipients)
    #expect(rows.allSatisfy { $0.state == .queued })
    #expect(rows.filter { $0.attempts == 0 }.allSatisfy { $0.next == house.time.now + .seconds(60) })
    #expect(rows.first { $0.attempts == 1 }?.reply.contains("Remote host said: 421 4.7.0 too many messages") == true)
    house.time.advance(by: .seconds(60))
    try await house.eventually { house.transport.sent.count == 5 }
    house.time.advance(by: .seconds(400))
    try await house.eventually { try await house.queue.counts().messages == 0 }
  }
}
