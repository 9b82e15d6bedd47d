import Testing
import WireTesting

@testable import IMAPServer

@Suite struct ContextTests {
  @Test func resultsAreKeptUpToDate() async throws {
    let host = try await IMAPHost.start()
    let client = try await host.fresh()
    for _ in 0..<4 { try await client.append(rfcMessage) }
    try await client.ok("STORE 1,3 +FLAGS.SILENT ($Junk)")
    // RFC 5267 section 4.3.
    try await client.wire.sendLine("B01 UID SEARCH RETURN (UPDATE COUNT) KEYWORD $Junk")
    #expect(try await client.answer("B01")[0] == "* ESEARCH (TAG \"B01\") UID COUNT 2")
    try await client.wire.sendLine("B02 SEARCH RETURN (UPDATE ALL CONTEXT) UNDELETED")
    #expect(try await client.answer("B02")[0] == "* ESEARCH (TAG \"B02\") ALL 1:4")
    let other = try await host.login()
    try await other.ok("SELECT work")
    try await other.ok("UID STORE 2 +FLAGS ($Junk)")
    try await other.ok("UID STORE 3 +FLAGS (\\Deleted)")
    try await other.append(rfcMessage, flags: "$Junk")
    let news = try await client.ok("NOOP")
    #expect(news.contains("* ESEARCH (TAG \"B01\") UID ADDTO (0 2,5)"))
    #expect(news.contains("* ESEARCH (TAG \"B02\") REMOVEFROM (0 3)"))
    #expect(news.contains("* ESEARCH (TAG \"B02\") ADDTO (0 5)"))
    let exists = try #require(news.firstIndex { $0.hasSuffix(" EXISTS") })
    let added = try #require(news.firstIndex { $0.contains("ADDTO") })
    #expect(exists < added)
    // What this client does itself counts as well; expunged messages leave before their EXPUNGE.
    #expect(try await client.ok("STORE 1 -FLAGS ($Junk)").contains("* ESEARCH (TAG \"B01\") UID REMOVEFROM (0 1)"))
    try await other.ok("UID STORE 2 +FLAGS (\\Deleted)")
    try await other.ok("EXPUNGE")
    let gone = try await client.ok("NOOP")
    let left = try #require(gone.firstIndex { $0.contains("B01") && $0.contains("REMOVEFROM (0 2:3)") })
    let expunged = try #require(gone.firstIndex { $0.hasSuffix(" EXPUNGE") })
    #expect(left < expunged)
    try await client.ok("CANCELUPDATE \"B01\" \"B02\"")
    try await other.append(rfcMessage, flags: "$Junk")
    #expect(try await !client.ok("NOOP").contains { $0.contains("ESEARCH") })
    #expect(try await client.refused("CANCELUPDATE \"B01\"").hasPrefix("NO"))
    #expect(try await client.refused("CANCELUPDATE B01").hasPrefix("BAD"))
    await host.stop()
  }

  @Test func sortedResultsSayWhere() async throws {
    let host = try await IMAPHost.start { $0.searchContexts = 1 }
    let client = try await host.fresh()
    for size in [300, 100, 200] { try await client.append("Subject: x\r\n\r\n" + String(repeating: "x", count: size)) }
    try await client.wire.sendLine("C01 UID SORT RETURN (UPDATE ALL) (SIZE) UTF-8 UNDELETED")
    #expect(try await client.answer("C01")[0] == "* ESEARCH (TAG \"C01\") UID ALL 2:3,1")
    try await client.append("Subject: x\r\n\r\n" + String(repeating: "x", count: 250))
    let other = try await host.login()
    try await other.ok("SELECT work")
    try await other.append("Subject: x\r\n\r\n" + String(repeating: "x", count: 50))
    #expect(try await client.ok("NOOP").contains("* ESEARCH (TAG \"C01\") UID ADDTO (1 5)"))
    try await other.ok("UID STORE 2,4 +FLAGS (\\Deleted)")
    #expect(try await client.ok("NOOP").contains("* ESEARCH (TAG \"C01\") UID REMOVEFROM (4 4 2 2)"))
    let refused = try await client.run("UID SEARCH RETURN (UPDATE COUNT) ALL")
    #expect(refused.contains { $0.hasPrefix("* NO [NOUPDATE \"") } && refused.last?.contains(" OK ") == true)
    #expect(
      try await client.ok("UID SORT RETURN (PARTIAL 1:2) (REVERSE SIZE) UTF-8 ALL")[0].hasSuffix("PARTIAL (1:2 1,4)"))
    await host.stop()
  }

  @Test func severalMailboxesAtOnce() async throws {
    let host = try await IMAPHost.start()
    let client = try await host.fresh("folder1")
    try await client.ok("CREATE folder2")
    try await client.ok("CREATE folder2/salmon")
    try await client.ok("CREATE folder2/salmon/deep")
    for (folder, count) in [("folder1", 2), ("folder2/salmon", 3), ("folder2/salmon/deep", 1)] {
      for _ in 0..<count { try await client.append(rfcMessage, to: folder) }
    }
    func uidValidity(_ folder: String) async throws -> String {
      let line = try await client.ok("STATUS \(folder) (UIDVALIDITY)")[0]
      return String(line.split(separator: " ").last?.dropLast() ?? "")
    }
    // RFC 7377 section 2.1.
    try await client.wire.sendLine("tag1 ESEARCH IN (mailboxes \"folder1\" subtree \"folder2\") unseen")
    let lines = try await client.answer("tag1")
    let one = try await uidValidity("folder1")
    let two = try await uidValidity("folder2/salmon")
    #expect(lines[0] == "* ESEARCH (TAG \"tag1\" MAILBOX \"folder1\" UIDVALIDITY \(one)) UID ALL 1:2")
    #expect(lines[1] == "* ESEARCH (TAG \"tag1\" MAILBOX \"folder2/salmon\" UIDVALIDITY \(two)) UID ALL 1:3")
    #expect(lines.count == 4)
    #expect(try await client.ok("ESEARCH IN (subtree-one \"folder2\") RETURN (COUNT) ALL").count == 2)
    #expect(try await client.ok("ESEARCH IN (mailboxes (\"folder1\" \"nowhere\")) RETURN (MIN MAX) ALL").count == 2)
    #expect(try await client.ok("ESEARCH IN (personal) SUBJECT meeting").count == 4)
    #expect(try await client.ok("ESEARCH IN (inboxes) SUBJECT nothing").count == 1)
    try await client.ok("SUBSCRIBE folder2/salmon/deep")
    #expect(try await client.ok("ESEARCH IN (subscribed) SUBJECT meeting").count == 2)
    #expect(try await client.ok("ESEARCH RETURN (COUNT) 1:2")[0].contains("MAILBOX \"folder1\""))
    #expect(try await client.ok("ESEARCH IN (selected) RETURN (SAVE) ALL").count == 1)
    for command in [
      "ESEARCH IN (personal) RETURN (SAVE) ALL", "ESEARCH IN (personal) 1:2", "ESEARCH IN (personal) UID $",
      "ESEARCH IN () ALL", "ESEARCH IN (everything) ALL", "ESEARCH IN (selected-delayed) ALL",
      "ESEARCH IN (personal (x)) ALL", "ESEARCH IN (subtree) ALL",
    ] {
      #expect(try await client.refused(command).hasPrefix("BAD"), "\(command)")
    }
    let bob = try await host.login("bob")
    #expect(try await bob.ok("ESEARCH IN (subtree \"folder2\" mailboxes \"../alice/folder1\") ALL").count == 1)
    #expect(try await bob.refused("ESEARCH ALL").hasPrefix("BAD"))
    await host.stop()
  }

  /// Other users' mailboxes are searched where their names are meant, and are nobody's own (RFC 7377 section 2.2).
  @Test func sharedMailboxesAtOnce() async throws {
    let host = try await IMAPHost.start()
    let owner = try await host.fresh()
    try await owner.append(rfcMessage)
    try await owner.ok("SETACL work bob@example.test lr")
    let bob = try await host.login("bob")
    let shared = "\"Other Users/alice@example.test/work\""
    for filter in ["subtree \"Other Users\"", "subtree-one \"Other Users/alice@example.test\"", "mailboxes \(shared)"] {
      #expect(
        try await bob.ok("ESEARCH IN (\(filter)) ALL")[0].contains(" MAILBOX \(shared) UIDVALIDITY "), "\(filter)")
    }
    #expect(try await bob.ok("ESEARCH IN (personal inboxes subscribed) ALL").count == 1)
    try await bob.ok("SUBSCRIBE \(shared)")
    #expect(try await bob.ok("ESEARCH IN (subscribed) RETURN (COUNT) ALL")[0].hasSuffix(") UID COUNT 1"))
    try await owner.ok("SETACL work bob@example.test l")
    #expect(try await bob.ok("ESEARCH IN (subtree \"Other Users\" subscribed) ALL").count == 1)
    await host.stop()
  }
}
