import Basics
import Testing
import WireTesting

@testable import SMTPServer

/// AUTH, STARTTLS and the ports for customers.
@Suite(.timeLimit(.minutes(1))) struct SubmissionTests {
  @Test("R64, R86: without right no MAIL on 587", arguments: [SMTPRole.submission, .submissions])
  func needsAuth(_ role: SMTPRole) async throws {
    try await ServerFixture.run(role, tls: true) { fixture in
      let client = try await fixture.ready()
      try await client.talk("MAIL FROM:<alice@example.test>", "530 5.7.0 Authentication required…")
      fixture.rights.change { $0.leases = [.v4(0x7f00_0001)] }
      try await client.talk("MAIL FROM:<alice@example.test>", "250 2.1.0 Ok")
      try await client.talk("RCPT TO:<bob@example.test>", "250 2.1.5 Ok")
      try await client.talk("RSET", "250 …")
      try await client.talk("MAIL FROM:<bob@example.test>", "250 2.1.0 Ok")
      try await client.talk("RCPT TO:<bob@example.test>", "553 5.7.1 …")
      await client.close()
    }
  }

  @Test("R32: PLAIN with and without an initial response, LOGIN with its prompts")
  func mechanisms() async throws {
    try await ServerFixture.run(.submission) { fixture in
      for transcript in [
        "C: AUTH PLAIN AGFsaWNlQGV4YW1wbGUudGVzdABzZWNyZXQ=",
        "C: AUTH PLAIN\nS: 334 \nC: AGFsaWNlQGV4YW1wbGUudGVzdABzZWNyZXQ=",
        "C: AUTH LOGIN\nS: 334 VXNlcm5hbWU6\nC: YWxpY2UlZXhhbXBsZS50ZXN0\nS: 334 UGFzc3dvcmQ6\nC: c2VjcmV0",
        "C: auth login YWxpY2UlZXhhbXBsZS50ZXN0\nS: 334 UGFzc3dvcmQ6\nC: c2VjcmV0",
      ] {
        let client = try await fixture.ready()
        try await client.play(transcript + "\nS: 235 2.7.0 Authentication successful")
        try await client.talk("AUTH PLAIN", "503 5.5.1 …")
        await client.close()
      }
    }
  }

  @Test func refusedLogins() async throws {
    try await ServerFixture.run(.submission) { fixture in
      let client = try await fixture.ready()
      try await client.talk("AUTH NTLM", "504 5.5.4 …")
      try await client.talk("AUTH PLAIN !!!", "501 5.5.2 …")
      try await client.play("C: AUTH LOGIN\nS: 334 VXNlcm5hbWU6\nC: *\nS: 501 5.7.0 Authentication cancelled")
      // \0alice@example.test\0wrong
      try await client.talk("AUTH PLAIN AGFsaWNlQGV4YW1wbGUudGVzdAB3cm9uZw==", "535 5.7.8 …")
      #expect(fixture.rights.state.withLock { $0.failures } == 1)
      // \0busy@example.test\0x
      try await client.talk("AUTH PLAIN AGJ1c3lAZXhhbXBsZS50ZXN0AHg=", "454 4.7.0 …")
      // \0denied@example.test\0x
      try await client.talk("AUTH PLAIN AGRlbmllZEBleGFtcGxlLnRlc3QAeA==", "535 5.7.13 sending is switched off")
      try await client.talk("AUTH PLAIN AGFsaWNlQGV4YW1wbGUudGVzdAB3cm9uZw==", "535 5.7.8 …")
      try await client.hear("421 4.7.0 …")
      try await client.expectEnd()
    }
  }

  @Test("R31: after a failed AUTH no lease counts")
  func failedAuthSwitchesLeasesOff() async throws {
    try await ServerFixture.run(.submission) { fixture in
      fixture.rights.change { $0.leases = [.v4(0x7f00_0001)] }
      let client = try await fixture.ready()
      try await client.talk("AUTH PLAIN AGFsaWNlQGV4YW1wbGUudGVzdAB3cm9uZw==", "535 5.7.8 …")
      try await client.talk("MAIL FROM:<alice@example.test>", "530 5.7.0 …")
      await client.close()
    }
  }

  @Test("R23: MAIL FROM and From must be the account's own")
  func ownership() async throws {
    try await ServerFixture.run(.submission) { fixture in
      let client = try await fixture.authenticated()
      try await client.talk(
        "MAIL FROM:<bob@example.test>",
        "553 5.7.1 <bob@example.test>: Sender address rejected: not owned by user alice@example.test")
      for (from, reply) in [
        ("From: alice@example.test", "250"), ("From: Sales <Sales@example.test>", "250"),
        ("From: bob@example.test", "553 5.7.1 <bob@example.test>"),
        ("From: alice@example.test\r\nFrom: bob@example.test", "553 5.7.1"),
        ("From: alice@example.test, bob@example.test", "553 5.7.1"), ("From: nonsense", "553 5.7.1"),
        ("From: \"alice@example.test\" <bob@example.test>", "553 5.7.1"), ("Subject: no From", "250"),
      ] {
        let answer = try await client.message("\(from)\r\n\r\nx\r\n.\r\n", from: "alice@example.test")
        #expect(answer.hasPrefix(reply), "\(from): \(answer)")
      }
      #expect(fixture.acceptor.messages.count == 3)
      let message = try #require(fixture.acceptor.messages.last)
      #expect(message.message.via == "auth")
      #expect(message.trace.contains("with ESMTPA id"))
      #expect(message.trace.contains("From: <alice@example.test>"))
      #expect(!message.trace.contains("X-Martinet-Auth"))
      // The empty sender is allowed; From is the account's then.
      try await client.talk("MAIL FROM:<>", "250 2.1.0 Ok")
      await client.close()
    }
  }

  @Test("R72: bare names get the mail name on ports for customers")
  func mailName() async throws {
    try await ServerFixture.run(.submission, change: { $0.mailName = try? .init("example.test") }) { fixture in
      let client = try await fixture.authenticated()
      try await client.envelope(from: "alice", to: "bob")
      await client.close()
    }
    try await ServerFixture.run(.smtp, change: { $0.mailName = try? .init("example.test") }) { fixture in
      let client = try await fixture.ready()
      try await client.talk("MAIL FROM:<alice>", "501 5.1.7 …")
      await client.close()
    }
  }

  @Test func noLoginInClearUnlessConfigured() async throws {
    try await ServerFixture.run(.submission, tls: true, change: { $0.plaintextLogin = false }) { fixture in
      let client = try await fixture.greeted()
      try await client.sendLine("EHLO x")
      let lines = try await client.reply()
      #expect(!lines.contains { $0.contains("PLAIN") })
      try await client.talk("AUTH PLAIN AGFsaWNlQGV4YW1wbGUudGVzdABzZWNyZXQ=", "530 5.7.0 Must issue a STARTTLS …")
      await client.close()
    }
  }

  @Test("R34: STARTTLS forgets everything, and AUTH works behind it")
  func startTLS() async throws {
    try await ServerFixture.run(.smtp, tls: true, change: { $0.plaintextLogin = false }) { fixture in
      let client = try await fixture.ready()
      try await client.talk("MAIL FROM:<a@example.org>", "250 …")
      try await client.talk("STARTTLS", "220 2.0.0 Ready to start TLS")
      try await client.startTLS()
      try await client.talk("RCPT TO:<alice@example.test>", "503 5.5.1 …")
      try await client.talk("MAIL FROM:<a@example.org>", "503 5.5.1 …")
      try await client.sendLine("EHLO again.example.org")
      let lines = try await client.reply()
      #expect(!lines.contains { $0.contains("STARTTLS") })
      #expect(lines.contains { $0.contains("SCRAM-SHA-256-PLUS") && $0.contains("PLAIN") })
      try await client.talk("STARTTLS", "503 5.5.1 …")
      try await client.talk("AUTH PLAIN AGFsaWNlQGV4YW1wbGUudGVzdABzZWNyZXQ=", "235 …")
      #expect(try await client.message("x\r\n.\r\n", from: "alice@example.test").hasPrefix("250"))
      let trace = try #require(fixture.acceptor.messages.first).trace
      #expect(trace.contains("from again.example.org"))
      #expect(trace.contains("with ESMTPSA id"))
      #expect(trace.contains("\r\n\t(using TLSv1.3)"))
      await client.close()
    }
  }

  @Test("R35: TLS from the start on 465")
  func implicitTLS() async throws {
    try await ServerFixture.run(.submissions, tls: true) { fixture in
      let client = try await fixture.authenticated()
      #expect(try await client.message("x\r\n.\r\n", from: "alice@example.test").hasPrefix("250"))
      await client.close()
    }
  }

  @Test("CVE-2011-0411: what comes behind STARTTLS is never run")
  func injectionBeforeTLS() async throws {
    try await ServerFixture.run(.smtp, tls: true) { fixture in
      let client = try await fixture.ready()
      try await client.send("STARTTLS\r\nEHLO evil\r\nMAIL FROM:<evil@example.org>\r\n")
      try await client.hear("220 2.0.0 Ready to start TLS")
      try await client.startTLS()
      #expect(try await client.isSilent())
      try await client.talk("NOOP", "250 2.0.0 Ok")
      try await client.talk("RCPT TO:<alice@example.test>", "503 5.5.1 …")
      await client.close()
    }
  }
}
