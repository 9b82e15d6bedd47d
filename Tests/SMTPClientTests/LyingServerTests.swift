import Basics
import Testing

@testable import SMTPClient

/// Servers that lie, stall and break off (issue 3, "Bad input").
@Suite(.timeLimit(.minutes(1))) struct LyingServerTests {
  private func failure(
    _ change: (inout SMTPClientSettings) -> Void = { _ in }, script: @escaping @Sendable (ScriptedPeer) -> Void
  ) async throws -> SMTPFailure? {
    let server = try ScriptedServer(script)
    do throws(SMTPFailure) {
      let session = try await ClientFixture.client(change).connect(to: ClientFixture.endpoint(server))
      let result = await session.send(ClientFixture.message())
      session.close()
      return result.failure
    } catch {
      return error
    }
  }

  @Test("a server that hangs up between 250 to RCPT and 354 has taken nothing", arguments: [true, false])
  func hangsUpBeforeData(_ pipelining: Bool) async throws {
    let server = try ScriptedServer { peer in
      peer.send("220 x\r\n")
      peer.expect("EHLO", then: pipelining ? "250-x\r\n250 PIPELINING" : "250 x")
      if pipelining {
        for _ in 0..<3 { _ = peer.line() }
        peer.send("250 ok\r\n250 ok\r\n")
      } else {
        peer.expect("RCPT", then: "250 ok")
      }
    }
    // Whether the end is seen before the 354 is waited for is a matter of microseconds.
    for _ in 0..<40 {
      let session = try await ClientFixture.client().connect(to: ClientFixture.endpoint(server))
      let result = await session.send(ClientFixture.message())
      #expect(result.recipients.allSatisfy { !$0.isDelivered })
      session.close()
    }
  }

  @Test("R39: no Listener Is No Connection") func noListenerIsNoConnection() async throws {
    let server = try ScriptedServer { _ in }
    let endpoint = ClientFixture.endpoint(server)
    server.stop()
    let failure = await #expect(throws: SMTPFailure.self) { try await ClientFixture.client().connect(to: endpoint) }
    #expect(failure?.cause == .noConnection)
    #expect(failure?.status == "4.4.1")
  }

  @Test func silenceInsteadOfAGreeting() async throws {
    let failure = try await failure({ $0.greetingTimeout = .milliseconds(200) }) { $0.waitForEnd() }
    #expect(failure?.cause == .timeout)
    #expect(failure?.stage == .greeting)
  }

  @Test func refusalInsteadOfAGreetingIsTemporary() async throws {
    let failure = try await failure {
      $0.send("554 go away\r\n")
      $0.waitForEnd()
    }
    #expect(failure?.reply?.code == 554)
    #expect(failure?.isPermanent == false)
  }

  @Test func webServer() async throws {
    let failure = try await failure { $0.send("HTTP/1.1 400 Bad Request\r\n\r\n") }
    #expect(failure?.cause == .protocolError)
  }

  @Test func replyWithoutEnd() async throws {
    let failure = try await failure { peer in
      peer.send("220 x\r\n")
      _ = peer.line()
      for _ in 0..<10_000 { peer.send("250-more and more and more\r\n") }
    }
    #expect(failure?.cause == .protocolError)
    #expect(failure?.isPermanent == false)
  }

  @Test func lineOfAMegabyte() async throws {
    let failure = try await failure { peer in
      peer.send("220 x\r\n")
      peer.expect("EHLO", then: "250 x")
      peer.expect("MAIL")
      peer.send("550 " + String(repeating: "n", count: 1 << 20) + "\r\n")
      peer.waitForEnd()
    }
    #expect(failure?.cause == .protocolError)
  }

  @Test(arguments: ["354 what", "334 what", "220 x\r\n250 y\r\n250 z\r\n250 late"])
  func wrongCodes(_ reply: String) async throws {
    let failure = try await failure({ $0.commandTimeout = .seconds(2) }) { peer in
      peer.send("220 x\r\n")
      peer.expect("EHLO", then: reply)
      peer.waitForEnd()
    }
    #expect(failure?.isPermanent == false)
  }

  @Test func silenceAfter354IsRetriedWithoutADuplicate() async throws {
    let failure = try await failure({ $0.finalDotTimeout = .milliseconds(300) }) { peer in
      peer.send("220 x\r\n")
      peer.expect("EHLO", then: "250 x")
      peer.expect("DATA", then: "354 go")
      peer.waitForEnd()
    }
    #expect(failure?.cause == .timeout)
    #expect(failure?.stage == .content)
    #expect(failure?.possibleDuplicate == true)
  }

  @Test func closeInTheMiddleOfAPipelinedGroup() async throws {
    let failure = try await failure { peer in
      peer.send("220 x\r\n")
      peer.expect("EHLO", then: "250-x\r\n250 PIPELINING")
      for _ in 0..<3 { _ = peer.line() }
      peer.send("250 ok\r\n")
    }
    #expect(failure?.cause == .died)
    #expect(failure?.stage == .recipient)
    #expect(failure?.possibleDuplicate == false)
  }

  @Test func farewellInsteadOfAnAnswer() async throws {
    let failure = try await failure { peer in
      peer.send("220 x\r\n")
      peer.expect("EHLO", then: "250-x\r\n250 PIPELINING")
      for _ in 0..<3 { _ = peer.line() }
      peer.send("421 4.3.2 shutting down\r\n")
    }
    #expect(failure?.reply?.code == 421)
    #expect(failure?.isPermanent == false)
    #expect(failure?.status == "4.3.2")
  }

  @Test func dataRefusedAfterGoodRecipients() async throws {
    let failure = try await failure { peer in
      peer.send("220 x\r\n")
      peer.expect("EHLO", then: "250 x")
      peer.expect("DATA", then: "554 5.7.1 no")
      peer.waitForEnd()
    }
    #expect(failure?.stage == .data)
    #expect(failure?.isPermanent == true)
  }

  @Test func acceptsDataWithoutRecipients() async throws {
    let server = try ScriptedServer { peer in
      peer.send("220 x\r\n")
      peer.expect("EHLO", then: "250-x\r\n250 PIPELINING")
      for _ in 0..<3 { _ = peer.line() }
      peer.send("250 ok\r\n550 no\r\n354 go\r\n")
      #expect(peer.data() == [])
      peer.send("554 nobody\r\n")
      peer.expect("QUIT", then: "221 bye")
    }
    let session = try await ClientFixture.client().connect(to: ClientFixture.endpoint(server))
    #expect(await session.send(ClientFixture.message()).summary == ["refused recipient permanent 5.0.0"])
    #expect(session.isReusable)
    await session.quit()
  }

  @Test func saysNoBeforeTheMessageIsThrough() async throws {
    let server = try ScriptedServer { peer in
      peer.send("220 x\r\n")
      peer.expect("EHLO", then: "250 x")
      peer.expect("DATA", then: "354 go")
      peer.send("552 5.3.4 enough\r\n")
    }
    let session = try await ClientFixture.client().connect(to: ClientFixture.endpoint(server))
    let text = String(repeating: String(repeating: "x", count: 76) + "\r\n", count: 200_000)
    let failure = try #require(await session.send(ClientFixture.message(text)).failure)
    #expect(failure.reply?.code == 552 || failure.cause == .died)
    #expect(!failure.possibleDuplicate)
  }

  @Test("who answers MAIL with nonsense and takes recipients all the same is given nothing, not even a dot")
  func takesRecipientsWithoutASender() async throws {
    let server = try ScriptedServer { peer in
      peer.send("220 x\r\n")
      peer.expect("EHLO", then: "250-x\r\n250 PIPELINING")
      for _ in 0..<3 { _ = peer.line() }
      peer.send("354 go\r\n250 ok\r\n354 go\r\n")
      if peer.line() != nil { peer.send("250 an empty message is delivered\r\n") }
    }
    let session = try await ClientFixture.client().connect(to: ClientFixture.endpoint(server))
    let result = await session.send(ClientFixture.message())
    #expect(result.summary == ["protocolError mail temporary 4.5.0"])
    #expect(!session.isReusable)
  }

  @Test func unaskedRepliesEndTheSession() async throws {
    let failure = try await failure { peer in
      peer.send("220 x\r\n")
      peer.expect("EHLO", then: "250 x")
      peer.expect("MAIL")
      for _ in 0..<20_000 { peer.send("250 ok ok ok ok ok ok ok ok\r\n") }
      peer.waitForEnd()
    }
    #expect(failure == nil || failure?.isPermanent == false)
  }
}
