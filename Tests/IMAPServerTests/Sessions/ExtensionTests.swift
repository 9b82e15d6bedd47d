import Testing
import WireTesting

@testable import IMAPServer

@Suite struct ExtensionTests {
  @Test func utf8Accept() async throws {
    let host = try await IMAPHost.start()
    let client = try await host.login()
    try await client.ok("CREATE \"Entw&APw-rfe\"")
    #expect(try await client.ok("ENABLE UTF8=ACCEPT")[0] == "* ENABLED UTF8=ACCEPT")
    #expect(try await client.ok("LIST \"\" Entw*")[0].hasSuffix("\"Entw\u{fc}rfe\""))
    try await client.ok("CREATE \"\u{65e5}\u{672c}\"")
    let message = "Subject: Gr\u{fc}\u{df}e\r\nFrom: j\u{f6}rg@example.test\r\n\r\nText\r\n"
    let appended = try await client.ok(
      "APPEND \"\u{65e5}\u{672c}\" (\\Seen) UTF8 (~{\(message.utf8.count)+}\r\n\(message))")
    #expect(appended.last?.contains("[APPENDUID ") == true)
    // RFC 9755: a plain literal will do.
    try await client.ok("APPEND \"\u{65e5}\u{672c}\" {\(message.utf8.count)+}\r\n\(message)")
    try await client.ok("SELECT \"\u{65e5}\u{672c}\"")
    #expect(try await client.ok("FETCH 1 BODY.PEEK[]")[0].hasSuffix("\(message))"))
    #expect(try await client.ok("SEARCH SUBJECT \"gr\u{fc}\u{df}e\"")[0] == "* SEARCH 1 2")
    // RFC 6855 section 3.
    #expect(try await client.refused("SEARCH CHARSET UTF-8 SUBJECT x").hasPrefix("BAD"))
    #expect(try await client.refused("APPEND INBOX UTF8 ({3+}\r\nabc").hasPrefix("BAD"))
    await host.stop()
  }

  @Test func objectIdentifiers() async throws {
    let host = try await IMAPHost.start()
    let client = try await host.login()
    // RFC 8474 section 4.1.
    let created = try #require(try await client.ok("CREATE foo").last)
    #expect(created.contains("OK [MAILBOXID (F"))
    let id = String(created.drop { $0 != "(" }.prefix { $0 != ")" }) + ")"
    try await client.ok("RENAME foo renamed")
    #expect(try await client.ok("STATUS renamed (MAILBOXID)")[0] == "* STATUS \"renamed\" (MAILBOXID \(id))")
    #expect(try await client.ok("SELECT renamed").contains { $0.hasPrefix("* OK [MAILBOXID \(id)]") })
    try await client.append(rfcMessage, to: "renamed")
    let ids = try await client.ok("FETCH 1 (EMAILID THREADID)")[0]
    #expect(ids.hasPrefix("* 1 FETCH (EMAILID (M") && ids.contains(") THREADID (T"))
    let email = String(ids.drop { $0 != "(" }.dropFirst().drop { $0 != "(" }.dropFirst().prefix { $0 != ")" })
    #expect(try await client.ok("SEARCH EMAILID \(email)")[0] == "* SEARCH 1")
    #expect(try await client.ok("SEARCH EMAILID Mnone")[0] == "* SEARCH")
    #expect(try await client.ok("SEARCH NOT THREADID Tnone")[0] == "* SEARCH 1")
    try await client.ok("CREATE copies")
    try await client.ok("COPY 1 copies")
    try await client.ok("SELECT copies")
    #expect(try await client.ok("FETCH 1 EMAILID")[0] == "* 1 FETCH (EMAILID (\(email)))")
    await host.stop()
  }

  @Test func saveDatesAndPreviews() async throws {
    let host = try await IMAPHost.start()
    let client = try await host.fresh()
    try await client.append(rfcMessage, date: "01-Jan-2001 00:00:00 +0000")
    try await client.append("Subject: none\r\nContent-Type: image/png\r\n\r\nxx\r\n")
    #expect(try await client.ok("FETCH 1 SAVEDATE")[0].hasPrefix("* 1 FETCH (SAVEDATE \""))
    #expect(try await client.ok("SEARCH SAVEDATESUPPORTED")[0] == "* SEARCH 1 2")
    #expect(try await client.ok("SEARCH SAVEDSINCE 01-Jan-2002")[0] == "* SEARCH 1 2")
    #expect(try await client.ok("SEARCH SINCE 01-Jan-2002")[0] == "* SEARCH 2")
    #expect(try await client.ok("SEARCH SAVEDBEFORE 01-Jan-2002")[0] == "* SEARCH")
    #expect(try await client.refused("SEARCH SAVEDON yesterday").hasPrefix("BAD"))
    // RFC 8970 section 5.
    let text = "\"Hello Joe, do you think we can meet at 3:30 tomorrow?\""
    #expect(try await client.ok("FETCH 1 (RFC822.SIZE PREVIEW)")[0].hasSuffix(" PREVIEW \(text))"))
    #expect(try await client.ok("FETCH 1 (PREVIEW (LAZY) UID)")[0] == "* 1 FETCH (PREVIEW \(text) UID 1)")
    #expect(try await client.ok("FETCH 1 PREVIEW (LAZY)")[0] == "* 1 FETCH (PREVIEW \(text))")
    #expect(try await client.ok("FETCH 2 PREVIEW")[0] == "* 2 FETCH (PREVIEW \"\")")
    #expect(try await client.ok("FETCH 1 PREVIEW (CHANGEDSINCE 1)")[0].contains("MODSEQ"))
    #expect(try await client.refused("FETCH 1 PREVIEW (EAGER)").hasPrefix("BAD"))
    await host.stop()
  }

  @Test func replacing() async throws {
    let host = try await IMAPHost.start()
    let client = try await host.fresh()
    for _ in 0..<3 { try await client.append(rfcMessage) }
    // RFC 8508 section 3.5.
    let message = "Subject: draft 2\r\n\r\nbetter\r\n"
    try await client.wire.send("r REPLACE 2 work (\\Seen \\Draft) {\(message.utf8.count)}\r\n")
    try await client.wire.expect("+ ")
    try await client.wire.send(message + "\r\n")
    let lines = try await client.answer("r")
    #expect(lines[0].hasPrefix("* OK [APPENDUID ") && lines[0].contains(" 4]"))
    // Section 3.1: it comes before the old one goes.
    let came = try #require(lines.firstIndex(of: "* 4 EXISTS"))
    let went = try #require(lines.firstIndex(of: "* 2 EXPUNGE"))
    #expect(came < went)
    #expect(lines.last?.hasPrefix("r OK") == true)
    #expect(try await client.ok("UID SEARCH ALL")[0] == "* SEARCH 1 3 4")
    #expect(try await client.ok("UID SEARCH DRAFT")[0] == "* SEARCH 4")
    try await client.ok("CREATE other")
    let moved = try await client.ok("UID REPLACE 4 other {\(message.utf8.count)+}\r\n\(message)")
    #expect(moved.contains("* 3 EXPUNGE"))
    #expect(try await client.ok("STATUS other (MESSAGES)")[0].contains("MESSAGES 1"))
    for command in ["UID REPLACE 4 other", "REPLACE 9 other", "REPLACE 1 nowhere"] {
      let refused = try await client.refused("\(command) {\(message.utf8.count)+}\r\n\(message)")
      #expect(refused.hasPrefix("NO [") || refused.hasPrefix("BAD"), "\(refused)")
    }
    #expect(try await client.refused("REPLACE 1 other {1+}\r\nx {1+}\r\ny").hasPrefix("BAD"))
    #expect(try await client.ok("UID SEARCH ALL")[0] == "* SEARCH 1 3")
    try await client.ok("EXAMINE work")
    #expect(try await client.refused("REPLACE 1 other {1+}\r\nx").hasPrefix("NO [NOPERM]"))
    await host.stop()
  }

  @Test func messagesFromParts() async throws {
    let host = try await IMAPHost.start()
    let client = try await host.fresh()
    try await client.append(multipartMessage)
    let validity = try #require(
      try await client.ok("STATUS work (UIDVALIDITY)")[0].split(separator: " ").last?.dropLast())
    // RFC 4469 section 5: a header of its own, a part of another message, the end.
    let head = "Subject: joined\r\nContent-Type: message/rfc822\r\n\r\n"
    try await client.ok(
      "APPEND work (\\Seen) CATENATE (TEXT {\(head.utf8.count)+}\r\n\(head) URL \"/work;UIDVALIDITY=\(validity)/;UID=1/;SECTION=2\" TEXT {3+}\r\nend)"
    )
    #expect(
      try await client.ok("FETCH 2 BODY.PEEK[]")[0].hasSuffix(
        "\r\n\(head)Subject: inner\r\nX-Inner: yes\r\n\r\ninner bodyend)"))
    try await client.ok("APPEND work CATENATE (URL \"/work/;UID=1\")")
    #expect(
      try await client.ok("FETCH 3 BODY.PEEK[]")[0].dropFirst(30)
        == client.ok("FETCH 1 BODY.PEEK[]")[0].dropFirst(30))
    try await client.ok("APPEND work CATENATE (URL {12+}\r\n/work/;UID=1)")
    #expect(try await client.ok("STATUS work (MESSAGES)")[0].contains("MESSAGES 4"))
    for url in [
      "/work;UIDVALIDITY=7/;UID=1", "/work/;UID=99", "/nowhere/;UID=1", "/work/;UID=1/;SECTION=7", "imap://other/",
    ] {
      let refused = try await client.refused("APPEND work CATENATE (TEXT {3+}\r\nabc URL \"\(url)\" TEXT {3+}\r\nend)")
      #expect(refused.hasPrefix("NO [BADURL \(url)]"), "\(refused)")
    }
    #expect(try await client.refused("APPEND work CATENATE (URL \"/work/;UID=1\" FILE \"x\")").hasPrefix("BAD"))
    #expect(try await client.refused("APPEND work CATENATE ()").hasPrefix("BAD"))
    #expect(try await client.refused("APPEND work CATENATE (TEXT {0+}\r\n)").hasPrefix("NO"))
    #expect(try await client.refused("APPEND work").hasPrefix("BAD"))
    // Other people's mail has no URL.
    let bob = try await host.login("bob")
    let refused = try await bob.refused(
      "APPEND INBOX CATENATE (URL \"imap://alice%40example.test@mail.example.test/work/;UID=1\")")
    #expect(refused.hasPrefix("NO [BADURL"))
    #expect(try await bob.refused("APPEND INBOX CATENATE (URL \"/../alice/work/;UID=1\")").hasPrefix("NO [BADURL"))
    #expect(try await client.ok("STATUS work (MESSAGES)")[0].contains("MESSAGES 4"))
    await host.stop()
  }

  @Test func windows() async throws {
    let host = try await IMAPHost.start()
    let client = try await host.fresh()
    for _ in 0..<5 { try await client.append(rfcMessage) }
    try await client.ok("STORE 2 +FLAGS (\\Deleted)")
    try await client.ok("EXPUNGE")
    // RFC 9394 section 3.1.
    #expect(try await client.ok("UID SEARCH RETURN (PARTIAL -1:-3) ALL")[0].hasSuffix(") UID PARTIAL (-1:-3 3:5)"))
    #expect(try await client.ok("SEARCH RETURN (PARTIAL 1:2 COUNT) ALL")[0].hasSuffix(") PARTIAL (1:2 1:2) COUNT 4"))
    #expect(try await client.ok("UID SEARCH RETURN (PARTIAL 5:9) ALL")[0].hasSuffix(") UID PARTIAL (5:9 NIL)"))
    #expect(try await client.refused("SEARCH RETURN (PARTIAL 1:2 ALL) ALL").hasPrefix("BAD"))
    #expect(try await client.refused("SEARCH RETURN (PARTIAL 1:2 PARTIAL 3:4) ALL").hasPrefix("BAD"))
    try await client.ok("UID SEARCH RETURN (SAVE PARTIAL 2:3) ALL")
    #expect(try await client.ok("UID FETCH $ UID").dropLast() == ["* 2 FETCH (UID 3)", "* 3 FETCH (UID 4)"])
    // Section 3.3.
    #expect(
      try await client.ok("UID FETCH 1:* (UID) (PARTIAL -1:-2)").dropLast()
        == ["* 3 FETCH (UID 4)", "* 4 FETCH (UID 5)"])
    #expect(try await client.ok("UID FETCH 1,4:* (UID) (PARTIAL 2:2)").dropLast() == ["* 3 FETCH (UID 4)"])
    #expect(try await client.ok("FETCH 2:* (UID) (PARTIAL 2:2)").dropLast() == ["* 3 FETCH (UID 4)"])
    await host.stop()
  }

  @Test func doingWithoutNumbers() async throws {
    let host = try await IMAPHost.start()
    let client = try await host.fresh()
    for _ in 0..<3 { try await client.append(rfcMessage) }
    #expect(try await client.ok("ENABLE UIDONLY")[0] == "* ENABLED UIDONLY")
    // RFC 9586 section 3.
    for command in [
      "FETCH 1 FLAGS", "STORE 1 +FLAGS (\\Seen)", "SEARCH ALL", "COPY 1 INBOX", "MOVE 1 INBOX", "UID SEARCH 1:2",
      "UID SEARCH NOT (OR 1 ALL)", "SORT (DATE) UTF-8 ALL", "THREAD REFERENCES UTF-8 ALL", "REPLACE 1 work {1+}\r\nx",
    ] {
      #expect(try await client.refused(command).hasPrefix("BAD [UIDREQUIRED]"), "\(command)")
    }
    #expect(try await client.ok("UID FETCH 2 (FLAGS)")[0].hasPrefix("* 2 UIDFETCH (FLAGS ("))
    #expect(try await client.ok("UID FETCH 2 (UID)")[0] == "* 2 UIDFETCH (UID 2)")
    #expect(try await client.ok("UID STORE 1 +FLAGS (\\Deleted)")[0].hasPrefix("* 1 UIDFETCH (FLAGS (\\Deleted"))
    #expect(try await client.ok("EXPUNGE")[0] == "* VANISHED 1")
    let other = try await host.login()
    try await other.ok("SELECT work")
    try await other.ok("UID STORE 3 +FLAGS (\\Flagged)")
    #expect(try await client.ok("NOOP")[0].hasPrefix("* 3 UIDFETCH (FLAGS (\\Flagged"))
    #expect(try await client.ok("UID SEARCH ALL")[0] == "* SEARCH 2 3")
    #expect(try await !client.ok("SELECT work").contains { $0.contains("[UNSEEN") })
    await host.stop()
  }

  @Test func batchesOfUIDs() async throws {
    let host = try await IMAPHost.start { $0.uidBatch = 2 }
    let client = try await host.fresh()
    #expect(try await client.ok("UIDBATCHES 2")[0].hasSuffix("\")"))
    for _ in 0..<8 { try await client.append(rfcMessage) }
    try await client.ok("UID STORE 3,6:7 +FLAGS (\\Deleted)")
    try await client.ok("EXPUNGE")
    // Left are 1 2 4 5 8; RFC 10022 section 3.1.
    try await client.wire.sendLine("A143 UIDBATCHES 2")
    #expect(try await client.answer("A143")[0] == "* UIDBATCHES (TAG \"A143\") 8:5,4:2,1:1")
    #expect(try await client.ok("UIDBATCHES 2 2:3")[0].hasSuffix(") 4:2,1:1"))
    #expect(try await client.ok("UIDBATCHES 2 9:9")[0].hasSuffix("\")"))
    #expect(try await client.ok("UIDBATCHES 5")[0].hasSuffix(") 8:1"))
    #expect(try await client.refused("UIDBATCHES 1").hasPrefix("NO [TOOFEW]"))
    #expect(try await client.refused("UIDBATCHES 2 3:2").hasPrefix("BAD [CLIENTBUG]"))
    #expect(try await client.refused("UIDBATCHES 4294967295 1:4294967295").hasPrefix("NO [TOOMANY]"))
    for command in ["UIDBATCHES", "UIDBATCHES x", "UIDBATCHES 0", "UIDBATCHES 2 3", "UIDBATCHES 2 0:1"] {
      #expect(try await client.refused(command).hasPrefix("BAD"), "\(command)")
    }
    await host.stop()
  }

  @Test func loggingOutAndInAgain() async throws {
    let host = try await IMAPHost.start()
    let client = try await host.fresh()
    try await client.append(rfcMessage, flags: "\\Deleted")
    try await client.ok("ENABLE IMAP4rev2 UIDONLY")
    // RFC 8437 section 3: nothing is expunged, all that was enabled is forgotten.
    let last = try await client.ok("UNAUTHENTICATE").last
    #expect(last?.contains("AUTH=") == true)
    #expect(try await client.refused("SELECT work").hasPrefix("BAD"))
    #expect(try await client.refused("UNAUTHENTICATE").hasPrefix("BAD"))
    try await client.ok("LOGIN bob@\(IMAPHost.domain) \"\(IMAPHost.password)\"")
    #expect(try await client.refused("SELECT work").hasPrefix("NO [NONEXISTENT]"))
    try await client.ok("UNAUTHENTICATE")
    try await client.ok("LOGIN alice@\(IMAPHost.domain) \"\(IMAPHost.password)\"")
    try await client.ok("SELECT work")
    #expect(try await client.ok("SEARCH ALL")[0] == "* SEARCH 1")
    await host.stop()
  }

  @Test func languages() async throws {
    let host = try await IMAPHost.start()
    let client = try await host.login()
    #expect(try await client.ok("LANGUAGE")[0] == "* LANGUAGE (\"i-default\" \"en\")")
    #expect(try await client.ok("LANGUAGE de en-GB")[0] == "* LANGUAGE (\"en\")")
    #expect(try await client.ok("LANGUAGE default")[0] == "* LANGUAGE (\"i-default\")")
    #expect(try await client.refused("LANGUAGE x-klingon").hasPrefix("NO"))
    await host.stop()
  }

  /// RFC 9738: COPY and APPEND of too many do nothing, and say how many may be saved at once.
  @Test func howManyAreSavedAtOnce() async throws {
    let host = try await IMAPHost.start { $0.savedMessages = 2 }
    let client = try await host.fresh()
    #expect(try await client.ok("CAPABILITY")[0].contains(" SAVELIMIT=2"))
    try await client.ok("CREATE target")
    let two = "{1+}\r\na {1+}\r\nb"
    try await client.ok("APPEND work \(two)")
    #expect(try await client.refused("APPEND work \(two) {1+}\r\nc").hasPrefix("NO [MESSAGELIMIT 2] "))
    try await client.ok("APPEND work {1+}\r\nc")
    #expect(try await client.refused("COPY 1:3 target").hasPrefix("NO [MESSAGELIMIT 2 2] "))
    #expect(try await client.refused("UID COPY 1:* target").hasPrefix("NO [MESSAGELIMIT 2 2] "))
    #expect(try await client.ok("STATUS target (MESSAGES)")[0] == "* STATUS \"target\" (MESSAGES 0)")
    try await client.ok("COPY 2:3 target")
    try await client.ok("MOVE 1:3 target")
    #expect(try await client.ok("STATUS target (MESSAGES)")[0] == "* STATUS \"target\" (MESSAGES 5)")
    await host.stop()
  }

  /// RFC 9585: a long SEARCH says how far it is, by its tag.
  @Test func progressOfALongSearch() async throws {
    let host = try await IMAPHost.start {
      $0.progressInterval = .zero
      $0.searchPiece = 2
    }
    let client = try await host.fresh()
    #expect(try await client.ok("CAPABILITY")[0].contains(" INPROGRESS"))
    for _ in 0..<5 { try await client.append(rfcMessage) }
    try await client.wire.sendLine("A001 SEARCH TEXT meeting")
    let lines = try await client.answer("A001")
    #expect(lines[0].hasPrefix("* OK [INPROGRESS (\"A001\" 2 5)] ") && lines[1].contains(" 4 5)] "))
    #expect(lines[2] == "* SEARCH 1 2 3 4 5" && lines.count == 4)
    await host.stop()
  }

  /// However many messages one APPEND brings, few octets of them are kept in memory.
  @Test func manyMessagesOfOneAppendAreSpooled() async throws {
    let host = try await IMAPHost.start { $0.appendMemoryInAll = 1000 }
    let client = try await host.fresh()
    let messages = (0..<40).map { "Subject: \($0)\r\n\r\n\(String(repeating: "x", count: 100))" }
    try await client.ok("APPEND work" + messages.map { " {\($0.utf8.count)+}\r\n\($0)" }.joined())
    #expect(try await client.ok("FETCH 1:* BODY.PEEK[TEXT]").count(where: { $0.contains("xxx)") }) == 40)
    #expect(try await client.ok("SEARCH SUBJECT 39")[0] == "* SEARCH 40")
    await host.stop()
  }
}
