import Basics
import MailLog
import Testing

@Suite("Reports")
struct ReportTests {
  let house = LogHouse()

  var span: (Timestamp, Timestamp) { (Timestamp(seconds: 999_000_000), Timestamp(seconds: 1_001_000_000)) }

  func query(_ owner: ReportQuery.Owner, _ step: ReportQuery.Step = .day) -> ReportQuery {
    ReportQuery(from: span.0, to: span.1, step: step, owner: owner)
  }

  @Test("R25: who sent how much, largest first")
  func outUsage() async throws {
    let log = try house.open()
    await house.story("A000000001", in: log, account: "alice@example.test")
    await house.story("A000000002", in: log, account: "alice@example.test", to: ["x@out.test", "y@out.test"])
    await house.story("A000000003", in: log, account: "bob@other.test")
    await house.story("A000000004", in: log)  // from outside: nobody's use
    let report = try await log.outUsage(query(.user)) { _ in "small" }
    #expect(
      report.columns == [
        "Rank", "Domain", "User", "Account type", "Bandwidth KB", "Connections", "Messages", "Recipients", "Via",
      ])
    #expect(
      report.rows == [
        [
          .number(1), .text("example.test"), .text("alice@example.test"), .text("small"), .number(2), .number(2),
          .number(2), .number(3), .text("auth"),
        ],
        [
          .number(2), .text("other.test"), .text("bob@other.test"), .text("small"), .number(1), .number(1), .number(1),
          .number(1), .text("auth"),
        ],
      ])
    #expect(try await log.outUsage(query(.server)) { _ in nil }.rows.count == 1)
    #expect(try await log.outUsage(query(.domain)) { _ in nil }.rows.count == 2)
  }

  @Test("R25 R38: what became of outgoing mail, by day, sender and destination")
  func outgoing() async throws {
    let log = try house.open()
    await house.story("A000000001", in: log, account: "alice@example.test")
    var event = MailEvent(.queued, id: "A000000002")
    (event.sender, event.recipient, event.size) = ("alice@example.test", "z@dead.test", 500)
    log.note(event)
    (event.kind, event.status) = (.bounced, "4.4.7")
    log.note(event)
    await log.flush()
    let report = try await log.outgoing(query(.user))
    #expect(
      report.rows == [
        [
          .text("2001-09-09"), .text("alice@example.test"), .text("dead.test"), .number(1), .number(500), .number(0),
          .number(0), .number(0), .number(1), .none, .text("A000000002"),
        ],
        [
          .text("2001-09-09"), .text("alice@example.test"), .text("out.test"), .number(1), .number(1000), .number(1),
          .number(1), .number(0), .number(0), .decimal(400), .text("A000000001"),
        ],
      ])
    #expect(try await log.outgoing(query(.user, .hour)).rows.first?.first == .text("2001-09-09T01:00Z"))
    #expect(try await log.outgoing(query(.user, .week)).rows.first?.first == .text("2001-09-03"))
    let empty = ReportQuery(from: Timestamp(seconds: 0), to: Timestamp(seconds: 10))
    #expect(try await log.outgoing(empty).rows.isEmpty)
  }

  @Test("R25: connections by cause, with averages and TLS share")
  func connections() async throws {
    let log = try house.open()
    for (detail, count) in [("tls", 3), ("clear", 1), ("timeout", 2), ("5xx", 1)] {
      log.count(MailCount(.outbound, name: "mx.out.test", detail: detail), count)
    }
    log.count(MailCount(.outboundOpen, name: "sum"), 30)
    log.count(MailCount(.outboundOpen, name: "samples"), 20)
    await log.flush()
    let report = try await log.outConnections(query(.server))
    #expect(
      report.rows == [
        [
          .text("2001-09-09"), .decimal(1.5), .number(7), .number(3), .number(2), .number(0), .number(0), .number(0),
          .number(1), .number(0), .decimal(0.75), .text("mx.out.test"),
        ]
      ])
    #expect(try await log.outConnections(query(.domain)).rows.count == 1)
  }

  @Test("R25: traffic, spam, access and limits")
  func others() async throws {
    let log = try house.open()
    var event = MailEvent(.delivered, id: "A000000001")
    (event.recipient, event.size, event.isSpam) = ("bob@example.test", 2048, true)
    log.note(event)
    await house.story("A000000002", in: log, account: "alice@example.test")
    log.count(MailCount(.refused, name: "alice@example.test", detail: "not-owned"), 2)
    log.count(MailCount(.refused, name: "spam.test", detail: "badmailfrom"))
    log.count(MailCount(.login, name: "bob@example.test", detail: "pop"), 4)
    log.count(MailCount(.failedLogin, name: "bob@example.test", detail: "imap"))
    log.count(MailCount(.throttled, name: "bob@example.test"))
    for net in ["192.0.2.1", "192.0.2.2"] { log.count(MailCount(.lease, name: "bob@example.test", detail: net)) }
    log.count(MailCount(.limit, name: "192.0.2.9", detail: "messages"), 3)
    await log.flush()
    let traffic = try await log.traffic(query(.domain)) { $0 == "example.test" }
    #expect(
      traffic.rows == [
        [
          .text("2001-09-09"), .text("example.test"), .number(1), .number(1), .number(1), .number(0), .number(2),
          .number(1),
        ]
      ])
    let spam = try await log.spam(query(.domain))
    #expect(spam.rows.map { $0[1] } == [.text("example.test"), .text("spam.test")])
    #expect(spam.rows[0][2] == .number(1) && spam.rows[0][11] == .number(2) && spam.rows[1][7] == .number(1))
    #expect(
      try await log.access(query(.user)).rows == [
        [
          .text("2001-09-09"), .text("bob@example.test"), .number(4), .number(0), .number(0), .number(1), .number(1),
          .number(2), .number(2),
        ]
      ])
    #expect(
      try await log.limits(query(.user)).rows == [
        [.text("2001-09-09"), .text("192.0.2.9"), .text("messages"), .number(3)]
      ])
  }
}
