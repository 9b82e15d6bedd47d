import Basics
import MailQueue
import MailSyntax
import Testing
import WireTesting

@testable import SMTPServer

@Suite("SMTP: later extensions", .timeLimit(.minutes(1)))
struct ExtensionTests {
  @Test("BINARYMIME (RFC 3030): octets as they are by BDAT, DATA refused, a header that smuggles lines too")
  func binary() async throws {
    try await ServerFixture.run { fixture in
      let client = try await fixture.ready()
      try await client.talk("MAIL FROM:<someone@example.org> BODY=BINARYMIME", "250 2.1.0 Ok")
      try await client.talk("RCPT TO:<alice@example.test>", "250 2.1.5 Ok")
      try await client.talk("DATA", "503 5.5.1 Error: BODY=BINARYMIME was given, send BDAT")
      let octets: [UInt8] = Array("Subject: x\r\n\r\n".utf8) + [0, 1, 0x0a, 0x0d, 0xff, 0x2e, 0x0d, 0x0a]
      try await client.sendLine("BDAT \(octets.count) LAST")
      try await client.send(String(decoding: octets[..<14], as: UTF8.self))
      try await client.send(Array(octets[14...]))
      try await client.hear("250 2.0.0 Ok: queued as …")
      let message = try #require(fixture.acceptor.messages.first)
      #expect(message.octets == octets && message.message.traits == [.eightBit, .binary])
      try await client.talk("MAIL FROM:<someone@example.org> BODY=BINARYMIME", "250 2.1.0 Ok")
      try await client.talk("RCPT TO:<alice@example.test>", "250 2.1.5 Ok")
      try await client.talk("BDAT 18 LAST\r\nSubject: x\nA: b\r\n\r", "550 5.5.2 …")
      await client.close()
    }
  }

  @Test("REQUIRETLS (RFC 8689): named and taken under TLS only")
  func requireTLS() async throws {
    try await ServerFixture.run(tls: true) { fixture in
      let client = try await fixture.greeted()
      try await client.sendLine("EHLO client.example.org")
      #expect(try await !client.reply().joined().contains("REQUIRETLS"))
      try await client.talk(
        "MAIL FROM:<someone@example.org> REQUIRETLS", "530 5.7.10 REQUIRETLS needs TLS: use STARTTLS first")
      try await client.talk("STARTTLS", "220 2.0.0 Ready to start TLS")
      try await client.startTLS()
      try await client.sendLine("EHLO client.example.org")
      #expect(try await client.reply().joined().contains("REQUIRETLS"))
      try await client.talk("MAIL FROM:<someone@example.org> REQUIRETLS=yes", "501 5.5.4 …")
      try await client.talk("MAIL FROM:<someone@example.org> REQUIRETLS", "250 2.1.0 Ok")
      try await client.talk("RCPT TO:<alice@example.test>", "250 2.1.5 Ok")
      try await client.talk("DATA", "354 …")
      try await client.send("Subject: x\r\n\r\nx\r\n.\r\n")
      try await client.hear("250 2.0.0 Ok: queued as …")
      #expect(fixture.acceptor.messages.first?.message.traits == .requireTLS)
      await client.close()
    }
  }

  @Test("FUTURERELEASE (RFC 4865): on submission ports, within the limit, one form at a time")
  func futureRelease() async throws {
    try await ServerFixture.run(.submission) { fixture in
      let client = try await fixture.ready()
      try await client.sendLine("EHLO client.example.org")
      #expect(try await client.reply().joined().contains("FUTURERELEASE 86400 20"))
      // \0alice@example.test\0secret
      try await client.talk("AUTH PLAIN AGFsaWNlQGV4YW1wbGUudGVzdABzZWNyZXQ=", "235 2.7.0 Authentication successful")
      try await client.talk("MAIL FROM:<alice@example.test> HOLDFOR=86401", "501 5.5.4 the release is later than …")
      try await client.talk("MAIL FROM:<alice@example.test> HOLDFOR=-1", "501 5.5.4 Bad parameter HOLDFOR")
      try await client.talk("MAIL FROM:<alice@example.test> HOLDUNTIL=2026-02-30T00:00:00Z", "501 5.5.4 …")
      try await client.talk("MAIL FROM:<alice@example.test> HOLDFOR=60 HOLDUNTIL=2001-01-01T00:00:00Z", "501 5.5.4 …")
      let before = Timestamp.systemNow
      try await client.talk("MAIL FROM:<alice@example.test> HOLDFOR=600", "250 2.1.0 Ok")
      try await client.talk("RCPT TO:<bob@example.test>", "250 2.1.5 Ok")
      try await client.talk("DATA", "354 …")
      try await client.send("Subject: x\r\n\r\nx\r\n.\r\n")
      try await client.hear("250 2.0.0 Ok: queued as …")
      let release = try #require(fixture.acceptor.messages.first?.message.notBefore)
      #expect(release >= before + .seconds(600) && release < before + .seconds(660))
      await client.close()
    }
    try await ServerFixture.run { fixture in
      let client = try await fixture.authenticated()
      try await client.talk("MAIL FROM:<alice@example.test> HOLDFOR=60", "555 5.5.4 …")
      await client.close()
    }
  }

  @Test(
    "HOLDUNTIL is a date-time of RFC 3339",
    arguments: [
      ("2026-11-22T10:05:00Z", 1_795_341_900), ("2026-11-22t11:05:00.25+01:00", 1_795_341_900),
      ("2026-11-21T23:35:00-10:30", 1_795_341_900), ("2028-02-29T00:00:00Z", 1_835_395_200),
    ])
  func moments(_ text: String, _ seconds: Int64) {
    #expect(HoldParameter(keyword: "HOLDUNTIL", text) == .moment(Timestamp(seconds: seconds)))
  }

  @Test(arguments: [
    "", "2026", "2026-11-22", "2026-11-22 10:05:00Z", "2026-11-22T10:05:00", "2026-11-22T24:05:00Z",
    "2026-13-22T10:05:00Z", "2026-11-31T10:05:00Z", "2026-11-22T10:05:00.Z", "2026-11-22T10:05:00+1:00",
    "2026-11-22T10:05:00+01:00x", "1969-11-22T10:05:00Z", "٢026-11-22T10:05:00Z",
  ])
  func noMoments(_ text: String) { #expect(HoldParameter(keyword: "HOLDUNTIL", text) == nil) }

  @Test("SMTPUTF8 travels on only where something needs it (RFC 6531 section 3.6)")
  func utf8() async throws {
    try await ServerFixture.run { fixture in
      let client = try await fixture.ready()
      for header in ["Subject: plain", "Subject: \u{e9}"] {
        try await client.talk("MAIL FROM:<someone@example.org> SMTPUTF8", "250 2.1.0 Ok")
        try await client.talk("RCPT TO:<alice@example.test>", "250 2.1.5 Ok")
        try await client.talk("DATA", "354 …")
        try await client.send("\(header)\r\n\r\nx\r\n.\r\n")
        try await client.hear("250 2.0.0 Ok: queued as …")
      }
      #expect(fixture.acceptor.messages.map { $0.message.traits.contains(.utf8) } == [false, true])
      await client.close()
    }
  }
}
