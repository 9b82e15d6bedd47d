import Testing

@testable import IMAPServer

@Suite("MESSAGELIMIT (RFC 9738)", .timeLimit(.minutes(2)))
struct MessageLimitTests {
  /// Five messages in `work`, of which a command works on two.
  private func limited(_ most: Int = 2) async throws -> (host: IMAPHost, client: IMAPTestClient) {
    let host = try await IMAPHost.start { $0.processedMessages = most }
    let client = try await host.fresh()
    for number in 1...5 { try await client.append("Subject: \(number)\r\n\r\nbody \(number)\r\n") }
    try await client.ok("NOOP")
    return (host, client)
  }

  @Test("It is announced in place of SAVELIMIT, and only when it is set")
  func announced() async throws {
    let (host, client) = try await limited()
    let words = try await client.ok("CAPABILITY")[0].split(separator: " ")
    #expect(words.contains("MESSAGELIMIT=2") && !words.contains { $0.hasPrefix("SAVELIMIT") })
    await host.stop()
    let other = try await IMAPHost.start()
    let usual = try await other.login().ok("CAPABILITY")[0]
    #expect(usual.contains(" SAVELIMIT=") && !usual.contains("MESSAGELIMIT"))
    await other.stop()
  }

  @Test("FETCH, STORE and SEARCH work from the highest UID down, and say how far they came (section 3.1)")
  func partly() async throws {
    let (host, client) = try await limited()
    try await client.wire.sendLine("f FETCH 1:* (UID FLAGS)")
    let fetched = try await client.answer("f")
    #expect(fetched.dropLast().map { String($0.prefix(9)) } == ["* 5 FETCH", "* 4 FETCH"])
    #expect(fetched.last?.hasPrefix("f OK [MESSAGELIMIT 2 4] ") == true)
    try await client.wire.sendLine("g UID FETCH 1:3 (BODY.PEEK[TEXT])")
    let bodies = try await client.answer("g").joined(separator: "\n")
    #expect(bodies.contains("body 3") && bodies.contains("body 2") && !bodies.contains("body 1"))
    #expect(bodies.contains("g OK [MESSAGELIMIT 2 2] "))
    // What is left is whole.
    #expect(try await client.run("UID FETCH 1:1 (UID ENVELOPE)").last?.contains("OK FETCH completed") == true)

    try await client.wire.sendLine("s STORE 1:5 +FLAGS (\\Seen)")
    let stored = try await client.answer("s")
    #expect(
      stored.dropLast().map { String($0.prefix(23)) } == ["* 5 FETCH (FLAGS (\\Seen", "* 4 FETCH (FLAGS (\\Seen"])
    #expect(stored.last?.hasPrefix("s OK [MESSAGELIMIT 2 4] ") == true)
    #expect(try await client.ok("UID SEARCH UIDAFTER 3 SEEN")[0] == "* SEARCH 4 5")

    try await client.wire.sendLine("q UID SEARCH BODY body")
    let found = try await client.answer("q")
    #expect(found[0] == "* SEARCH 5 4" && found[1].hasPrefix("q OK [MESSAGELIMIT 2 4] "))
    try await client.wire.sendLine("r UID SEARCH RETURN (SAVE COUNT) UIDBEFORE 4 ALL")
    let saved = try await client.answer("r")
    #expect(saved[0].hasSuffix("UID COUNT 2") && saved[1].hasPrefix("r OK [MESSAGELIMIT 2 2] "))
    #expect(try await client.ok("UID FETCH $ (UID)").count == 3)
    #expect(try await client.ok("UID SEARCH UIDBEFORE 2 ALL")[0] == "* SEARCH 1")
    #expect(try await client.ok("SEARCH UIDAFTER 4294967295")[0] == "* SEARCH")
    #expect(try await client.ok("SEARCH UIDBEFORE 1")[0] == "* SEARCH")
    #expect(try await client.ok("UID SEARCH UIDAFTER 5")[0] == "* SEARCH")
    for wrong in ["UIDAFTER 0", "UIDBEFORE", "UIDAFTER 1:2", "UIDBEFORE *"] {
      #expect(try await client.refused("SEARCH \(wrong)").hasPrefix("BAD"), "\(wrong)")
    }
    let followed = try await client.ok("UID SEARCH RETURN (UPDATE ALL) ALL")
    #expect(followed.contains { $0.hasPrefix("* NO [NOUPDATE ") })
    await host.stop()
  }

  @Test("COPY, SORT, THREAD, windows of PARTIAL and ESEARCH elsewhere are done as a whole or not at all")
  func whole() async throws {
    let (host, client) = try await limited()
    try await client.ok("CREATE target")
    #expect(try await client.refused("COPY 1:* target").hasPrefix("NO [MESSAGELIMIT 2 4] "))
    #expect(try await client.refused("UID COPY 1:3 target").hasPrefix("NO [MESSAGELIMIT 2 2] "))
    #expect(try await client.refused("APPEND target {1+}\r\na {1+}\r\nb {1+}\r\nc").hasPrefix("NO [MESSAGELIMIT 2] "))
    #expect(try await client.ok("STATUS target (MESSAGES)")[0].hasSuffix("(MESSAGES 0)"))
    for command in [
      "SORT (DATE) UTF-8 ALL", "UID SORT (SUBJECT) UTF-8 BODY x", "THREAD REFERENCES UTF-8 ALL",
      "UID FETCH 1:* (FLAGS) (PARTIAL 1:3)", "UID FETCH 1:* (FLAGS) (PARTIAL -1:-4294967295)",
    ] {
      #expect(try await client.refused(command).hasPrefix("NO [MESSAGELIMIT 2] "), "\(command)")
    }
    #expect(try await client.ok("UID SORT (SUBJECT) UTF-8 UIDAFTER 3")[0] == "* SORT 4 5")
    #expect(try await client.ok("UID FETCH 1:* (FLAGS) (PARTIAL 2:3)").count == 3)
    try await client.ok("SELECT INBOX")
    #expect(try await client.refused("ESEARCH IN (mailboxes work) ALL").hasPrefix("NO [MESSAGELIMIT 2] "))
    #expect(try await client.ok("ESEARCH IN (mailboxes work) UID 2:3")[0].hasSuffix(" UID ALL 2:3"))
    await host.stop()
  }

  @Test("MOVE and UID EXPUNGE go on from the top; EXPUNGE and CLOSE are not limited")
  func removing() async throws {
    let (host, client) = try await limited()
    try await client.ok("CREATE target")
    try await client.wire.sendLine("m MOVE 1:4 target")
    let moved = try await client.answer("m")
    #expect(moved[0].contains("COPYUID ") && moved[0].contains(" 3:4 1:2]"))
    #expect(moved[1...2] == ["* 4 EXPUNGE", "* 3 EXPUNGE"])
    #expect(moved.last?.hasPrefix("m OK [MESSAGELIMIT 2 3] ") == true)
    // Beside another code the limit stands in an untagged NO.
    for uid in [1, 2, 5] { try await client.ok("UID STORE \(uid) +FLAGS.SILENT (\\Deleted)") }
    try await client.ok("ENABLE CONDSTORE")
    try await client.wire.sendLine("e UID EXPUNGE 1:*")
    let expunged = try await client.answer("e")
    #expect(expunged[0...1] == ["* 3 EXPUNGE", "* 2 EXPUNGE"])
    #expect(expunged.contains { $0.hasPrefix("* NO [MESSAGELIMIT 2 2] ") })
    #expect(expunged.last?.hasPrefix("e OK [HIGHESTMODSEQ ") == true)
    #expect(try await client.run("UID EXPUNGE 1:*").last?.contains("OK [HIGHESTMODSEQ ") == true)

    await host.stop()
    let (second, other) = try await limited(1)
    for uid in 1...5 { try await other.ok("UID STORE \(uid) +FLAGS.SILENT (\\Deleted)") }
    #expect(try await other.ok("EXPUNGE").filter { $0.hasSuffix(" EXPUNGE") }.count == 5)
    for number in 1...3 { try await other.append("Subject: \(number)\r\n\r\nx\r\n") }
    for uid in 6...8 { try await other.ok("UID STORE \(uid) +FLAGS.SILENT (\\Deleted)") }
    try await other.ok("CLOSE")
    #expect(try await other.ok("STATUS work (MESSAGES)")[0].hasSuffix("(MESSAGES 0)"))
    await second.stop()
  }
}
