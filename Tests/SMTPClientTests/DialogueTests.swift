import Basics
import Testing

@testable import SMTPClient

#if canImport(Glibc)
  import Glibc
#endif

/// Well-behaved servers.
@Suite(.timeLimit(.minutes(1))) struct DialogueTests {
  @Test("R60: pipelines Envelope And Sends Data") func pipelinesEnvelopeAndSendsData() async throws {
    let server = try ScriptedServer { peer in
      peer.send("220 mx.example.test ESMTP\r\n")
      peer.expect("EHLO", then: "250-mx.example.test\r\n250-PIPELINING\r\n250 SIZE 1000")
      // All four commands must be here before the first is answered.
      for _ in 0..<4 { _ = peer.line() }
      peer.send("250 ok\r\n250 ok\r\n550 5.1.1 <eve@example.test> unknown\r\n354 go\r\n")
      _ = peer.data()
      peer.send("250 2.0.0 queued as 42\r\n")
      peer.expect("QUIT", then: "221 bye")
    }
    let session = try await ClientFixture.client().connect(to: ClientFixture.endpoint(server))
    let result = await session.send(ClientFixture.message(to: ["bob@example.test", "eve@example.test"]))
    #expect(result.summary == ["ok 250", "refused recipient permanent 5.1.1"])
    #expect(session.isReusable)
    await session.quit()
    #expect(
      server.lines == [
        "EHLO client.example.test", "MAIL FROM:<alice@example.org> SIZE=21", "RCPT TO:<bob@example.test>",
        "RCPT TO:<eve@example.test>", "DATA", "QUIT",
      ])
  }

  @Test("BINARYMIME goes by BDAT, octet by octet (RFC 3030); REQUIRETLS and LIMITS are understood")
  func sendsBinaryByBDAT() async throws {
    let body: [UInt8] = Array("Subject: x\r\n\r\n".utf8) + [0, 0x0a, 0x0d, 0x2e, 0x0d, 0x0a, 0xff]
    let server = try ScriptedServer { peer in
      peer.send("220 x\r\n")
      peer.expect(
        "EHLO", then: "250-x\r\n250-PIPELINING\r\n250-CHUNKING\r\n250-BINARYMIME\r\n250 LIMITS MAILMAX=7 RCPTMAX=5")
      for _ in 0..<3 { _ = peer.line() }
      peer.send("250 ok\r\n250 ok\r\n550 5.1.1 no\r\n")
      _ = peer.line()
      #expect(peer.octets(body.count) == body)
      peer.send("250 2.0.0 taken\r\n")
      peer.expect("QUIT", then: "221 bye")
    }
    let session = try await ClientFixture.client().connect(to: ClientFixture.endpoint(server))
    #expect(session.extensions.mailLimit == 7 && session.extensions.recipientLimit == 5)
    var message = ClientFixture.message(to: ["bob@example.test", "eve@example.test"])
    message.content = .bytes(body)
    message.isBinary = true
    #expect(await session.send(message).summary == ["ok 250", "refused recipient permanent 5.1.1"])
    message.requiresTLS = true
    #expect(await session.send(message).summary == Array(repeating: "unsupported mail permanent 5.7.30", count: 2))
    await session.quit()
    #expect(server.lines[1] == "MAIL FROM:<alice@example.org> BODY=BINARYMIME")
    #expect(server.lines[4] == "BDAT \(body.count) LAST")
  }

  @Test func fallsBackToHELOAndSendsOneByOne() async throws {
    let server = try ScriptedServer { peer in
      peer.send("220 old\r\n")
      peer.expect("EHLO", then: "502 what?")
      peer.expect("HELO", then: "250 hi")
      peer.expect("DATA", then: "354 go")
      #expect(peer.data() == Array("Subject: x\r\n\r\n..dot\r\n".utf8))
      peer.send("250 ok\r\n")
      peer.expect("QUIT", then: "221 bye")
    }
    let session = try await ClientFixture.client().connect(to: ClientFixture.endpoint(server, tls: .opportunistic))
    #expect(!session.extensions.isExtended && session.tls == nil)
    let result = await session.send(ClientFixture.message("Subject: x\r\n\r\n.dot\r\n"))
    #expect(result.summary == ["ok 250"])
    await session.quit()
  }

  @Test func reusesAConnectionAfterARefusal() async throws {
    let server = try ScriptedServer { peer in
      peer.send("220 x\r\n")
      peer.expect("EHLO", then: "250-x\r\n250 PIPELINING")
      for _ in 0..<3 { _ = peer.line() }
      peer.send("451 4.7.1 later\r\n503 no\r\n503 no\r\n")
      for _ in 0..<3 { _ = peer.line() }
      peer.send("250 ok\r\n250 ok\r\n354 go\r\n")
      _ = peer.data()
      peer.send("250 ok\r\n")
      peer.expect("RSET", then: "250 ok")
      peer.waitForEnd()
    }
    let session = try await ClientFixture.client().connect(to: ClientFixture.endpoint(server))
    #expect(await session.send(ClientFixture.message()).summary == ["refused mail temporary 4.7.1"])
    #expect(session.isReusable)
    #expect(await session.send(ClientFixture.message()).summary == ["ok 250"])
    try await session.reset()
    session.close()
  }

  @Test("R44: failure Names Host Command And Reply") func failureNamesHostCommandAndReply() async throws {
    let server = try ScriptedServer { peer in
      peer.send("220 x\r\n")
      peer.expect("EHLO", then: "250 x")
      peer.expect("RCPT", then: "550-MAILBOX NOT FOUND\r\n550 User unknown")
      peer.expect("RSET", then: "250 ok")
      peer.waitForEnd()
    }
    let session = try await ClientFixture.client().connect(to: ClientFixture.endpoint(server))
    let failure = try #require(await session.send(ClientFixture.message()).failure)
    #expect(failure.host == "mx.example.test")
    #expect(failure.address == .v4(0x7f00_0001))
    #expect(failure.command == "RCPT TO:<bob@example.test>")
    #expect(failure.reply?.description == "550 MAILBOX NOT FOUND User unknown")
    #expect(failure.isPermanent && !failure.possibleDuplicate)
    session.close()
  }

  @Test func splitsRecipientsBeyondTheServersLimit() async throws {
    let server = try ScriptedServer { peer in
      peer.send("220 x\r\n")
      peer.expect("EHLO", then: "250-x\r\n250 LIMITS RCPTMAX=2")
      for _ in 0..<2 {
        peer.expect("DATA", then: "354 go")
        _ = peer.data()
        peer.send("250 ok\r\n")
      }
      peer.waitForEnd()
    }
    let session = try await ClientFixture.client().connect(to: ClientFixture.endpoint(server))
    let result = await session.send(ClientFixture.message(to: ["a@x.test", "b@x.test", "c@x.test"]))
    #expect(result.summary == ["ok 250", "ok 250", "ok 250"])
    #expect(server.lines.count { $0.hasPrefix("MAIL") } == 2)
    session.close()
  }

  @Test func sendsALargeFile() async throws {
    let line = "The quick brown fox jumps over the lazy dog, and then it does so once more.\r\n"
    let bytes = Array(String(repeating: line + ".\r\n", count: 20_000).utf8)
    let path = "/tmp/martinet-smtpclient-\(getpid()).eml"
    let file = try #require(fopen(path, "w"))
    fwrite(bytes, 1, bytes.count, file)
    fclose(file)
    defer { unlink(path) }
    let expected = Array(String(repeating: line + "..\r\n", count: 20_000).utf8)
    let server = try ScriptedServer { peer in
      peer.send("220 x\r\n")
      peer.expect("EHLO", then: "250 x")
      peer.expect("DATA", then: "354 go")
      let data = peer.data()
      peer.send(data == Array("X: y\r\n".utf8) + expected ? "250 ok\r\n" : "554 garbled\r\n")
      peer.waitForEnd()
    }
    let session = try await ClientFixture.client().connect(to: ClientFixture.endpoint(server))
    var message = ClientFixture.message()
    message.prefix = Array("X: y\r\n".utf8)
    message.content = .file(path: path, size: bytes.count)
    #expect(await session.send(message).summary == ["ok 250"])
    message.content = .file(path: path, size: bytes.count + 1)
    #expect(await session.send(message).summary == ["local content temporary 4.3.0"])
    session.close()
  }

  @Test("R84: logs In At ASmarthost") func logsInAtASmarthost() async throws {
    let server = try ScriptedServer { peer in
      peer.send("220 x\r\n")
      peer.expect("EHLO", then: "250-x\r\n250 AUTH LOGIN")
      peer.expect("AUTH LOGIN", then: "334 VXNlcm5hbWU6")
      peer.expect("dXNlcg==", then: "334 UGFzc3dvcmQ6")
      peer.expect("cGFzcw==", then: "235 ok")
      peer.waitForEnd()
    }
    let credentials = SMTPCredentials(login: "user", password: "pass", allowClear: true)
    let session = try await ClientFixture.client().connect(
      to: ClientFixture.endpoint(server, credentials: credentials))
    session.close()
  }

  @Test func keepsThePasswordOffAClearConnection() async throws {
    let server = try ScriptedServer { peer in
      peer.send("220 x\r\n")
      peer.expect("EHLO", then: "250-x\r\n250 AUTH PLAIN")
      peer.waitForEnd()
    }
    let credentials = SMTPCredentials(login: "user", password: "pass")
    let failure = await #expect(throws: SMTPFailure.self) {
      try await ClientFixture.client().connect(to: ClientFixture.endpoint(server, credentials: credentials))
    }
    #expect(failure?.stage == .authentication)
    #expect(!server.lines.contains { $0.hasPrefix("AUTH") })
  }

  @Test func lmtpReportsEachRecipient() async throws {
    let server = try ScriptedServer { peer in
      peer.send("220 x\r\n")
      peer.expect("LHLO", then: "250-x\r\n250 PIPELINING")
      for _ in 0..<5 { _ = peer.line() }
      peer.send("250 ok\r\n250 ok\r\n550 5.1.1 no\r\n250 ok\r\n354 go\r\n")
      _ = peer.data()
      peer.send("250 2.0.0 first\r\n452 4.2.2 full\r\n")
      peer.waitForEnd()
    }
    let session = try await ClientFixture.client().connect(to: ClientFixture.endpoint(server, isLMTP: true))
    let result = await session.send(ClientFixture.message(to: ["a@x.test", "b@x.test", "c@x.test"]))
    #expect(
      result.summary == ["ok 250", "refused recipient permanent 5.1.1", "refused content temporary 4.2.2"])
    session.close()
  }

  @Test func needsWhatTheMessageNeeds() async throws {
    let server = try ScriptedServer { peer in
      peer.send("220 x\r\n")
      peer.expect("EHLO", then: "250-x\r\n250 SIZE 10")
      peer.waitForEnd()
    }
    let session = try await ClientFixture.client().connect(to: ClientFixture.endpoint(server))
    #expect(await session.send(ClientFixture.message()).summary == ["unsupported mail permanent 5.3.4"])
    var message = ClientFixture.message("x\r\n")
    message.needsUTF8 = true
    #expect(await session.send(message).summary == ["unsupported mail permanent 5.6.7"])
    message.needsUTF8 = false
    message.sender = "a\r\nRCPT TO:<evil@example.test>"
    #expect(await session.send(message).summary == ["unsupported mail permanent 5.1.3"])
    #expect(server.lines == ["EHLO client.example.test"])
    session.close()
  }
}
