import Testing
import WireTesting

@testable import IMAPServer

/// What other servers' protocol suites expect, where the RFCs are on their side.
@Suite struct OtherSuitesTests {
  @Test func theFirstCommandAboutModSeqTellsWhereTheMailboxStands() async throws {
    let host = try await IMAPHost.start()
    let writer = try await host.fresh()
    try await writer.append(rfcMessage)
    // RFC 7162 section 3.1: each of these switches CONDSTORE on.
    for command in [
      "FETCH 1 MODSEQ", "SEARCH MODSEQ 1", "STATUS work (HIGHESTMODSEQ)", "STORE 1 (UNCHANGEDSINCE 1) +FLAGS x",
    ] {
      let client = try await host.login()
      try await client.ok("SELECT work")
      #expect(try await client.ok(command).contains { $0.hasPrefix("* OK [HIGHESTMODSEQ ") }, "\(command)")
      #expect(try await !client.ok(command).contains { $0.hasPrefix("* OK [HIGHESTMODSEQ ") }, "once: \(command)")
    }
    await host.stop()
  }

  @Test func numbersBeyondTheMailboxMatchNothingInASearch() async throws {
    let host = try await IMAPHost.start()
    let client = try await host.fresh()
    #expect(try await client.ok("SEARCH 1:3")[0] == "* SEARCH")
    try await client.append(rfcMessage)
    #expect(try await client.ok("SEARCH 1000")[0] == "* SEARCH")
    #expect(try await client.ok("SEARCH 1,7,1000:2000")[0] == "* SEARCH 1")
    #expect(try await client.ok("SEARCH NOT 2:*")[0] == "* SEARCH")
    #expect(try await client.ok("SEARCH RETURN (COUNT) 1000")[0].hasSuffix(" COUNT 0"))
    #expect(try await client.ok("SORT (ARRIVAL) UTF-8 5:9")[0] == "* SORT")
    // To name a message that is not there remains an error elsewhere.
    #expect(try await client.refused("FETCH 1000 FLAGS").hasPrefix("BAD"))
    await host.stop()
  }

  @Test func messagesMoveWithinTheirMailbox() async throws {
    let host = try await IMAPHost.start()
    let client = try await host.fresh()
    for _ in 0..<3 { try await client.append(rfcMessage) }
    try await client.ok("STORE 1 +FLAGS.SILENT (\\Flagged kept)")
    // RFC 6851 section 3.3: allowed wherever copying is.
    let moved = try await client.ok("MOVE 1 work")
    #expect(moved[0].contains("[COPYUID ") && moved[0].contains(" 1 4] "))
    #expect(moved.contains("* 1 EXPUNGE") && moved.contains("* 3 EXISTS"))
    #expect(
      try await client.ok("UID FETCH 1:* FLAGS").dropLast().last?.hasPrefix("* 3 FETCH (UID 4 FLAGS (\\Flagged") == true
    )
    let other = try await host.login()
    try await other.ok("SELECT work")
    #expect(try await other.ok("UID SEARCH ALL")[0] == "* SEARCH 2 3 4")
    #expect(try await other.ok("UID SEARCH KEYWORD kept")[0] == "* SEARCH 4")
    #expect(try await other.ok("FETCH 3 BODY.PEEK[HEADER.FIELDS (Subject)]").count == 2)
    await host.stop()
  }

  @Test func capitalsAndSmallLettersSortBeforeBracketsAndUnderscores() async throws {
    let host = try await IMAPHost.start()
    let client = try await host.fresh()
    for subject in ["_", "[xyz]", "b", "Z", "A", "zz"] { try await client.append("Subject: \(subject)\r\n\r\nx\r\n") }
    #expect(try await client.ok("SORT (SUBJECT) US-ASCII ALL")[0] == "* SORT 5 3 4 6 2 1")
    #expect(try await client.ok("SORT (REVERSE SUBJECT) US-ASCII ALL")[0] == "* SORT 1 2 6 4 3 5")
    await host.stop()
  }

  @Test func aMessageThatIsGoneFailsNoStore() async throws {
    let host = try await IMAPHost.start()
    let client = try await host.fresh()
    for _ in 0..<2 { try await client.append(rfcMessage) }
    let other = try await host.login()
    try await other.ok("SELECT work")
    try await other.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
    try await other.ok("EXPUNGE")
    // RFC 2180 section 4.2, RFC 5530: by number the client is told that there is news, and what could be done was.
    #expect(try await client.ok("STORE 1:2 +FLAGS.SILENT (\\Seen)").last?.contains(" OK [EXPUNGEISSUED] ") == true)
    let lines = try await client.ok("STORE 1:2 -FLAGS (\\Seen)")
    #expect(
      lines.first?.hasPrefix("* 2 FETCH (FLAGS (") == true && lines.last?.contains(" OK [EXPUNGEISSUED] ") == true)
    #expect(try await client.ok("UID STORE 1:2 +FLAGS (\\Seen)").last?.contains(" OK STORE completed") == true)
    await host.stop()
  }

  @Test func aWindowIsToldAwayFromItsEnd() async throws {
    let host = try await IMAPHost.start()
    let client = try await host.fresh()
    for _ in 0..<5 { try await client.append(rfcMessage) }
    // RFC 9394 section 4: a range 500:400 is the same as 400:500.
    #expect(try await client.ok("SEARCH RETURN (PARTIAL 4:2) ALL")[0].hasSuffix(" PARTIAL (2:4 2:4)"))
    #expect(try await client.ok("SORT RETURN (PARTIAL 4:2) (ARRIVAL) UTF-8 ALL")[0].hasSuffix(" PARTIAL (2:4 2:4)"))
    #expect(try await client.ok("SEARCH RETURN (PARTIAL -100:-1) 9:10")[0].hasSuffix(" PARTIAL (-1:-100 NIL)"))
    await host.stop()
  }

  @Test func whoFollowsFlagsIsToldWhereAMailboxStands() async throws {
    let host = try await IMAPHost.start()
    let client = try await host.fresh()
    try await client.append(rfcMessage)
    try await client.ok("UNSELECT")
    // RFC 5465 section 4: HIGHESTMODSEQ although CONDSTORE was never switched on.
    let lines = try await client.ok("NOTIFY SET STATUS (mailboxes work (MessageNew MessageExpunge FlagChange))")
    #expect(lines.first?.contains("work") == true && lines.first?.contains(" (MESSAGES 1 UIDNEXT 2 ") == true)
    #expect(lines.first?.contains(" HIGHESTMODSEQ ") == true)
    let fewer = try await client.ok("NOTIFY SET STATUS (mailboxes work (MessageNew MessageExpunge))")
    #expect(fewer.first?.contains("HIGHESTMODSEQ") == false)
    await host.stop()
  }

  @Test func aClientMaySayAllOfItselfBeforeItLogsIn() async throws {
    let host = try await IMAPHost.start()
    let client = try await host.connect()
    // RFC 2971 section 3.3: 30 fields of 30 octets, values of 1024.
    let field = "\"\(String(repeating: "f", count: 30))\" \"\(String(repeating: "v", count: 1024))\""
    let fields = Array(repeating: field, count: 30).joined(separator: " ")
    #expect(try await client.ok("ID (\(fields))").first?.hasPrefix("* ID (") == true)
    #expect(try await client.refused("ID (\(fields) \(fields) \(fields))") == "BAD Command line too long")
    #expect(try await client.refused("NOOP \(fields)") == "BAD Command line too long")
    try await client.ok("NOOP")
    await host.stop()
  }

  @Test func moreThanOneSpaceMayStandBetweenArguments() async throws {
    let host = try await IMAPHost.start()
    let client = try await host.fresh()
    for _ in 0..<2 { try await client.append(rfcMessage) }
    #expect(try await client.ok("STORE 1  +FLAGS  (\\Seen  x )").first?.contains("\\Seen") == true)
    #expect(try await client.ok("STORE 1 -FLAGS \\Seen  x ").first?.contains("\\Seen") == false)
    #expect(try await client.ok("FETCH 1:2  ( FLAGS  UID )").count == 3)
    #expect(try await client.ok("SEARCH  ( 1  UNSEEN )  ALL ").first == "* SEARCH 1")
    #expect(try await client.ok("STATUS  work  (  MESSAGES  )").first?.hasSuffix(" (MESSAGES 2)") == true)
    #expect(try await client.ok("LIST  \"\"  ( work  nothing )  RETURN ( CHILDREN )").count == 2)
    #expect(try await client.ok("COPY 1  work").count > 1)
    #expect(try await client.ok("ID ( \"name\" \"x\" \"version\" 102.7.1 \"os\" NIL )").count == 2)
    #expect(try await client.refused("FETCH 1 ( )").hasPrefix("BAD"))
    await host.stop()
  }

  @Test func moreThanOneSpaceMayStandBetweenMessages() async throws {
    let host = try await IMAPHost.start()
    let client = try await host.fresh()
    try await client.ok("APPEND work {3+}\r\na\r\n  {3+}\r\nb\r\n  (\\Seen) {3+}\r\nc\r\n")
    #expect(try await client.ok("SEARCH SEEN")[0] == "* SEARCH 3")
    await host.stop()
  }

  @Test func rightsAreToldOfMailboxesThatAre() async throws {
    let host = try await IMAPHost.start()
    let client = try await host.login()
    for command in ["MYRIGHTS nowhere", "GETACL nowhere", "LISTRIGHTS nowhere alice@example.test"] {
      #expect(try await client.refused(command).hasPrefix("NO [NONEXISTENT]"), "\(command)")
    }
    await host.stop()
  }
}
