import Basics
import MailQueue
import MailStore
import MailSyntax
import Testing

@testable import Accounts
@testable import Delivery

@Suite("Delivery: taking responsibility")
struct AcceptanceTests {
  @Test("R20 R59 a local copy bears Return-Path, Delivered-To and the trace, and no queue entry is made")
  func local() async throws {
    let house = try House()
    let message = try house.message(from: "carol@remote.test", to: ["alice@example.test"])
    #expect(try await house.delivery.accept(message) == message.id)
    #expect(
      house.store.mail("alice@example.test") == [
        "Return-Path: <carol@remote.test>\r\nDelivered-To: alice@example.test\r\n"
          + "Received: from here\r\n\tby there; now\r\nSubject: hi\r\n\r\nhello\r\n"
      ])
    #expect(try await house.queue.counts().messages == 0)
  }

  @Test("R21 duplicates collapse to one copy per mailbox, through aliases too")
  func duplicates() async throws {
    let house = try House()
    try house.directory.alias("team@example.test", "alice@example.test", "bob@example.test")
    _ = try await house.delivery.accept(
      house.message(to: ["alice@example.test", "ALICE@example.test", "team@example.test"]))
    #expect(house.store.mail("alice@example.test").count == 1)
    #expect(house.store.mail("bob@example.test").count == 1)
  }

  @Test("R17 remote recipients go to the queue in one entry under the same id")
  func remote() async throws {
    let house = try House()
    let message = try house.message(to: ["x@one.test", "alice@example.test", "y@two.test"]) { message in
      message.account = "alice@example.test"
      message.via = "auth"
      message.recipients[0].notify = "NEVER"
      message.dsnReturn = "HDRS"
    }
    _ = try await house.delivery.accept(message)
    let queued = try await house.queue.show(message.id)
    #expect(queued.recipients.map(\.address) == ["x@one.test", "y@two.test"])
    #expect(queued.recipients[0].notify == "NEVER" && queued.dsnReturn == "HDRS" && queued.via == "auth")
    #expect(
      String(decoding: readAll(house.queue.content(of: queued)), as: UTF8.self)
        == "Received: from here\r\n\tby there; now\r\nSubject: hi\r\n\r\nhello\r\n")
    #expect(house.store.mail("alice@example.test").count == 1)
  }

  @Test("quota found after DATA: alone a 552, beside others a bounce")
  func quota() async throws {
    let house = try House()
    house.store.setRoom("alice@example.test", 20)
    let alone = try house.message(to: ["alice@example.test"])
    #expect(await house.refusal(alone) == "552 5.2.2 user is over quota (#5.2.2)")
    _ = try await house.delivery.accept(
      house.message(from: "carol@remote.test", to: ["alice@example.test", "bob@example.test"]))
    #expect(house.store.mail("bob@example.test").count == 1)
    let bounce = try #require(try await house.queue.list().first)
    #expect(bounce.sender.isEmpty && bounce.recipients.map(\.address) == ["carol@remote.test"])
    let text = String(decoding: readAll(house.queue.content(of: bounce)), as: UTF8.self)
    #expect(text.contains("<alice@example.test>:\r\nuser is over quota (#5.2.2)\r\n"))
    #expect(text.contains("Status: 5.2.2"))
  }

  @Test("a disk that is full: a 4xx before anything is kept, a queued retry after")
  func fullDisk() async throws {
    let house = try House()
    house.store.fail("alice@example.test", StoreError(.temporary, "no space"))
    let alone = try house.message(to: ["alice@example.test"])
    #expect(await house.refusal(alone)?.hasPrefix("452 4.3.1") == true)
    _ = try await house.delivery.accept(house.message(to: ["alice@example.test", "bob@example.test"]))
    #expect(house.store.mail("bob@example.test").count == 1)
    #expect(try await house.onlyRecipient()?.address == "alice@example.test")
    house.store.fail("alice@example.test", nil)
    house.start()
    try await house.eventually { house.store.mail("alice@example.test").count == 1 }
    try await house.eventually { try await house.queue.counts().messages == 0 }
  }

  @Test("a directory that fails: nothing kept, 451")
  func lookup() async throws {
    let house = try House()
    house.directory.fail(true)
    let message = try house.message(to: ["alice@example.test", "x@one.test"])
    #expect(await house.refusal(message)?.hasPrefix("451 4.3.0") == true)
    #expect(try await house.queue.counts().messages == 0)
  }

  @Test("loops: our Delivered-To line, too many Received lines, a forward that comes back")
  func loops() async throws {
    let house = try House()
    try house.directory.alias("fwd@example.test", "x@one.test")
    for (recipient, header) in [
      ("alice@example.test", "delivered-to:  Alice@Example.TEST\r\n"),
      ("fwd@example.test", "Delivered-To: fwd@example.test\r\n"),
    ] {
      let message = try house.message(
        to: [recipient], body: "Subject: x\r\n\(header)\r\nDelivered-To: in the body\r\n")
      #expect(
        await house.refusal(message)
          == "554 5.4.6 This message is looping: it already has my Delivered-To line. (#5.4.6)")
    }
    let hops = String(repeating: "Received: from a by b\r\n", count: 51)
    let message = try house.message(to: ["alice@example.test"], body: hops + "\r\nx\r\n")
    #expect(await house.refusal(message) == "554 5.4.6 too many hops, this message is looping (#5.4.6)")
  }

  @Test("LMTP: one reply per recipient, in their order")
  func each() async throws {
    let house = try House()
    house.store.setRoom("alice@example.test", 10)
    house.store.fail("bob@example.test", StoreError(.temporary, "no space"))
    let replies = await house.delivery.acceptEach(
      try house.message(
        from: "c@remote.test",
        to: ["alice@example.test", "postmaster@example.test", "nobody@example.test", "bob@example.test"]))
    #expect(replies.map(\.code) == [552, 250, 550, 452])
    #expect(try await house.queue.counts().messages == 0)
  }

  @Test("a forward leaves with a sender of our own, and bounces to it find home")
  func rewriting() async throws {
    let house = try House()
    try house.directory.alias("fwd@example.test", "x@one.test")
    _ = try await house.delivery.accept(house.message(from: "Carol@remote.test", to: ["fwd@example.test"]))
    let queued = try #require(try await house.queue.list().first)
    #expect(queued.sender.hasPrefix("SRS0=") && queued.sender.hasSuffix("=remote.test=Carol@example.test"))
    #expect(
      String(decoding: readAll(house.queue.content(of: queued)), as: UTF8.self)
        .hasPrefix("Delivered-To: fwd@example.test\r\nReceived: from here"))
    try await house.queue.remove(queued.id)
    let bounce = try house.message(from: nil, to: [queued.sender])
    guard case .local = await house.delivery.decide(recipient: bounce.recipients[0].address, declaredSize: nil) else {
      Issue.record("the bounce was refused")
      return
    }
    _ = try await house.delivery.accept(bounce)
    #expect(try await house.onlyRecipient()?.address == "Carol@remote.test")
    // A forged or late one is nobody's.
    let forged = try EmailAddress(queued.sender.replacing("Carol", with: "Mallory"))
    if case .local = await house.delivery.decide(recipient: forged, declaredSize: nil) { Issue.record("forged") }
    house.time.advance(by: .seconds(30 * 86_400))
    let late = bounce.recipients[0].address
    if case .local = await house.delivery.decide(recipient: late, declaredSize: nil) { Issue.record("late") }
  }

  @Test("rewriting keeps our own senders and the null sender, and nests through other forwarders")
  func rewriterForms() throws {
    let rewriter = SenderRewriter(key: Array("k".utf8), lifetimeDays: 21, time: ManualTime())
    let ours = try MailDomain("example.test")
    let first = try #require(
      rewriter.rewritten(try EmailAddress("\"a b\"@remote.test"), for: try MailDomain("one.test")))
    #expect(rewriter.original(of: first)?.description == "\"a b\"@remote.test")
    let second = try #require(rewriter.rewritten(first, for: ours))
    #expect(second.localPart.hasPrefix("SRS1="))
    #expect(rewriter.original(of: second)?.localPart.lowercased() == first.localPart.lowercased())
    let third = try #require(rewriter.rewritten(second, for: try MailDomain("three.test")))
    #expect(third.localPart.hasPrefix("SRS1=") && third.localPart.utf8.count == second.localPart.utf8.count)
    for text in ["SRS0=@x.test", "SRS0==@x.test", "SRS1=aaaa@x.test", "SRS0=a=b=c@x.test", "srs0=", "x@x.test"] {
      if let address = try? EmailAddress(text) { #expect(rewriter.original(of: address) == nil) }
    }
  }

  @Test("success is reported when it was asked for")
  func success() async throws {
    let house = try House()
    _ = try await house.delivery.accept(
      house.message(from: "carol@remote.test", to: ["alice@example.test", "bob@example.test"]) { message in
        message.recipients[0].notify = "SUCCESS"
        message.recipients[0].originalRecipient = "rfc822;Alice+2B@example.test"
        message.envelopeID = "QQ+2B7"
      })
    let report = try #require(try await house.queue.list().first)
    let text = String(decoding: readAll(house.queue.content(of: report)), as: UTF8.self)
    #expect(text.contains("Subject: success notice\r\n") && text.contains("Original-Envelope-Id: QQ+7\r\n"))
    #expect(text.contains("Original-Recipient: rfc822;Alice+@example.test\r\n"))
    #expect(text.contains("Action: delivered\r\nStatus: 2.0.0\r\n") && !text.contains("bob@example.test"))
  }
}
