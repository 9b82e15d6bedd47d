import Basics
import DNSResolver
import MailQueue
import MailSyntax
import SMTPClient
import Testing

@testable import Delivery

@Suite("Delivery: running the queue")
struct RunnerTests {
  private func queue(
    _ house: House, from sender: String? = "alice@example.test", _ recipients: String...,
    change: (inout AcceptedMessage) -> Void = { _ in }
  ) async throws -> String {
    try await house.delivery.accept(try house.message(from: sender, to: recipients, change))
  }

  @Test("R60 three recipients of one destination travel in one transaction")
  func oneTransaction() async throws {
    let house = try House()
    house.server("one.test", "192.0.2.1")
    house.start()
    _ = try await queue(house, "a@one.test", "b@one.test", "c@one.test")
    try await house.eventually { try await house.queue.counts().messages == 0 }
    #expect(house.transport.sent.map(\.recipients) == [["a@one.test", "b@one.test", "c@one.test"]])
    #expect(house.transport.sent.first?.sender == "alice@example.test")
    #expect(
      house.transport.sent.first?.text == "Received: from here\r\n\tby there; now\r\nSubject: hi\r\n\r\nhello\r\n")
  }

  @Test("R39 R40 a dead destination: the sentence in the queue, the curve, the warning at 4 h, the bounce at 24 h")
  func deadDestination() async throws {
    let house = try House()
    house.server("dead.test", "192.0.2.9", .init(isDown: true))
    house.start()
    let id = try await queue(house, "carol@dead.test")
    let born = house.time.now
    var age: Int64 = 0
    for (attempt, next) in [
      400, 1600, 3600, 6400, 10_000, 14_400, 19_600, 25_600, 32_400, 40_000, 48_400, 57_600,
      67_600, 78_400, 86_400,
    ].enumerated() {
      try await house.eventually("attempt \(attempt + 1)") {
        let row = try await house.queue.show(id).recipients[0]
        return row.attempts == attempt + 1 && row.state == .queued
      }
      let row = try await house.queue.show(id).recipients[0]
      #expect(row.reply == "Sorry, I wasn't able to establish an SMTP connection. (#4.4.1)")
      #expect(row.next == born + .seconds(Int64(next)))
      let warnings = age >= 14_400 ? 1 : 0
      try await house.eventually("warning at \(age)") { house.store.mail("alice@example.test").count == warnings }
      house.time.advance(by: .seconds(Int64(next) - age))
      age = Int64(next)
    }
    try await house.eventually { house.store.mail("alice@example.test").count == 2 }
    try await house.eventually { try await house.queue.counts().messages == 0 }
    let (warning, bounce) = (house.store.mail("alice@example.test")[0], house.store.mail("alice@example.test")[1])
    #expect(warning.contains("Subject: delay notice\r\n") && warning.contains("Action: delayed\r\n"))
    #expect(!warning.contains("Hi. This is the"))
    #expect(bounce.hasPrefix("Return-Path: <>\r\nDelivered-To: alice@example.test\r\n"))
    #expect(bounce.contains("From: MAILER-DAEMON@mail.example.test\r\n"))
    #expect(bounce.contains("Subject: failure notice\r\n"))
    #expect(
      bounce.contains(
        """
        \r\n\r\nHi. This is the qmail-send program at mail.example.test.\r
        I'm afraid I wasn't able to deliver your message to the following addresses.\r
        This is a permanent error; I've given up. Sorry it didn't work out.\r
        \r
        <carol@dead.test>:\r
        Sorry, I wasn't able to establish an SMTP connection. (#4.4.1)\r
        I'm not going to try again; this message has been in the queue too long.\r
        \r
        --- Below this line is a copy of the message.\r

        """))
    #expect(bounce.contains("Final-Recipient: rfc822; carol@dead.test\r\nAction: failed\r\nStatus: 4.4.7\r\n"))
    #expect(bounce.contains("Content-Type: text/rfc822-headers\r\n") && bounce.contains("\r\nSubject: hi\r\n"))
  }

  @Test("R44 a refusal comes back at once and names host, command and reply")
  func refusal() async throws {
    let house = try House()
    house.server(
      "one.test", "192.0.2.1",
      .init(replies: [
        "no@one.test": [
          RemoteReply(code: 550, enhanced: "5.1.1", lines: ["5.1.1 MAILBOX NOT FOUND", "5.1.1 User unknown"])
        ]
      ]))
    house.start()
    _ = try await queue(house, "no@one.test", "yes@one.test") { $0.dsnReturn = "FULL" }
    try await house.eventually { house.store.mail("alice@example.test").count == 1 }
    let bounce = house.store.mail("alice@example.test")[0]
    #expect(
      bounce.contains(
        """
        <no@one.test>:\r
        192.0.2.1 does not like recipient.\r
        Remote host said: 550 5.1.1 MAILBOX NOT FOUND\r
        550 5.1.1 User unknown\r
        Giving up on 192.0.2.1.\r
        while talking to mx.one.test:\r
        >>> RCPT TO:<no@one.test>\r
        <<< 550 5.1.1 MAILBOX NOT FOUND\r
        <<< 550 5.1.1 User unknown\r
        \r

        """))
    #expect(bounce.contains("Remote-MTA: dns; mx.one.test\r\n"))
    #expect(bounce.contains("Diagnostic-Code: smtp; 550 5.1.1 MAILBOX NOT FOUND 5.1.1 User unknown\r\n"))
    #expect(bounce.contains("Content-Type: message/rfc822\r\n") && bounce.contains("\r\nhello\r\n"))
    #expect(!bounce.contains("yes@one.test"))
    #expect(house.transport.sent.map(\.recipients) == [["yes@one.test"]])
  }

  @Test("greylisting: 451, then taken at the next time of the curve")
  func greylisting() async throws {
    let house = try House()
    let grey = RemoteReply(code: 451, enhanced: "4.7.1", lines: ["4.7.1 Greylisted, come back later"])
    house.server("one.test", "192.0.2.1", .init(replies: ["a@one.test": [grey]]))
    house.start()
    let id = try await queue(house, "a@one.test", "b@one.test")
    try await house.eventually { try await house.queue.show(id).recipients[0].attempts == 1 }
    let message = try await house.queue.show(id)
    #expect(message.recipients.map(\.state) == [.queued, .delivered])
    #expect(message.recipients[0].reply.contains("Remote host said: 451 4.7.1 Greylisted, come back later"))
    #expect(message.recipients[0].status == "4.7.1")
    house.time.advance(by: .seconds(400))
    try await house.eventually { try await house.queue.counts().messages == 0 }
    #expect(house.transport.sent.map(\.recipients) == [["b@one.test"], ["a@one.test"]])
  }

  @Test("recipients put off for their number alone are offered again at once")
  func tooManyRecipients() async throws {
    let house = try House()
    house.server("one.test", "192.0.2.1", .init(recipientLimit: 2))
    house.start()
    _ = try await queue(house, "a@one.test", "b@one.test", "c@one.test", "d@one.test", "e@one.test")
    try await house.eventually { try await house.queue.counts().messages == 0 }
    #expect(house.transport.sent.map(\.recipients.count) == [2, 2, 1])
  }

  @Test("R60 exchangers in order, down ones passed over, all their addresses tried")
  func fallback() async throws {
    let house = try House()
    house.resolver.setMX("one.test", [(20, "b.one.test"), (10, "a.one.test"), (30, "c.one.test")])
    house.resolver.setAddresses("a.one.test", ["192.0.2.1", "2001:db8::1"])
    house.resolver.setAddresses("b.one.test", ["192.0.2.2"])
    house.resolver.setAddresses("c.one.test", ["192.0.2.3"])
    house.transport.set("192.0.2.2", .init())
    house.transport.set("192.0.2.3", .init())
    house.start()
    _ = try await queue(house, "a@one.test")
    try await house.eventually { try await house.queue.counts().messages == 0 }
    #expect(
      house.transport.tried == [
        "a.one.test 2001:db8::1 opportunistic", "a.one.test 192.0.2.1 opportunistic",
        "b.one.test 192.0.2.2 opportunistic",
      ])
  }

  @Test(
    "R47 R60 what the name system says becomes the right sentence, at once or later",
    arguments: [
      ("nx.test", "Sorry, I couldn't find any host named nx.test. (#5.1.2)", true),
      ("null.test", "Sorry, null.test does not accept mail: it has a null MX. (#5.1.10)", true),
      ("empty.test", "Sorry, I couldn't find a mail exchanger or IP address. (#5.4.4)", true),
      ("hollow.test", "Name service error for mx.hollow.test: Host found but no data record of requested type", true),
      ("slowmx.test", "Name service error for mx.slowmx.test: Name service timed out", false),
      ("fail.test", "CNAME lookup failed temporarily. (#4.4.3)", false),
      (
        "us.test",
        "Sorry. Although I'm listed as a best-preference MX or A for that host, it isn't in my control/locals file, so I don't treat it as local. (#5.4.6)",
        true
      ),
      ("usa.test", "Sorry. Although I'm listed", true),
    ])
  func names(domain: String, text: String, isPermanent: Bool) async throws {
    let house = try House()
    house.resolver.setMX("null.test", [(0, "")])
    house.resolver.setTXT("empty.test", ["x"])
    house.resolver.setMX("hollow.test", [(10, "mx.hollow.test")])
    house.resolver.setTXT("mx.hollow.test", ["x"])
    house.resolver.setMX("slowmx.test", [(10, "mx.slowmx.test")])
    house.resolver.fail("mx.slowmx.test", .timeout)
    house.resolver.fail("fail.test", .servfail)
    house.resolver.setMX("us.test", [(10, "us.test"), (20, "worse.test")])
    house.resolver.setAddresses("us.test", ["127.0.0.1"])
    house.resolver.setAddresses("worse.test", ["192.0.2.7"])
    house.resolver.setTXT("usa.test", ["x"])
    house.resolver.setAddresses("usa.test", ["127.0.0.1"])
    house.delivery.setListeningAddresses([ListeningAddress(.v4(0), port: 25)])
    house.start()
    let id = try await queue(house, "a@\(domain)")
    if isPermanent {
      try await house.eventually { house.store.mail("alice@example.test").count == 1 }
      #expect(house.store.mail("alice@example.test")[0].contains("<a@\(domain)>:\r\n\(text)"))
    } else {
      try await house.eventually { try await house.queue.show(id).recipients[0].attempts == 1 }
      #expect(try await house.queue.show(id).recipients[0].reply == text)
    }
    #expect(house.transport.tried.isEmpty)
  }

  @Test("loopback destinations that are not our own are delivered to")
  func loopback() async throws {
    let house = try House { $0.remotePort = 10_025 }
    house.server("one.test", "127.0.0.1")
    house.delivery.setListeningAddresses([ListeningAddress(.v4(0), port: 25)])
    house.start()
    _ = try await queue(house, "a@one.test", "b@[127.0.0.1]")
    try await house.eventually { try await house.queue.counts().messages == 0 }
    #expect(house.transport.sent.count == 2)
  }

  @Test("R36 R42 TLS that breaks falls back to clear by MX, and stays an error where it is demanded")
  func tls() async throws {
    let house = try House { settings in
      if let domain = try? MailDomain("strict.test") {
        settings.routes[domain] = Smarthost(host: "192.0.2.2", tls: .required)
      }
    }
    house.server("one.test", "192.0.2.1", .init(breaksTLS: true))
    house.transport.set("192.0.2.2", .init(breaksTLS: true))
    house.start()
    _ = try await queue(house, "a@one.test")
    try await house.eventually { try await house.queue.counts().messages == 0 }
    #expect(house.transport.tried == ["mx.one.test 192.0.2.1 opportunistic", "mx.one.test 192.0.2.1 off"])
    let id = try await queue(house, "a@strict.test")
    try await house.eventually { try await house.queue.show(id).recipients[0].attempts == 1 }
    #expect(
      try await house.queue.show(id).recipients[0].reply
        == "TLS not available: connect failed: error:00000000:lib(0):func(0):reason(0)")
  }

  @Test("one connection carries many messages to a destination")
  func reuse() async throws {
    let house = try House {
      $0.initialConcurrency = 1; $0.destinationConcurrency = 1
    }
    house.server("one.test", "192.0.2.1")
    for index in 0..<20 { _ = try await queue(house, "u\(index)@one.test") }
    house.start()
    try await house.eventually { try await house.queue.counts().messages == 0 }
    #expect(house.transport.sessions == 1 && house.transport.sent.count == 20)
  }

  @Test("dead and stalling destinations do not delay the others")
  func fairness() async throws {
    let house = try House { $0.concurrency = 8 }
    for index in 0..<6 {
      house.server("stall\(index).test", "192.0.2.\(100 + index)", .init(isStalling: true))
      for user in 0..<20 { _ = try await queue(house, "u\(user)@stall\(index).test") }
    }
    house.server("live.test", "192.0.2.1")
    for user in 0..<20 { _ = try await queue(house, "u\(user)@live.test") }
    house.start()
    // The first connections to unknown hosts may all stall, some twice; served in turn, the others would wait for 45 s.
    try await house.eventually(within: 15) { house.transport.sent.count == 20 }
  }

  @Test("a bounce that bounces goes to postmaster once, then ends")
  func doubleBounce() async throws {
    let house = try House()
    house.resolver.setMX("null.test", [(0, "")])
    house.start()
    _ = try await queue(house, from: "spoofed@null.test", "x@null.test")
    try await house.eventually { house.store.mail("postmaster@example.test").count == 1 }
    let mail = house.store.mail("postmaster@example.test")[0]
    #expect(mail.contains("I tried to deliver a bounce message to this address, but the bounce bounced!\r\n"))
    #expect(mail.contains("<spoofed@null.test>:\r\n"))
    try await house.eventually { try await house.queue.counts().messages == 0 }
    house.directory.set("postmaster@example.test", .noMailbox)
    _ = try await queue(house, from: "spoofed@null.test", "x@null.test")
    try await house.eventually { try await house.queue.counts().messages == 0 }
    #expect(house.store.mail("postmaster@example.test").count == 1)
  }

  @Test("NOTIFY=NEVER ends in silence; SUCCESS is reported when the next server cannot")
  func notify() async throws {
    let house = try House()
    house.resolver.setMX("null.test", [(0, "")])
    house.server("one.test", "192.0.2.1")
    house.start()
    _ = try await queue(house, "x@null.test") { $0.recipients[0].notify = "NEVER" }
    _ = try await queue(house, "a@one.test") { $0.recipients[0].notify = "SUCCESS,FAILURE" }
    try await house.eventually { house.store.mail("alice@example.test").count == 1 }
    try await house.eventually { try await house.queue.counts().messages == 0 }
    #expect(house.store.mail("alice@example.test")[0].contains("Action: relayed\r\n"))
  }

  @Test("qsbmf bounces are plain text with the whole of qmail's form")
  func qsbmf() async throws {
    let house = try House { $0.bounceFormat = .qsbmf }
    house.resolver.setMX("null.test", [(0, "")])
    house.start()
    _ = try await queue(house, "x@null.test")
    try await house.eventually { house.store.mail("alice@example.test").count == 1 }
    let bounce = house.store.mail("alice@example.test")[0]
    #expect(bounce.contains("\r\n\r\nHi. This is the qmail-send program at mail.example.test.\r\n"))
    #expect(
      bounce.contains(
        "\r\n\r\n--- Below this line is a copy of the message.\r\n\r\nReturn-Path: <alice@example.test>\r\n"))
    #expect(!bounce.contains("multipart"))
  }

  @Test("R84 a smarthost takes everything but what is hosted here")
  func smarthost() async throws {
    let house = try House { $0.smarthost = Smarthost(host: "relay.test", port: 2525, login: "u", password: "p") }
    house.resolver.setAddresses("relay.test", ["192.0.2.50"])
    house.transport.set("192.0.2.50", .init())
    house.start()
    _ = try await queue(house, "a@one.test", "b@two.test", "bob@example.test")
    try await house.eventually { try await house.queue.counts().messages == 0 }
    #expect(Set(house.transport.tried) == ["relay.test 192.0.2.50 opportunistic"])
    #expect(house.store.mail("bob@example.test").count == 1)
    #expect(!house.resolver.questions.contains { $0.hasPrefix("MX") })
  }

  @Test("flush tries now, hold waits, and claims not begun go back when the runner ends")
  func administration() async throws {
    let house = try House()
    house.server("dead.test", "192.0.2.9", .init(isDown: true))
    house.start()
    let id = try await queue(house, "a@dead.test")
    try await house.eventually { try await house.queue.show(id).recipients[0].attempts == 1 }
    house.transport.set("192.0.2.9", .init())
    try await house.queue.flush(id)
    try await house.eventually { try await house.queue.counts().messages == 0 }
    #expect(house.transport.sent.count == 1)
    await house.delivery.stop()
  }
}
