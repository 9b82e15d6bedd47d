import Basics
import MailSyntax
import Testing
import WireTesting

@testable import SMTPServer

/// Clients that lie, flood, smuggle and dawdle (HOSTILE.md).
@Suite(.timeLimit(.minutes(1))) struct HostileTests {
  @Test(
    "CVE-2023-51764: smuggled ends are refused, and nothing behind them is run", arguments: DotDecoderTests.smuggling)
  func smuggling(_ sequence: String) async throws {
    try await ServerFixture.run { fixture in
      let client = try await fixture.ready()
      let evil = "MAIL FROM:<evil@example.org>\r\nRCPT TO:<alice@example.test>\r\nDATA\r\nevil\r\n.\r\n"
      let reply = try await client.message("body\(sequence)\(evil)")
      #expect(reply.hasPrefix("550 5.5.2") || reply.hasPrefix("550 5.6.0"), "\(reply)")
      try await client.talk("NOOP", "250 2.0.0 Ok")
      #expect(fixture.acceptor.messages.isEmpty)
      await client.close()
    }
  }

  @Test func normalisedInsteadOfRefused() async throws {
    try await ServerFixture.run(change: { $0.lineEnds = .normalise }) { fixture in
      let client = try await fixture.ready()
      #expect(try await client.message("a\n.\nb\rc\u{0}d\r\n.\r\n").hasPrefix("250"))
      #expect(fixture.acceptor.messages.first?.text == "a\r\n.\r\nb\r\ncd\r\n")
      await client.close()
    }
  }

  @Test func pipelinedGroupsAreAnsweredInOrder() async throws {
    try await ServerFixture.run { fixture in
      let client = try await fixture.ready()
      try await client.send(
        "MAIL FROM:<a@example.org>\r\nRCPT TO:<alice@example.test>\r\nRCPT TO:<nobody@example.test>\r\nDATA\r\n")
      try await client.hear("250 2.1.0 Ok")
      try await client.hear("250 2.1.5 Ok")
      try await client.hear("550 5.1.1 …")
      try await client.hear("354 …")
      try await client.send("one\r\n.\r\nMAIL FROM:<>\r\nRCPT TO:<bob@example.test>\r\nBDAT 5 LAST\r\ntwo\r\nQUIT\r\n")
      try await client.hear("250 2.0.0 …")
      try await client.hear("250 2.1.0 Ok")
      try await client.hear("250 2.1.5 Ok")
      try await client.hear("250 2.0.0 …")
      try await client.hear("221 2.0.0 Bye")
      #expect(fixture.acceptor.messages.map(\.text) == ["one\r\n", "two\r\n"])
    }
  }

  @Test func talkingTooEarly() async throws {
    try await ServerFixture.run { fixture in
      let client = try await fixture.greeted()
      try await client.send("EHLO x\r\nMAIL FROM:<a@example.org>\r\n")
      try await client.hear("554 5.5.0 Error: SMTP protocol synchronization")
      try await client.expectEnd()
      let second = try await fixture.ready()
      try await second.envelope()
      try await second.send("DATA\r\nSubject: x\r\n\r\n.\r\n")
      try await second.hear("554 5.5.0 …")
      try await second.expectEnd()
    }
    try await ServerFixture.run(change: { $0.greetingDelay = .milliseconds(300) }) { fixture in
      let client = try await LoopbackClient.connect(port: fixture.port)
      try await client.sendLine("EHLO x")
      try await client.hear("554 5.5.0 …")
      try await client.expectEnd()
    }
  }

  @Test func chunks() async throws {
    try await ServerFixture.run(change: { $0.messageSize = 1000 }) { fixture in
      let client = try await fixture.ready()
      // Refused chunks are swallowed, not run.
      try await client.send("BDAT 12 LAST\r\nQUIT\r\nQUIT\r\nNOOP\r\n")
      try await client.hear("503 5.5.1 …")
      try await client.hear("250 2.0.0 Ok")
      try await client.envelope()
      try await client.send("BDAT 9\r\nSubject: \r\n")
      try await client.hear("250 2.0.0 Ok: 9 octets received")
      // The CRLF behind the chunk is an empty command line.
      try await client.hear("500 5.5.2 …")
      try await client.talk("DATA", "503 5.5.1 …")
      try await client.talk("RCPT TO:<bob@example.test>", "503 5.5.1 …")
      try await client.send("BDAT 6\r\nx\r\n\r\n.BDAT 0 LAST\r\n")
      try await client.hear("250 2.0.0 Ok: 6 octets received")
      try await client.hear("250 2.0.0 Ok: queued as A000000001")
      #expect(fixture.acceptor.messages.first?.text == "Subject: x\r\n\r\n.")
      // Too large, in one and in two chunks.
      try await client.envelope()
      try await client.send("BDAT 1001 LAST\r\n" + String(repeating: "x", count: 1001))
      try await client.hear("552 5.3.4 …")
      try await client.talk("RSET", "250 …")
      try await client.envelope()
      try await client.send("BDAT 600\r\n" + String(repeating: "x", count: 600))
      try await client.hear("250 …")
      try await client.send("BDAT 600\r\n" + String(repeating: "x", count: 600) + "BDAT 5 LAST\r\nQUIT\r")
      try await client.hear("552 5.3.4 …")
      try await client.hear("503 5.5.1 …")
      // Bare line ends are no better in chunks.
      try await client.talk("RSET", "250 …")
      try await client.envelope()
      try await client.send("BDAT 4 LAST\r\na\nb\n")
      try await client.hear("550 5.5.2 …")
      try await client.talk("BDAT many", "501 5.5.4 …")
      try await client.hear("421 …")
      try await client.expectEnd()
    }
  }

  @Test func aChunkOf99GigabytesEndsTheSession() async throws {
    try await ServerFixture.run { fixture in
      let client = try await fixture.ready()
      try await client.envelope()
      try await client.talk("BDAT 99000000000 LAST", "552 5.3.4 …")
      try await client.hear("421 …")
      try await client.expectEnd()
    }
  }

  @Test func tooManyErrors() async throws {
    try await ServerFixture.run { fixture in
      let client = try await fixture.ready()
      try await client.talk("MAIL FROM:<a@example.org>", "250 …")
      for number in 0..<19 { try await client.talk("RCPT TO:<dict\(number)@example.test>", "550 5.1.1 …") }
      try await client.talk("RCPT TO:<dict@example.test>", "550 5.1.1 …")
      try await client.hear("421 4.7.0 Error: too many errors")
      try await client.expectEnd()
    }
    try await ServerFixture.run(change: { $0.idleCommands = 3 }) { fixture in
      let client = try await fixture.ready()
      try await client.send(String(repeating: "NOOP\r\n", count: 50))
      var last = ""
      while let line = try await client.lineOrEnd() { last = line }
      #expect(last.hasPrefix("421 4.7.0"))
    }
  }

  @Test func linesTooLong() async throws {
    try await ServerFixture.run { fixture in
      let client = try await fixture.ready()
      try await client.talk("NOOP " + String(repeating: "x", count: 2050), "500 5.5.2 Error: line too long")
      try await client.talk("NOOP " + String(repeating: "x", count: 20_000), "500 5.5.2 Error: line too long")
      try await client.talk("NOOP", "250 2.0.0 Ok")
      await client.close()
    }
  }

  @Test("ALPACA: other protocols are cut", arguments: ["GET / HTTP/1.1", "POST /x HTTP/1.1", "Host: mail"])
  func otherProtocols(_ line: String) async throws {
    try await ServerFixture.run { fixture in
      let client = try await fixture.greeted()
      try await client.talk(line, "421 4.7.0 …")
      try await client.expectEnd()
    }
  }

  @Test func nothingIsInjectedIntoTrace() async throws {
    try await ServerFixture.run { fixture in
      let client = try await fixture.greeted()
      try await client.sendLine("EHLO evil(by\u{0})\rX-Evil:1")
      _ = try await client.reply()
      _ = try await client.message("x\r\n.\r\n")
      let trace = try #require(fixture.acceptor.messages.first).trace
      #expect(trace.hasPrefix("Received: from evil?by??"))
      #expect(!trace.contains("X-Evil:"))
      for octet in trace.utf8 where octet < 0x20 { #expect([0x09, 0x0d, 0x0a].contains(octet)) }
      await client.close()
    }
  }

  @Test func loops() async throws {
    try await ServerFixture.run { fixture in
      let client = try await fixture.ready()
      let hops = String(repeating: "Received: from a by b; Sun, 22 Nov 2026 04:53:03 +0000\r\n", count: 50)
      #expect(try await client.message(hops + "\r\nx\r\n.\r\n").hasPrefix("250"))
      #expect(
        try await client.message("Received: x\r\n" + hops + "\r\nx\r\n.\r\n")
          == "554 5.4.6 too many hops, this message is looping (#5.4.6)")
      #expect(
        try await client.message("Delivered-To: alice@example.test\r\n\r\nx\r\n.\r\n")
          == "554 5.4.6 This message is looping: it already has my Delivered-To line. (#5.4.6)")
      await client.close()
    }
  }

  @Test("R76: the acceptor's refusal is the reply")
  func acceptorRefuses() async throws {
    try await ServerFixture.run { fixture in
      let client = try await fixture.ready()
      fixture.acceptor.refuse(with: SMTPReply(452, "4.3.1", "disk full"))
      #expect(try await client.message("x\r\n.\r\n") == "452 4.3.1 disk full")
      fixture.acceptor.refuse(with: nil)
      #expect(try await client.message("x\r\n.\r\n").hasPrefix("250"))
      await client.close()
    }
  }

  @Test func slowClientsAreCut() async throws {
    try await ServerFixture.run(change: { $0.firstMailTimeout = .seconds(2) }) { fixture in
      let client = try await fixture.ready()
      try await client.hear("421 4.4.2 …")
      try await client.expectEnd()
    }
    try await ServerFixture.run(change: {
      $0.dataTimeout = .seconds(2)
      $0.messageTimeout = .seconds(3)
    }) { fixture in
      let client = try await fixture.ready()
      try await client.envelope()
      try await client.talk("DATA", "354 …")
      try await client.send("half a mess")
      try await client.hear("421 4.4.2 …")
      try await client.expectEnd()
      #expect(fixture.acceptor.messages.isEmpty)
    }
  }

  @Test func aClientThatLeavesInTheMiddleDeliversNothing() async throws {
    try await ServerFixture.run { fixture in
      let client = try await fixture.ready()
      try await client.envelope()
      try await client.talk("DATA", "354 …")
      try await client.send("From: x\r\n\r\nhalf\r\n.\r")
      try await client.finishSending()
      _ = try await client.bytesToEnd()
      #expect(fixture.acceptor.messages.isEmpty)
    }
  }

  @Test func shutdownSaysGoodbye() async throws {
    try await ServerFixture.run { fixture in
      let client = try await fixture.ready()
      await fixture.wire.drain(within: .seconds(2))
      try await client.hear("421 4.3.2 …")
      try await client.expectEnd()
    }
  }

  @Test("HOSTILE: a good client is served while others hang")
  func othersAreServed() async throws {
    try await ServerFixture.run { fixture in
      var hanging: [LoopbackClient] = []
      for _ in 0..<30 {
        let client = try await LoopbackClient.connect(port: fixture.port)
        try await client.send("EH")
        hanging.append(client)
      }
      let good = try await fixture.ready()
      #expect(try await good.message("x\r\n.\r\n").hasPrefix("250"))
      for client in hanging { await client.close() }
    }
  }
}
