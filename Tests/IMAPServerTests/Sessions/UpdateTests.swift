import Testing
import WireTesting

@testable import IMAPServer

@Suite struct UpdateTests {
  @Test func idleHearsOfEverythingAtOnce() async throws {
    let host = try await IMAPHost.start()
    let writer = try await host.fresh()
    let watcher = try await host.login()
    try await watcher.ok("SELECT work")
    try await watcher.wire.sendLine("i IDLE")
    try await watcher.wire.expect("+ ")
    try await writer.append(rfcMessage)
    let start = ContinuousClock.now
    try await watcher.wire.expect("* 1 EXISTS")
    #expect(ContinuousClock.now - start < .seconds(10))
    // Whichever session looks first has the message as recent.
    #expect(try await watcher.wire.line().hasSuffix(" RECENT"))
    try await writer.ok("STORE 1 +FLAGS (\\Deleted)")
    try await watcher.wire.expect("* 1 FETCH (FLAGS (\\Deleted")
    try await writer.ok("EXPUNGE")
    try await watcher.wire.expect("* 1 EXPUNGE")
    try await watcher.wire.sendLine("DONE")
    _ = try await watcher.answer("i")
    await host.stop()
  }

  @Test func idleKeepsTheLineOpen() async throws {
    let host = try await IMAPHost.start { $0.idleKeepalive = .milliseconds(200) }
    let client = try await host.fresh()
    try await client.wire.sendLine("i IDLE")
    try await client.wire.expect("+ ")
    try await client.wire.expect("* OK Still here")
    try await client.wire.sendLine("done")
    _ = try await client.answer("i")
    #expect(try await client.ok("NOOP").count == 1)
    try await client.wire.sendLine("i2 IDLE")
    try await client.wire.expect("+ ")
    try await client.wire.sendLine("LOGOUT")
    #expect(try await client.answer("i2").last?.hasPrefix("i2 BAD") == true)
    await host.stop()
  }

  @Test func silenceEndsInAutologout() async throws {
    let host = try await IMAPHost.start { $0.idleTimeout = .seconds(2) }
    let client = try await host.login()
    try await client.wire.expect("* BYE Autologout")
    try await client.wire.expectEnd()
    await host.stop()
  }

  /// RFC 9051 section 6.4.6, RFC 7162 section 3.1.3: what others did and undid is told with flags that do not have this
  /// command's yet, so that silence would leave the client with too few of them.
  @Test func silenceIsNoneBehindWhatOthersUndid() async throws {
    let host = try await IMAPHost.start()
    let client = try await host.fresh()
    for _ in 0..<2 { try await client.append(rfcMessage) }
    try await client.ok("ENABLE CONDSTORE")
    try await client.ok("SELECT work")
    let other = try await host.login()
    try await other.ok("SELECT work")
    try await other.ok("STORE 1 +FLAGS (\\Flagged)")
    try await other.ok("STORE 1 -FLAGS (\\Flagged)")
    let told = try await client.ok("UID STORE 1:* +FLAGS.SILENT (\\Answered)").filter { $0.contains(" FETCH ") }
    let flags = told.filter { $0.hasPrefix("* 1 ") && $0.contains("FLAGS (") }
    #expect(flags.count == 2 && flags.last?.contains("\\Answered") == true, "\(told)")
    #expect(told.filter { $0.hasPrefix("* 2 ") }.allSatisfy { !$0.contains("FLAGS (") && $0.contains("MODSEQ (") })
    await host.stop()
  }

  @Test func numbersDoNotShiftDuringFetchStoreAndSearch() async throws {
    let host = try await IMAPHost.start()
    let first = try await host.fresh()
    for _ in 0..<4 { try await first.append(rfcMessage) }
    let second = try await host.login()
    try await second.ok("SELECT work")
    try await second.ok("STORE 1,3 +FLAGS.SILENT (\\Deleted)")
    try await second.ok("EXPUNGE")
    // Three messages for the one, five numbers for the other, which has not been told.
    let fetched = try await first.run("FETCH 4 (UID FLAGS)")
    #expect(fetched[0].hasPrefix("* 4 FETCH (UID 4"))
    #expect(!fetched.contains { $0.hasSuffix("EXPUNGE") })
    #expect(try await first.run("FETCH 1 BODY.PEEK[]").last?.contains("NO [EXPUNGEISSUED]") == true)
    #expect(try await first.run("STORE 4 +FLAGS (\\Seen)")[0].hasPrefix("* 4 FETCH (FLAGS (\\Seen"))
    #expect(try await first.run("SEARCH UID 4")[0] == "* SEARCH 4")
    try await second.append(rfcMessage)
    let searched = try await first.run("SEARCH SEEN")
    #expect(searched.contains("* 5 EXISTS") && !searched.contains { $0.hasSuffix("EXPUNGE") })
    let told = try await first.ok("NOOP")
    #expect(told.filter { $0.hasSuffix("EXPUNGE") } == ["* 3 EXPUNGE", "* 1 EXPUNGE"])
    #expect(try await first.ok("FETCH 2 UID")[0] == "* 2 FETCH (UID 4)")
    #expect(try await first.ok("UID SEARCH ALL")[0] == "* SEARCH 2 4 5")
    await host.stop()
  }

  @Test func recentBelongsToOneSession() async throws {
    let host = try await IMAPHost.start()
    let writer = try await host.login()
    try await writer.ok("CREATE work")
    try await writer.append(rfcMessage)
    let looker = try await host.login()
    #expect(try await looker.ok("EXAMINE work").contains("* 1 RECENT"))
    let first = try await host.login()
    #expect(try await first.ok("SELECT work").contains("* 1 RECENT"))
    #expect(try await first.ok("FETCH 1 FLAGS")[0].contains("\\Recent"))
    #expect(try await first.ok("SEARCH NEW")[0] == "* SEARCH 1")
    let second = try await host.login()
    #expect(try await second.ok("SELECT work").contains("* 0 RECENT"))
    #expect(try await second.ok("SEARCH OLD")[0] == "* SEARCH 1")
    await host.stop()
  }

  @Test func selectTellsAll() async throws {
    let host = try await IMAPHost.start()
    let client = try await host.fresh()
    try await client.append(rfcMessage, flags: "\\Seen kw")
    try await client.append(rfcMessage)
    let lines = try await client.ok("SELECT work")
    #expect(lines[0].hasPrefix("* OK [CLOSED]"))
    #expect(lines.contains { $0.hasPrefix("* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft kw") })
    #expect(lines.contains { $0.hasPrefix("* OK [PERMANENTFLAGS (\\Answered") && $0.contains("\\*)]") })
    #expect(lines.contains("* 2 EXISTS"))
    #expect(lines.contains { $0.hasPrefix("* OK [UNSEEN 2]") })
    #expect(
      lines.contains { $0.hasPrefix("* OK [UIDVALIDITY ") } && lines.contains { $0.hasPrefix("* OK [UIDNEXT 3]") })
    #expect(lines.contains { $0.hasPrefix("* OK [HIGHESTMODSEQ ") })
    #expect(lines.last?.contains("OK [READ-WRITE]") == true)
    let read = try await client.ok("EXAMINE work")
    #expect(read.contains { $0.hasPrefix("* OK [PERMANENTFLAGS ()]") } && read.last?.contains("[READ-ONLY]") == true)
    try await client.ok("UNSELECT")
    #expect(try await client.refused("FETCH 1 FLAGS").hasPrefix("BAD"))
    await host.stop()
  }

  @Test func conditionalStoreAndQuickResync() async throws {
    let host = try await IMAPHost.start()
    let client = try await host.fresh()
    for _ in 0..<3 { try await client.append(rfcMessage) }
    let select = try await client.ok("SELECT work (CONDSTORE)")
    guard let line = select.first(where: { $0.contains("HIGHESTMODSEQ") }),
      let highest = UInt64(line.drop { !$0.isNumber }.prefix { $0.isNumber })
    else {
      Issue.record("no HIGHESTMODSEQ")
      return
    }
    #expect(try await client.ok("STORE 1 +FLAGS.SILENT (\\Seen)")[0].hasPrefix("* 1 FETCH (MODSEQ ("))
    let conflict = try await client.ok("STORE 1:2 (UNCHANGEDSINCE \(highest)) +FLAGS (\\Flagged)")
    #expect(conflict.last?.contains("[MODIFIED 1]") == true)
    let changed = try await client.ok("FETCH 1:* (FLAGS) (CHANGEDSINCE \(highest))")
    #expect(changed.filter { $0.contains("FETCH") && $0.hasPrefix("*") }.count == 2)
    #expect(changed[0].contains("MODSEQ ("))
    guard
      let validity = select.first(where: { $0.contains("UIDVALIDITY") }).map({
        String($0.drop { !$0.isNumber }.prefix { $0.isNumber })
      })
    else { return }
    try await client.ok("STORE 3 +FLAGS.SILENT (\\Deleted)")
    try await client.ok("ENABLE QRESYNC")
    #expect(try await client.ok("EXPUNGE")[0] == "* VANISHED 3")
    let resync = try await client.ok("SELECT work (QRESYNC (\(validity) \(highest)))")
    #expect(resync.contains("* VANISHED (EARLIER) 3"))
    #expect(resync.contains { $0.hasPrefix("* 1 FETCH (UID 1 FLAGS (\\Seen") })
    #expect(
      try await client.ok("UID FETCH 1:* (FLAGS) (CHANGEDSINCE \(highest) VANISHED)").contains(
        "* VANISHED (EARLIER) 3"))
    await host.stop()
  }
}
