import MailSyntax
import Testing
import WireTesting

@testable import IMAPServer

/// What the examples of the extensions' RFCs show, where no other test goes through them.
@Suite("Examples of the RFCs", .timeLimit(.minutes(2)))
struct RFCExampleTests {
  private func names(_ lines: [String]) -> [String] {
    lines.filter { $0.hasPrefix("* LIST") }.map { String($0.drop { $0 != "\"" }.dropFirst(4)) }
  }

  @Test("LIST-EXTENDED (RFC 5258 section 5): subscriptions, children, and what is told of the levels above")
  func extendedList() async throws {
    let host = try await IMAPHost.start()
    let client = try await host.login()
    for name in [
      "Fruit/Apple", "Fruit/Banana", "Tofu", "Vegetable", "Vegetable/Broccoli", "Vegetable/Corn", "foo2", "foo2/bar1",
      "foo2/bar2", "baz2", "baz2/bar2", "baz2/bar22", "eps2", "eps2/mamba", "qux2/bar2",
    ] { try await client.ok("CREATE \(name)") }
    for info in try await client.ok("LSUB \"\" *") where info.hasPrefix("* LSUB") {
      try await client.ok("UNSUBSCRIBE \(info.drop { $0 != "\"" }.dropFirst(4))")
    }
    for name in ["INBOX", "Fruit/Banana", "Fruit/Peach", "Vegetable", "Vegetable/Broccoli"] {
      try await client.ok("SUBSCRIBE \(name)")
    }
    let subscribed = try await client.ok("LIST (SUBSCRIBED) \"\" \"*\"")
    #expect(
      names(subscribed) == [
        "\"Fruit/Banana\"", "\"Fruit/Peach\"", "\"INBOX\"", "\"Vegetable\"", "\"Vegetable/Broccoli\"",
      ])
    #expect(subscribed.dropLast().allSatisfy { $0.contains("\\Subscribed") })
    #expect(subscribed[1].contains("\\NonExistent") && !subscribed[0].contains("\\NonExistent"))
    #expect(try await client.ok("LIST (REMOTE SUBSCRIBED) \"\" \"*\"").dropLast() == subscribed.dropLast())
    let children = try await client.ok("LIST () \"\" (Fruit Tofu Vegetable) RETURN (CHILDREN)")
    #expect(children[0].contains("\\HasChildren") && children[0].contains("\\NonExistent"))
    #expect(children[1].contains("\\HasNoChildren") && children[2].contains("\\HasChildren"))
    // Example 7: what is subscribed below, and not shown, is told of at the level above.
    let levels = try await client.ok("LIST (SUBSCRIBED RECURSIVEMATCH) \"\" \"%\"")
    #expect(
      names(levels) == [
        "\"Fruit\" (CHILDINFO (\"SUBSCRIBED\"))", "\"INBOX\"", "\"Vegetable\" (CHILDINFO (\"SUBSCRIBED\"))",
      ])
    // Example 8: it is not told of levels whose children are all shown.
    for name in ["foo2/bar1", "foo2/bar2", "baz2/bar2", "baz2/bar22", "eps2/mamba", "qux2/bar2"] {
      try await client.ok("SUBSCRIBE \(name)")
    }
    #expect(
      names(try await client.ok("LIST (RECURSIVEMATCH SUBSCRIBED) \"\" \"*2\"")) == [
        "\"baz2/bar2\"", "\"baz2/bar22\"", "\"eps2\" (CHILDINFO (\"SUBSCRIBED\"))",
        "\"foo2\" (CHILDINFO (\"SUBSCRIBED\"))", "\"foo2/bar2\"", "\"qux2/bar2\"",
      ])
    for wrong in ["LIST (RECURSIVEMATCH) \"\" *", "LIST (REMOTE RECURSIVEMATCH) \"\" *", "LIST (NOTHING) \"\" *"] {
      #expect(try await client.refused(wrong).hasPrefix("BAD"), "\(wrong)")
    }
    await host.stop()
  }

  @Test("LIST-STATUS (RFC 5819 section 4), STATUS=SIZE (RFC 8438), APPENDLIMIT (RFC 7889), DELETED (RFC 9208)")
  func statusOfEach() async throws {
    let host = try await IMAPHost.start { $0.appendSize = 3_000_000 }
    let client = try await host.fresh("blurdybloop/x")
    try await client.append("a: b\r\n\r\n12345", to: "blurdybloop/x", flags: "\\Deleted")
    try await client.append("a: b\r\n\r\n123", to: "blurdybloop/x", flags: "\\Seen")
    let lines = try await client.ok("LIST \"\" blurdy* RETURN (STATUS (MESSAGES UNSEEN SIZE APPENDLIMIT DELETED))")
    #expect(lines.count == 4 && lines[0].contains("\\NonExistent"))
    #expect(
      lines[2] == "* STATUS \"blurdybloop/x\" (MESSAGES 2 UNSEEN 1 SIZE 24 APPENDLIMIT 3000000 DELETED 1)")
    #expect(try await client.ok("CAPABILITY")[0].contains(" APPENDLIMIT=3000000"))
    #expect(try await client.refused("APPEND INBOX {3000001}").hasPrefix("NO [TOOBIG]"))
    #expect(
      try await client.ok("STATUS blurdybloop/x (DELETED-STORAGE)")[0]
        == "* STATUS \"blurdybloop/x\" (DELETED-STORAGE 13)")
    await host.stop()
  }

  @Test("QUOTA (RFC 9208 section 4.1): the root of a mailbox, what is used of it, and what one may not set")
  func quota() async throws {
    let host = try await IMAPHost.start(quota: 100 * 1024)
    let client = try await host.login()
    let capabilities = try await client.ok("CAPABILITY")[0]
    #expect(capabilities.contains(" QUOTA=RES-STORAGE ") && capabilities.contains(" QUOTA=RES-MESSAGE "))
    try await client.append("a: b\r\n\r\n" + String(repeating: "x", count: 10_230), to: "INBOX")
    let root = "alice@example.test"
    #expect(
      try await client.ok("GETQUOTAROOT INBOX").dropLast() == [
        "* QUOTAROOT \"INBOX\" \(root)", "* QUOTA \(root) (STORAGE 10 100)",
      ])
    #expect(try await client.ok("GETQUOTA \(root)")[0] == "* QUOTA \(root) (STORAGE 10 100)")
    #expect(try await client.refused("GETQUOTA \"!no such root\"").hasPrefix("NO [NONEXISTENT]"))
    #expect(try await client.refused("SETQUOTA \(root) (STORAGE 510)").hasPrefix("NO [NOPERM]"))
    #expect(try await client.refused("APPEND INBOX {102400}").hasPrefix("NO [OVERQUOTA]"))
    await host.stop()
  }

  @Test("SPECIAL-USE (RFC 6154 section 5): shown, asked for, and given at CREATE")
  func specialUse() async throws {
    let host = try await IMAPHost.start()
    let client = try await host.login()
    let shown = try await client.ok("LIST \"\" \"%\" RETURN (SPECIAL-USE)")
    #expect(shown.contains { $0.contains("\\Sent") && $0.hasSuffix("\"Sent\"") })
    #expect(shown.contains { $0.hasSuffix("\"INBOX\"") })
    let only = try await client.ok("LIST (SPECIAL-USE) \"\" \"*\" RETURN (SPECIAL-USE CHILDREN)")
    #expect(!only.contains { $0.hasSuffix("\"INBOX\"") })
    for use in ["\\Archive", "\\Junk"] {
      #expect(try await client.run("CREATE my\(use.dropFirst()) (USE (\(use)))").count == 1)
    }
    #expect(try await client.refused("CREATE MyBad (USE (\\Bad))").hasPrefix("NO [USEATTR]"))
    #expect(try await client.ok("LIST \"\" MyBad").count == 1)
    await host.stop()
  }

  @Test("SEARCH results (RFC 4731 section 3, RFC 5182 section 2): returned in short, kept, and used again")
  func searchResults() async throws {
    let host = try await IMAPHost.start()
    let client = try await host.fresh()
    for number in 1...6 {
      try await client.append(
        "From: \(number % 2 == 0 ? "SMITH" : "Jones") <x@y>\r\nSubject: \(number)\r\n\r\nx\r\n",
        flags: number > 3 ? "\\Flagged" : "")
    }
    try await client.wire.sendLine("A282 SEARCH RETURN (MIN COUNT) FLAGGED SINCE 1-Feb-1994 NOT FROM \"Smith\"")
    #expect(try await client.answer("A282")[0] == "* ESEARCH (TAG \"A282\") MIN 5 COUNT 1")
    try await client.wire.sendLine("A285 UID SEARCH RETURN (MIN MAX) 1:5000")
    #expect(try await client.answer("A285")[0] == "* ESEARCH (TAG \"A285\") UID MIN 1 MAX 6")
    // Nothing found: only COUNT says so (section 3.1).
    try await client.wire.sendLine("A286 SEARCH RETURN (MIN MAX ALL COUNT) FROM nobody")
    #expect(try await client.answer("A286")[0] == "* ESEARCH (TAG \"A286\") COUNT 0")
    // RFC 5182 section 2.3.1 and 2.3.3.
    try await client.wire.send("A1 SEARCH RETURN (SAVE) FLAGGED NOT FROM \"Smith\"\r\nA2 FETCH $ (UID)\r\n")
    #expect(try await client.answer("A1").count == 1)
    #expect(try await client.answer("A2")[0] == "* 5 FETCH (UID 5)")
    try await client.ok("SEARCH RETURN (SAVE) FROM \"SMITH\"")
    #expect(try await client.ok("UID SEARCH UID $ FLAGGED")[0] == "* SEARCH 4 6")
    #expect(try await client.ok("SEARCH RETURN (SAVE) CHARSET UTF-8 (OR $ 1,2) SUBJECT \"1\"").count == 1)
    #expect(try await client.ok("SEARCH $")[0] == "* SEARCH 1")
    // Section 2.1: a search that fails leaves nothing.
    _ = try await client.refused("SEARCH RETURN (SAVE) CHARSET x-klingon FROM y")
    #expect(try await client.ok("SEARCH $")[0] == "* SEARCH")
    await host.stop()
  }

  @Test("SORT and THREAD (RFC 5256 section 4), SORT=DISPLAY (RFC 5957), WITHIN (RFC 5032)")
  func order() async throws {
    let host = try await IMAPHost.start()
    let client = try await host.fresh()
    let mails = [
      ("Zoe <anna@x>", "Re: [list] tea", "2 Jan 2020 10:00:00 +0000", "<2@x>", "<1@x>"),
      ("Adam <zeta@x>", "tea", "1 Jan 2020 10:00:00 +0000", "<1@x>", ""),
      ("beth@x", "coffee", "3 Jan 2020 12:00:00 +0300", "<3@x>", ""),
      ("\"Quentin\" <q@x>", "Fwd: tea (fwd)", "3 Jan 2020 09:30:00 +0000", "<4@x>", "<2@x> <gone@x>"),
    ]
    for (from, subject, date, id, references) in mails {
      try await client.append(
        "From: \(from)\r\nSubject: \(subject)\r\nDate: \(date)\r\nMessage-ID: \(id)\r\nReferences: \(references)\r\n\r\nx\r\n"
      )
    }
    #expect(try await client.ok("SORT (DATE) UTF-8 ALL")[0] == "* SORT 2 1 3 4")
    #expect(try await client.ok("SORT (SUBJECT REVERSE DATE) UTF-8 ALL")[0] == "* SORT 3 4 1 2")
    #expect(try await client.ok("SORT (FROM) US-ASCII ALL")[0] == "* SORT 1 3 4 2")
    #expect(try await client.ok("SORT (DISPLAYFROM) UTF-8 ALL")[0] == "* SORT 2 3 4 1")
    #expect(try await client.ok("SORT (REVERSE DISPLAYFROM) UTF-8 ALL")[0] == "* SORT 1 4 3 2")
    #expect(try await client.ok("SORT (SUBJECT) UTF-8 FROM nobody")[0] == "* SORT")
    #expect(try await client.refused("SORT (SUBJECT) X-KLINGON ALL").hasPrefix("NO [BADCHARSET"))
    #expect(try await client.ok("THREAD REFERENCES UTF-8 ALL")[0] == "* THREAD (2 1 4)(3)")
    #expect(try await client.ok("THREAD ORDEREDSUBJECT UTF-8 ALL")[0] == "* THREAD (2 (1)(4))(3)")
    #expect(try await client.ok("SEARCH UNSEEN YOUNGER 259200")[0] == "* SEARCH 1 2 3 4")
    #expect(try await client.ok("SEARCH OLDER 259200")[0] == "* SEARCH")
    await host.stop()
  }

  @Test("MULTIAPPEND (RFC 3502), UIDPLUS (RFC 4315), MOVE (RFC 6851 section 4.3), UNSELECT (RFC 3691)")
  func uids() async throws {
    let host = try await IMAPHost.start()
    let client = try await host.fresh("saved-messages")
    func ready(_ tag: String, _ head: String, _ bodies: [String]) async throws -> String {
      try await client.wire.send("\(tag) \(head) {\(bodies[0].utf8.count)}\r\n")
      for (number, body) in bodies.enumerated() {
        try await client.wire.expect("+ ")
        let isLast = number == bodies.count - 1
        try await client.wire.send(
          body + (isLast ? "\r\n" : " (\\Seen) \" 7-Feb-1994 22:43:04 -0800\" {\(bodies[number + 1].utf8.count)}\r\n"))
      }
      return try await client.answer(tag).last ?? ""
    }
    let added = try await ready(
      "A003", "APPEND saved-messages (\\Seen)", [rfcMessage, rfcMessage + "again\r\n", rfcMessage])
    #expect(added.hasPrefix("A003 OK [APPENDUID ") && added.contains(" 1:3] "))
    #expect(try await client.ok("FETCH 2 INTERNALDATE")[0] == "* 2 FETCH (INTERNALDATE \"08-Feb-1994 06:43:04 +0000\")")
    #expect(try await client.refused("COPY 4 meeting").hasPrefix("BAD"))
    #expect(try await client.refused("COPY 2:3 meeting").hasPrefix("NO [TRYCREATE]"))
    try await client.ok("CREATE meeting")
    let validity = try #require(
      try await client.ok("STATUS meeting (UIDVALIDITY)")[0].split(separator: " ").last?.dropLast())
    #expect(try await client.ok("COPY 2:3 meeting").last?.contains(" OK [COPYUID \(validity) 2:3 1:2] ") == true)
    // Nothing copied by UID is no failure.
    #expect(try await client.ok("UID COPY 304,319:320 meeting").count == 1)
    try await client.wire.sendLine("a UID MOVE 1,3 meeting")
    let moved = try await client.answer("a")
    #expect(moved[0].hasPrefix("* OK [COPYUID \(validity) 1,3 3:4] "))
    #expect(moved.filter { $0.hasSuffix(" EXPUNGE") } == ["* 3 EXPUNGE", "* 1 EXPUNGE"])
    // UNSELECT leaves what is marked; CLOSE takes it.
    try await client.ok("STORE 1 +FLAGS (\\Deleted)")
    try await client.ok("UNSELECT")
    #expect(try await client.refused("UNSELECT").hasPrefix("BAD"))
    #expect(try await client.ok("STATUS saved-messages (MESSAGES)")[0].hasSuffix("(MESSAGES 1)"))
    await host.stop()
  }

  @Test("IDLE (RFC 2177 section 3): news until DONE, and nothing of it is lost")
  func idle() async throws {
    let host = try await IMAPHost.start()
    let client = try await host.fresh()
    for _ in 0..<3 { try await client.append(rfcMessage) }
    let other = try await host.login()
    try await other.ok("SELECT work")
    try await client.wire.sendLine("A002 IDLE")
    try await client.wire.expect("+ ")
    try await other.append(rfcMessage)
    try await client.wire.expect("* 4 EXISTS")
    try await other.ok("STORE 2 +FLAGS.SILENT (\\Deleted)")
    try await other.ok("EXPUNGE")
    while try await client.response() != "* 2 EXPUNGE" {}
    try await client.wire.sendLine("DONE")
    #expect(try await client.answer("A002").last?.hasPrefix("A002 OK ") == true)
    #expect(try await client.ok("FETCH 3 UID")[0] == "* 3 FETCH (UID 4)")
    await host.stop()
  }

  @Test("ENABLE (RFC 5161), SASL-IR (RFC 4959), LITERAL+ (RFC 7888), ID (RFC 2971), NAMESPACE (RFC 2342)")
  func beginning() async throws {
    let host = try await IMAPHost.start()
    let client = try await host.connect()
    #expect(try await client.refused("ENABLE CONDSTORE").hasPrefix("BAD"))
    #expect(try await client.ok("ID NIL")[0].hasPrefix("* ID ("))
    let response = Base64.encode(Array("\0alice@example.test\0\(IMAPHost.password)".utf8))
    try await client.ok("AUTHENTICATE PLAIN \(response)")
    #expect(try await client.ok("ENABLE CONDSTORE X-GOOD-IDEA")[0] == "* ENABLED CONDSTORE")
    #expect(try await client.ok("ENABLE X-GOOD-IDEA CONDSTORE")[0] == "* ENABLED")
    let again = try await host.connect()
    try await again.ok("LOGIN {18+}\r\nalice@example.test {\(IMAPHost.password.utf8.count)+}\r\n\(IMAPHost.password)")
    #expect(try await again.ok("NAMESPACE")[0] == "* NAMESPACE ((\"\" \"/\")) ((\"Other Users/\" \"/\")) NIL")
    await host.stop()
  }

  @Test("SAVEDATE (RFC 8514) and INTERNALDATE part ways at COPY; PREVIEW (RFC 8970) and OBJECTID (RFC 8474) do not")
  func copies() async throws {
    let host = try await IMAPHost.start()
    let client = try await host.fresh()
    try await client.append(rfcMessage, date: "10-Feb-2001 12:00:00 +0100")
    try await client.ok("CREATE other")
    try await client.ok("COPY 1 other")
    let first = try await client.ok("FETCH 1 (INTERNALDATE PREVIEW EMAILID THREADID)")[0]
    #expect(try await client.ok("SEARCH SAVEDBEFORE 11-Feb-2001")[0] == "* SEARCH")
    #expect(try await client.ok("SEARCH BEFORE 11-Feb-2001")[0] == "* SEARCH 1")
    try await client.ok("SELECT other")
    #expect(try await client.ok("FETCH 1 (INTERNALDATE PREVIEW EMAILID THREADID)")[0] == first)
    #expect(try await client.ok("SEARCH SAVEDSINCE 1-Jan-2020 SAVEDATESUPPORTED")[0] == "* SEARCH 1")
    await host.stop()
  }
}
