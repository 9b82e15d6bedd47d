import Testing
import WireTesting

@testable import IMAPServer

/// The message of RFC 3501 section 8, somewhat shorter.
let rfcMessage = """
  Date: Mon, 7 Feb 1994 21:52:25 -0800 (PST)\r
  From: Fred Foobar <foobar@Blurdybloop.COM>\r
  Subject: afternoon meeting\r
  To: mooch@owatagu.siam.edu\r
  Message-Id: <B27397-0100000@Blurdybloop.COM>\r
  MIME-Version: 1.0\r
  Content-Type: TEXT/PLAIN; CHARSET=US-ASCII\r
  \r
  Hello Joe, do you think we can meet at 3:30 tomorrow?\r
  \r

  """

let multipartMessage = """
  From: a@example.test\r
  To: b@example.test\r
  Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?= aus K=?iso-8859-1?q?=F6ln?=\r
  MIME-Version: 1.0\r
  Content-Type: multipart/mixed; boundary=xyz\r
  \r
  preamble\r
  --xyz\r
  Content-Type: text/plain; charset=utf-8\r
  Content-Transfer-Encoding: base64\r
  \r
  R3LDvMOfZSE=\r
  --xyz\r
  Content-Type: message/rfc822\r
  \r
  Subject: inner\r
  X-Inner: yes\r
  \r
  inner body\r
  --xyz--\r

  """

@Suite struct MessageTests {
  @Test func appendSelectFetch() async throws {
    let host = try await IMAPHost.start()
    let client = try await host.fresh()
    let appended = try await client.append(rfcMessage, flags: "\\Seen $Forwarded", date: "17-Jul-1996 02:44:25 -0700")
    #expect(appended.contains { $0 == "* 1 EXISTS" })
    #expect(appended.last?.contains("OK [APPENDUID ") == true)
    let fetched = try await client.ok("FETCH 1 (FLAGS INTERNALDATE RFC822.SIZE UID)")
    #expect(fetched[0].contains("\\Seen") && fetched[0].contains("$Forwarded"))
    #expect(fetched[0].contains("INTERNALDATE \"17-Jul-1996 09:44:25 +0000\""))
    #expect(fetched[0].contains("RFC822.SIZE \(rfcMessage.utf8.count)"))
    let envelope = try await client.ok("FETCH 1 ENVELOPE")
    #expect(
      envelope[0].contains(
        "ENVELOPE (\"Mon, 7 Feb 1994 21:52:25 -0800 (PST)\" \"afternoon meeting\" ((\"Fred Foobar\" NIL \"foobar\" \"Blurdybloop.COM\"))"
      ))
    #expect(
      try await client.ok("FETCH 1 BODY.PEEK[]")[0] == "* 1 FETCH (BODY[] {\(rfcMessage.utf8.count)}\r\n\(rfcMessage))")
    #expect(try await client.ok("FETCH 1 BODY[TEXT]<6.3>")[0] == "* 1 FETCH (BODY[TEXT]<6> {3}\r\nJoe)")
    #expect(try await client.ok("FETCH 1 BODY.PEEK[]<100000.5>")[0].contains("BODY[]<100000> {0}\r\n"))
    let fields = try await client.ok("FETCH 1 BODY.PEEK[HEADER.FIELDS (SUBJECT to X-None)]")
    #expect(
      fields[0]
        == "* 1 FETCH (BODY[HEADER.FIELDS (SUBJECT to X-None)] {58}\r\nSubject: afternoon meeting\r\nTo: mooch@owatagu.siam.edu\r\n\r\n)"
    )
    await host.stop()
  }

  @Test func partsOfAMultipart() async throws {
    let host = try await IMAPHost.start()
    let client = try await host.fresh()
    try await client.append(multipartMessage)
    func section(_ name: String) async throws -> String {
      let lines = try await client.ok("FETCH 1 BODY.PEEK[\(name)]")
      return lines[0]
    }
    #expect(try await section("1").hasSuffix("{12}\r\nR3LDvMOfZSE=)"))
    #expect(try await section("1.MIME").contains("Content-Transfer-Encoding: base64\r\n\r\n)"))
    #expect(try await section("2.HEADER").hasSuffix("Subject: inner\r\nX-Inner: yes\r\n\r\n)"))
    #expect(try await section("2.TEXT").hasSuffix("{10}\r\ninner body)"))
    #expect(try await section("2.1").hasSuffix("{10}\r\ninner body)"))
    #expect(try await section("2.HEADER.FIELDS (X-INNER)").hasSuffix("{16}\r\nX-Inner: yes\r\n\r\n)"))
    #expect(try await section("7").hasSuffix("BODY[7] NIL)"))
    let structure = try await client.ok("FETCH 1 (BODY BODYSTRUCTURE)")
    #expect(structure[0].contains("\"MIXED\"") || structure[0].contains("\"mixed\""))
    await host.stop()
  }

  @Test func fetchingABodySetsSeenOnce() async throws {
    let host = try await IMAPHost.start()
    let client = try await host.fresh()
    try await client.append(rfcMessage)
    let first = try await client.ok("FETCH 1 BODY[HEADER]")
    #expect(first.count == 2 && first[0].contains("FLAGS (\\Seen"))
    #expect(try await !client.ok("FETCH 1 BODY[HEADER]")[0].contains("FLAGS"))
    #expect(try await client.ok("FETCH 1 RFC822.HEADER")[0].contains("Message-Id: <B27397"))
    try await client.ok("EXAMINE work")
    #expect(try await client.refused("STORE 1 +FLAGS (\\Deleted)").hasPrefix("NO"))
    await host.stop()
  }

  @Test func storeEchoesAlsoWhatChangesNothing() async throws {
    let host = try await IMAPHost.start()
    let client = try await host.fresh()
    try await client.append(rfcMessage)
    try await client.append(rfcMessage)
    #expect(try await client.ok("STORE 1:2 +FLAGS (\\Flagged)").count == 3)
    let again = try await client.ok("STORE 1 +FLAGS \\Flagged")
    #expect(again.count == 2 && again[0].contains("\\Flagged"))
    #expect(try await client.ok("STORE 1 -FLAGS.SILENT (\\Flagged)").count == 1)
    let keyword = try await client.ok("STORE 2 FLAGS ($Junk NonJunk)")
    #expect(keyword.contains { $0.hasPrefix("* FLAGS (") && $0.contains("$Junk") })
    #expect(keyword.contains { $0.hasPrefix("* 2 FETCH (FLAGS (") && $0.contains("$Junk NonJunk") })
    #expect(try await client.ok("UID STORE 2 FLAGS ()")[0].contains("UID 2"))
    #expect(try await client.refused("STORE 5 +FLAGS (\\Seen)").hasPrefix("BAD"))
    await host.stop()
  }

  @Test func anEmptyMailboxTakesStars() async throws {
    let host = try await IMAPHost.start()
    let client = try await host.fresh()
    #expect(try await client.ok("FETCH 1:* FLAGS").count == 1)
    #expect(try await client.ok("STORE 1:* +FLAGS (\\Seen)").count == 1)
    #expect(try await client.ok("UID FETCH 1:* FLAGS").count == 1)
    #expect(try await client.ok("SEARCH ALL")[0] == "* SEARCH")
    #expect(try await client.ok("COPY 1:* INBOX").count == 1)
    #expect(try await client.ok("UID FETCH 1:4294967295 FLAGS").count == 1)
    await host.stop()
  }

  @Test func expungeCopyAndMove() async throws {
    let host = try await IMAPHost.start()
    let client = try await host.fresh()
    for _ in 0..<5 { try await client.append(rfcMessage) }
    try await client.ok("CREATE other")
    try await client.ok("STORE 2,4 +FLAGS.SILENT (\\Deleted)")
    #expect(try await client.ok("UID EXPUNGE 1:3").filter { $0.hasSuffix("EXPUNGE") } == ["* 2 EXPUNGE"])
    #expect(try await client.ok("EXPUNGE").filter { $0.hasSuffix(" EXPUNGE") } == ["* 3 EXPUNGE"])
    let copied = try await client.ok("COPY 1:2 other")
    #expect(copied.last?.contains("[COPYUID ") == true && copied.last?.contains(" 1,3 1:2]") == true)
    #expect(try await client.refused("COPY 1 nowhere").hasPrefix("NO [TRYCREATE]"))
    let moved = try await client.ok("UID MOVE 1,3 other")
    #expect(moved[0].contains("OK [COPYUID ") && moved[0].contains(" 1,3 3:4]"))
    #expect(moved.filter { $0.hasSuffix("EXPUNGE") }.count == 2)
    #expect(try await client.ok("STATUS other (MESSAGES)")[0].contains("MESSAGES 4"))
    try await client.ok("STORE 1 +FLAGS (\\Deleted)")
    try await client.ok("CLOSE")
    #expect(try await client.ok("STATUS work (MESSAGES)")[0].contains("MESSAGES 0"))
    await host.stop()
  }

  @Test func appendIsCheckedBeforeItsOctetsCome() async throws {
    let host = try await IMAPHost.start { $0.appendSize = 100_000 }
    let client = try await host.fresh()
    #expect(try await client.refused("APPEND nowhere {10}").hasPrefix("NO [TRYCREATE]"))
    #expect(try await client.refused("APPEND work {100001}").hasPrefix("NO [TOOBIG]"))
    #expect(try await client.refused("APPEND work {0}").hasPrefix("NO"))
    #expect(try await client.refused("APPEND work (\\Bogus) {10}").hasPrefix("BAD"))
    let evil = "x LOGOUT\r\n"
    let swallowed = try await client.refused("APPEND nowhere {\(evil.utf8.count)+}\r\n\(evil)")
    #expect(swallowed.hasPrefix("NO [TRYCREATE]"))
    let many = String(repeating: evil, count: 20_000)
    #expect(try await client.refused("APPEND work {\(many.utf8.count)+}\r\n\(many)").hasPrefix("NO [TOOBIG]"))
    try await client.ok("NOOP")
    await host.stop()
  }

  @Test func severalMessagesInOneAppend() async throws {
    let host = try await IMAPHost.start()
    let client = try await host.fresh()
    let size = rfcMessage.utf8.count
    let lines = try await client.ok(
      "APPEND work (\\Seen) {\(size)+}\r\n\(rfcMessage) (\\Draft) \" 7-Feb-1994 22:43:04 -0800\" {\(size)+}\r\n\(rfcMessage)"
    )
    #expect(lines.contains("* 2 EXISTS"))
    #expect(lines.last?.contains(" 1:2]") == true)
    #expect(try await client.ok("FETCH 2 FLAGS")[0].contains("\\Draft"))
    // All or none: the second has a bad flag.
    #expect(
      try await client.refused("APPEND work {\(size)+}\r\n\(rfcMessage) (\\Bogus) {\(size)+}\r\n\(rfcMessage)")
        .hasPrefix("BAD"))
    #expect(try await client.ok("STATUS work (MESSAGES)")[0].contains("MESSAGES 2"))
    await host.stop()
  }

  @Test func largeMessagesAreSpooledAndStreamed() async throws {
    let host = try await IMAPHost.start()
    let client = try await host.fresh()
    let line = String(repeating: "x", count: 76) + "\r\n"
    let message = "Subject: large\r\n\r\n" + String(repeating: line, count: 20_000)
    try await client.append(message)
    let fetched = try await client.ok("FETCH 1 BODY.PEEK[]")
    #expect(fetched[0] == "* 1 FETCH (BODY[] {\(message.utf8.count)}\r\n\(message))")
    #expect(try await client.ok("FETCH 1 BODY.PEEK[TEXT]<78.76>")[0].hasSuffix(String(repeating: "x", count: 76) + ")"))
    try await client.append(message.replacingCRLF(), to: "work")
    let unix = try await client.ok("FETCH 2 (RFC822.SIZE BODY.PEEK[])")
    #expect(unix[0].hasSuffix("BODY[] {\(message.utf8.count)}\r\n\(message))"))
    #expect(unix[0].contains("RFC822.SIZE \(message.utf8.count)"))
    await host.stop()
  }
}

extension String {
  /// The text with lone LFs.
  fileprivate func replacingCRLF() -> String { String(decoding: utf8.filter { $0 != 0x0d }, as: UTF8.self) }
}
