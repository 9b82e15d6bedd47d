import Basics
import MailSyntax
import RelayAccess
import Testing
import WireTesting

@testable import SMTPServer

/// Whole sessions as the requirements quote them.
@Suite(.timeLimit(.minutes(1))) struct TranscriptTests {
  @Test("R75, R76: the EHLO list and the dialogue")
  func wholeSession() async throws {
    try await ServerFixture.run(tls: true) { fixture in
      try await fixture.play(
        """
        S: 220 mail.example.test ESMTP Martinet
        C: EHLO client.example.org
        S: 250-mail.example.test
        S: 250-PIPELINING
        S: 250-SIZE 10240000
        S: 250-VRFY
        S: 250-ETRN
        S: 250-STARTTLS
        S: 250-AUTH SCRAM-SHA-256 PLAIN LOGIN
        S: 250-ENHANCEDSTATUSCODES
        S: 250-8BITMIME
        S: 250-DSN
        S: 250-SMTPUTF8
        S: 250-CHUNKING
        S: 250-BINARYMIME
        S: 250 LIMITS MAILMAX=1000 RCPTMAX=100
        C: MAIL FROM:<bob@example.org>
        S: 250 2.1.0 Ok
        C: RCPT TO:<alice@example.test>
        S: 250 2.1.5 Ok
        C: DATA
        S: 354 End data with <CR><LF>.<CR><LF>
        C: Subject: hello
        C:
        C: ..dot
        C: .
        S: 250 2.0.0 Ok: queued as A000000001
        C: QUIT
        S: 221 2.0.0 Bye
        S: (end)
        """)
      let message = try #require(fixture.acceptor.messages.first)
      #expect(message.text == "Subject: hello\r\n\r\n.dot\r\n")
      #expect(message.message.id == "A000000001")
      #expect(message.message.sender?.description == "bob@example.org")
      #expect(message.message.account == nil)
      #expect(
        message.trace.hasPrefix(
          "Received: from client.example.org ([127.0.0.1])\r\n\tby mail.example.test (Martinet) with ESMTP"
            + " id A000000001\r\n\tfor <alice@example.test>;\r\n\t"))
    }
  }

  @Test("R77: typed by hand, lower case, without brackets")
  func typedByHand() async throws {
    try await ServerFixture.run { fixture in
      try await fixture.play(
        """
        S: 220 mail.example.test ESMTP Martinet
        C: helo me
        S: 250 mail.example.test
        C: mail from: bob@example.org
        S: 250 2.1.0 Ok
        C: rcpt to: alice@example.test
        S: 250 2.1.5 Ok
        C: rcpt to:<Postmaster>
        S: 250 2.1.5 Ok
        C: data
        S: 354 End data with <CR><LF>.<CR><LF>
        C: hi
        C: .
        S: 250 2.0.0 Ok: queued as A000000001
        C: quit
        S: 221 2.0.0 Bye
        """)
      #expect(fixture.acceptor.messages.first?.trace.contains("with SMTP id") == true)
      #expect(fixture.acceptor.messages.first?.message.recipients.count == 2)
    }
  }

  @Test("R18, R19, R75: VRFY, EXPN, HELP, TURN, ETRN, NOOP, RSET")
  func smallCommands() async throws {
    try await ServerFixture.run { fixture in
      let client = try await fixture.ready()
      try await client.talk("VRFY alice", "252 2.0.0 …")
      try await client.talk("EXPN list", "502 5.5.1 …")
      try await client.talk("TURN", "502 5.5.1 …")
      try await client.talk("NOOP x y z", "250 2.0.0 Ok")
      try await client.talk("RSET", "250 2.0.0 Ok")
      try await client.talk("ETRN example.org", "459 4.7.1 Node example.org not allowed: …")
      try await client.talk("ETRN a b", "501 5.5.4 …")
      try await client.talk("STARTTLS", "502 5.5.1 …")
      try await client.talk("XYZZY", "500 5.5.2 …")
      try await client.talk("RSET now", "501 5.5.4 Syntax: RSET")
      try await client.sendLine("HELP")
      #expect(try await client.reply().count == 3)
      await client.close()
    }
  }

  @Test(
    "R19: ETRN's reply codes",
    arguments: [
      (ETRNOutcome.started, "250 2.0.0 OK, queuing for node example.org started"),
      (.nothingWaiting, "251 2.0.0 OK, no messages waiting for node example.org"),
      (.pendingStarted, "252 2.0.0 OK, pending messages for node example.org started"),
      (.pending(14), "253 2.0.0 OK, 14 pending messages for node example.org started"),
      (.unable, "458 4.3.0 Unable to queue messages for node example.org"),
      (.notAllowed("ask first"), "459 4.7.1 Node example.org not allowed: ask first"),
    ])
  func etrn(_ outcome: ETRNOutcome, _ reply: String) async throws {
    struct Starter: RemoteQueueStarter {
      let outcome: ETRNOutcome
      func start(_ node: ETRNNode, peer: IPAddress, sender: Sender?) async -> ETRNOutcome { outcome }
    }
    try await ServerFixture.run(queues: Starter(outcome: outcome)) { fixture in
      let client = try await fixture.ready()
      try await client.talk("ETRN example.org", reply)
      await client.close()
    }
  }

  @Test func sequenceErrors() async throws {
    try await ServerFixture.run { fixture in
      let client = try await fixture.greeted()
      try await client.talk("MAIL FROM:<a@example.org>", "503 5.5.1 …")
      try await client.talk("EHLO", "501 5.5.4 …")
      try await client.talk("LHLO x", "502 5.5.1 …")
      try await client.talk("HELO x", "250 mail.example.test")
      try await client.talk("RCPT TO:<alice@example.test>", "503 5.5.1 …")
      try await client.talk("DATA", "503 5.5.1 …")
      try await client.talk("MAIL FROM:<a@example.org>", "250 2.1.0 Ok")
      try await client.talk("MAIL FROM:<a@example.org>", "503 5.5.1 …")
      try await client.talk("DATA", "503 5.5.1 …")
      try await client.talk(
        "RCPT TO:<nobody@example.test>", "550 5.1.1 Sorry, no mailbox here by that name. vpopmail (#5.1.1)")
      try await client.talk("RCPT TO:<full@example.test>", "552 5.2.2 user is over quota (#5.2.2)")
      try await client.talk("DATA", "554 5.5.1 …")
      try await client.talk("RCPT TO:<alice@example.test>", "250 2.1.5 Ok")
      try await client.talk("ETRN example.org", "503 5.5.1 …")
      try await client.talk("AUTH PLAIN", "503 5.5.1 …")
      try await client.talk("DATA", "354 …")
      try await client.send("x\r\n.\r\n")
      try await client.hear("250 2.0.0 …")
      await client.close()
    }
  }

  @Test("R21: a recipient named twice is served once")
  func duplicates() async throws {
    try await ServerFixture.run { fixture in
      let client = try await fixture.ready()
      try await client.envelope()
      try await client.talk("RCPT TO:<ALICE@Example.Test>", "250 2.1.5 Ok")
      try await client.talk("DATA", "354 …")
      try await client.talk("x\r\n.", "250 2.0.0 …")
      #expect(fixture.acceptor.messages.first?.message.recipients.count == 1)
      await client.close()
    }
  }

  @Test("R6: the 101st recipient")
  func recipients() async throws {
    try await ServerFixture.run { fixture in
      let client = try await fixture.ready()
      try await client.talk("MAIL FROM:<a@example.org>", "250 2.1.0 Ok")
      try await client.send((0..<101).map { "RCPT TO:<user\($0)@example.test>\r\n" }.joined())
      for _ in 0..<100 { try await client.hear("250 2.1.5 Ok") }
      try await client.hear("452 4.5.3 too many recipients")
      try await client.talk("DATA", "354 …")
      try await client.talk("x\r\n.", "250 2.0.0 …")
      #expect(fixture.acceptor.messages.first?.message.recipients.count == 100)
      #expect(fixture.rights.state.withLock { $0.strikes } == [.recipients])
      await client.close()
    }
  }

  @Test("R5: SIZE, at MAIL and after DATA")
  func size() async throws {
    try await ServerFixture.run(change: { $0.messageSize = 100_000 }) { fixture in
      let client = try await fixture.ready()
      try await client.talk("MAIL FROM:<a@example.org> SIZE=100001", "552 5.3.4 sorry, that message size exceeds …")
      let line = String(repeating: "x", count: 98) + "\r\n"
      let big = String(repeating: line, count: 1001)
      #expect(try await client.message(big + ".\r\n").hasPrefix("552 5.3.4 sorry"))
      #expect(try await client.message(String(repeating: line, count: 1000) + ".\r\n").hasPrefix("250 2.0.0"))
      #expect(fixture.acceptor.messages.map(\.octets.count) == [100_000])
      #expect(fixture.rights.state.withLock { $0.strikes } == [.size, .size])
      await client.close()
    }
  }

  @Test func largeMessagesGoThroughAFile() async throws {
    try await ServerFixture.run { fixture in
      let client = try await fixture.ready()
      let body = (0..<40_000).map { "..line \($0) of a message that is far too long for memory\r\n" }.joined()
      #expect(try await client.message("Subject: big\r\n\r\n" + body + ".\r\n").hasPrefix("250 2.0.0"))
      let message = try #require(fixture.acceptor.messages.first)
      #expect(message.wasFile)
      #expect(message.text == "Subject: big\r\n\r\n" + body.replacing("..line", with: ".line"))
      await client.close()
    }
  }

  @Test func aLineOf5000OctetsLosesNothing() async throws {
    try await ServerFixture.run { fixture in
      let client = try await fixture.ready()
      let line = String(repeating: "abcdefghij", count: 500)
      #expect(try await client.message("\r\n\(line)\r\n.\r\n").hasPrefix("250"))
      #expect(fixture.acceptor.messages.first?.text == "\r\n\(line)\r\n")
      await client.close()
    }
  }

  @Test("R49: sender domains")
  func senderDomains() async throws {
    try await ServerFixture.run { fixture in
      let client = try await fixture.ready()
      try await client.talk(
        "MAIL FROM:<a@nowhere.invalid>",
        "553 5.1.8 Non-existing DNS_MX: MAIL FROM: <a@nowhere.invalid>: nowhere.invalid (#5.1.8)")
      try await client.talk("MAIL FROM:<a@null.example>", "553 5.1.8 Non-existing DNS_MX: MAIL FROM:…")
      try await client.talk("MAIL FROM:<a@slow.example>", "451 4.4.3 …")
      for good in ["<a@a-only.example>", "<a@example.test>", "<a@[192.0.2.1]>", "<>", "<a@example.org >"] {
        try await client.talk("MAIL FROM:\(good)", "250 2.1.0 Ok")
        try await client.talk("RSET", "250 2.0.0 Ok")
      }
      await client.close()
    }
  }

  @Test("R43: badmailfrom")
  func badMailFrom() async throws {
    try await ServerFixture.run(change: { $0.badMailFrom = ["spam@example.org", "@evil.example"] }) { fixture in
      let client = try await fixture.ready()
      let text = "554 5.7.1 sorry, your envelope sender is in my badmailfrom list (#5.7.1)"
      try await client.talk("MAIL FROM:<Spam@Example.org>", text)
      try await client.talk("MAIL FROM:<any@evil.example>", text)
      try await client.talk("MAIL FROM:<ham@example.org>", "250 2.1.0 Ok")
      await client.close()
    }
  }

  @Test("R41: relaying needs a right, and the refusal says which")
  func relay() async throws {
    try await ServerFixture.run { fixture in
      let client = try await fixture.ready()
      try await client.talk("MAIL FROM:<alice@example.test>", "250 2.1.0 Ok")
      try await client.sendLine("RCPT TO:<x@example.net>")
      #expect(
        try await client.reply() == [
          "553-5.7.1 Sorry, that domain isn't allowed to be relayed thru this MTA (#5.7.1)",
          "553 5.7.1 [127.0.0.1]: log in by POP or IMAP from here, or by SMTP AUTH",
        ])
      try await client.talk("RCPT TO:<alice@example.test>", "250 2.1.5 Ok")
      await client.close()
    }
  }

  @Test("R31: a lease relays, with a trace and what the message lacks")
  func lease() async throws {
    try await ServerFixture.run { fixture in
      fixture.rights.change { $0.leases = [.v4(0x7f00_0001)] }
      let client = try await fixture.ready()
      try await client.envelope(from: "alice@example.test", to: "x@example.net")
      try await client.talk("DATA", "354 …")
      try await client.talk("Subject: x\r\n\r\ny\r\n.", "250 2.0.0 …")
      let message = try #require(fixture.acceptor.messages.first)
      #expect(message.message.via == "open-smtp:L1")
      #expect(message.message.account == "alice@example.test")
      #expect(message.trace.contains("with ESMTP id"))
      #expect(message.trace.contains("\r\nX-Martinet-Auth: open-smtp; id=L1\r\n"))
      for field in ["\r\nDate: ", "\r\nFrom: <alice@example.test>\r\n", "\r\nMessage-ID: <"] {
        #expect(message.trace.contains(field))
      }
      // Another's sender, or another's From, is not hers.
      try await client.talk("MAIL FROM:<bob@example.test>", "250 2.1.0 Ok")
      try await client.talk("RCPT TO:<x@example.net>", "553 5.7.1 …")
      try await client.talk("RSET", "250 …")
      try await client.envelope(from: "alice@example.test", to: "x@example.net")
      try await client.talk("DATA", "354 …")
      try await client.talk("From: Boss <boss@example.test>\r\n\r\ny\r\n.", "553 5.7.1 <boss@example.test>: …")
      await client.close()
    }
  }

  @Test("R3: the rate's overrun, and the blacklist behind it")
  func rate() async throws {
    try await ServerFixture.run { fixture in
      let client = try await fixture.ready()
      fixture.rights.change { $0.verdict = .refused(SMTPReply(450, "4.7.1", "rate limit exceeded (100 per minute)")) }
      try await client.talk("MAIL FROM:<a@example.org>", "450 4.7.1 rate limit exceeded (100 per minute)")
      fixture.rights.change { $0.isBlacklisted = true }
      try await client.talk("NOOP", "421 4.7.0 …")
      try await client.expectEnd()
    }
  }

  @Test("R9: a blacklisted client hears nothing, not even a handshake", arguments: [SMTPRole.smtp, .submissions])
  func silence(_ role: SMTPRole) async throws {
    try await ServerFixture.run(role, tls: true) { fixture in
      fixture.rights.change { $0.isSilent = true }
      let client = try await LoopbackClient.connect(port: fixture.port)
      // The start of a TLS handshake, which a server would answer.
      try await client.send([0x16, 0x03, 0x01, 0x00, 0x05, 0x01, 0x00, 0x00, 0x01, 0x03])
      #expect(try await client.isSilent())
      try await client.expectEnd()
    }
  }

  @Test("R20: DSN parameters travel with the envelope")
  func dsn() async throws {
    try await ServerFixture.run { fixture in
      let client = try await fixture.ready()
      try await client.talk("MAIL FROM:<a@example.org> RET=HDRS ENVID=QQ314159", "250 2.1.0 Ok")
      try await client.talk("RCPT TO:<alice@example.test> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;al@example.test", "250 …")
      try await client.talk("RCPT TO:<bob@example.test> NOTIFY=NEVER", "250 …")
      try await client.talk("RCPT TO:<carol@example.test> NOTIFY=NEVER,DELAY", "501 5.5.4 …")
      try await client.talk("DATA", "354 …")
      try await client.talk("x\r\n.", "250 …")
      let message = try #require(fixture.acceptor.messages.first).message
      #expect(message.dsnReturn == "HDRS")
      #expect(message.envelopeID == "QQ314159")
      #expect(message.recipients.map(\.notify) == ["SUCCESS,FAILURE", "NEVER"])
      #expect(message.recipients.first?.originalRecipient == "rfc822;al@example.test")
      await client.close()
    }
  }

  @Test func smtputf8() async throws {
    try await ServerFixture.run { fixture in
      let client = try await fixture.ready()
      try await client.talk("MAIL FROM:<é@example.org>", "553 5.6.7 …")
      try await client.talk("MAIL FROM:<a@example.org>", "250 …")
      try await client.talk("RCPT TO:<bøb@example.test>", "553 5.6.7 …")
      try await client.talk("RSET", "250 …")
      try await client.talk("MAIL FROM:<é@example.org> SMTPUTF8 BODY=8BITMIME", "250 …")
      try await client.talk("RCPT TO:<bøb@example.test>", "250 …")
      try await client.talk("DATA", "354 …")
      try await client.talk("Subject: ü\r\n\r\n.", "250 …")
      let message = try #require(fixture.acceptor.messages.first)
      #expect(message.message.traits == [.eightBit, .utf8])
      #expect(message.trace.contains("with UTF8SMTP id"))
      #expect(message.trace.contains("for <bøb@example.test>"))
      await client.close()
    }
  }

  @Test("R61: LMTP answers for each recipient")
  func lmtp() async throws {
    try await ServerFixture.run(.lmtp) { fixture in
      try await fixture.play(
        """
        S: 220 mail.example.test ESMTP Martinet
        C: EHLO x
        S: 502 5.5.1 Error: command not implemented
        C: LHLO mta.example.test
        S: 250-mail.example.test
        S: 250-PIPELINING
        S: 250-SIZE 10240000
        S: 250-VRFY
        S: 250-ENHANCEDSTATUSCODES
        S: 250-8BITMIME
        S: 250-DSN
        S: 250-SMTPUTF8
        S: 250-CHUNKING
        S: 250-BINARYMIME
        S: 250 LIMITS MAILMAX=1000 RCPTMAX=100
        C: MAIL FROM:<a@nowhere.invalid>
        S: 250 2.1.0 Ok
        C: RCPT TO:<alice@example.test>
        S: 250 2.1.5 Ok
        C: RCPT TO:<bob@example.test>
        S: 250 2.1.5 Ok
        C: RCPT TO:<x@example.net>
        S: 553-5.7.1 Sorry, that domain isn't allowed to be relayed thru this MTA (#5.7.1)
        S: 553 5.7.1 [127.0.0.1]: log in by POP or IMAP from here, or by SMTP AUTH
        C: DATA
        S: 354 End data with <CR><LF>.<CR><LF>
        C: x
        C: .
        S: 250 2.0.0 Ok: queued as A000000001
        S: 452 4.2.2 later
        C: MAIL FROM:<>
        S: 250 2.1.0 Ok
        C: RCPT TO:<alice@example.test>
        S: 250 2.1.5 Ok
        C: RCPT TO:<bob@example.test>
        S: 250 2.1.5 Ok
        C: BDAT 2 LAST
        C:
        S: 250 2.0.0 Ok: queued as A000000002
        S: 452 4.2.2 later
        C: QUIT
        S: 221 2.0.0 Bye
        """)
      #expect(fixture.acceptor.messages.first?.trace.contains("with LMTP id") == true)
    }
  }

  @Test func lmtpIsForListedNetworksOnly() async throws {
    try await ServerFixture.run(.lmtp, change: { $0.lmtpNetworks = [] }) { fixture in
      let client = try await LoopbackClient.connect(port: fixture.port)
      try await client.expectEnd()
    }
  }
}
