import Accounts
import Testing
import WireTesting

@testable import IMAPServer

@Suite struct RightsTests {
  private static let alice = "alice@example.test"
  private static let shared = "\"Other Users/alice@example.test/work\""

  /// Alice with a mailbox of three messages, and Bob.
  private func hosts(
    _ adjust: (inout IMAPLimits) -> Void = { _ in }
  ) async throws -> (IMAPHost, IMAPTestClient, IMAPTestClient) {
    let host = try await IMAPHost.start(adjust: adjust)
    let owner = try await host.fresh()
    for _ in 0..<3 { try await owner.append(rfcMessage) }
    return (host, owner, try await host.login("bob"))
  }

  @Test func theCommands() async throws {
    let (host, owner, bob) = try await hosts()
    #expect(try await owner.ok("MYRIGHTS work")[0] == "* MYRIGHTS \"work\" lrswipkxteacd")
    try await owner.ok("SETACL work bob@example.test lrs")
    try await owner.ok("SETACL work \"bob%example.test\" +w")
    try await owner.ok("SETACL work bob@example.test -s")
    // RFC 4314 section 3.3.
    #expect(
      try await owner.ok("GETACL work")[0] == "* ACL \"work\" alice@example.test lrswipkxteacd bob@example.test lrw")
    #expect(
      try await owner.ok("LISTRIGHTS work bob@example.test")[0]
        == "* LISTRIGHTS \"work\" bob@example.test \"\" l r s w i p k x t e a c d")
    #expect(
      try await owner.ok("LISTRIGHTS work \(Self.alice)")[0] == "* LISTRIGHTS \"work\" \(Self.alice) lrswipkxteacd")
    #expect(try await bob.ok("MYRIGHTS \(Self.shared)")[0] == "* MYRIGHTS \(Self.shared) lrw")
    #expect(try await bob.refused("GETACL \(Self.shared)").hasPrefix("NO [NOPERM]"))
    #expect(try await bob.refused("SETACL \(Self.shared) bob@example.test +a").hasPrefix("NO [NOPERM]"))
    // The letters of RFC 2086.
    try await owner.ok("SETACL work bob@example.test lrcd")
    #expect(try await bob.ok("MYRIGHTS \(Self.shared)")[0].hasSuffix(" lrkxtecd"))
    try await owner.ok("DELETEACL work bob@example.test")
    #expect(try await owner.ok("GETACL work")[0] == "* ACL \"work\" alice@example.test lrswipkxteacd")
    #expect(try await bob.refused("MYRIGHTS \(Self.shared)").hasPrefix("NO [NONEXISTENT]"))
    for command in [
      "SETACL work nobody@example.test lr", "SETACL work nobody lr", "SETACL work \(Self.alice) l",
      "SETACL work -\(Self.alice) l", "SETACL work - l", "LISTRIGHTS work nobody@example.test",
    ] {
      #expect(try await owner.refused(command).hasPrefix("NO [CANNOT]"), "\(command)")
    }
    for command in ["SETACL work bob@example.test lz", "SETACL work bob@example.test", "GETACL", "SETACL work"] {
      #expect(try await owner.refused(command).hasPrefix("BAD"), "\(command)")
    }
    #expect(try await owner.ok("NAMESPACE")[0] == "* NAMESPACE ((\"\" \"/\")) ((\"Other Users/\" \"/\")) NIL")
    await host.stop()
  }

  /// RFC 8440: rights come along with LIST, for mailboxes that are there and seen.
  @Test func rightsInList() async throws {
    let (host, owner, bob) = try await hosts()
    #expect(try await owner.ok("CAPABILITY")[0].contains(" LIST-MYRIGHTS "))
    try await owner.ok("CREATE foo/bar")
    #expect(
      try await owner.ok("LIST \"\" (work foo%) RETURN (MYRIGHTS)").dropLast() == [
        "* LIST (\\NonExistent \\HasChildren) \"/\" \"foo\"",
        "* LIST (\\HasNoChildren) \"/\" \"work\"", "* MYRIGHTS \"work\" lrswipkxteacd",
      ])
    try await owner.ok("SETACL work bob@example.test l")
    let lines = try await bob.ok("LIST \"\" \"Other Users/*\" RETURN (MYRIGHTS STATUS (MESSAGES))")
    #expect(lines.suffix(3).first?.hasSuffix(" \(Self.shared)") == true)
    #expect(lines.suffix(2).first == "* MYRIGHTS \(Self.shared) l")
    #expect(try await !owner.ok("LIST \"\" *").contains { $0.hasPrefix("* MYRIGHTS") })
    await host.stop()
  }

  @Test func whatIsNotGivenIsNotThere() async throws {
    let (host, owner, bob) = try await hosts()
    try await owner.ok("CREATE secret")
    try await owner.ok("SETACL work bob@example.test l")
    let hidden = "\"Other Users/alice@example.test/secret\""
    for name in [hidden, "\"Other Users/alice@example.test/INBOX\"", "\"Other Users/nobody@example.test/work\""] {
      for command in [
        "SELECT \(name)", "EXAMINE \(name)", "STATUS \(name) (MESSAGES)", "MYRIGHTS \(name)", "GETACL \(name)",
        "DELETE \(name)", "RENAME \(name) mine", "SUBSCRIBE \(name)", "GETQUOTAROOT \(name)",
        "CREATE \(name.dropLast())/x\"",
        "APPEND \(name) {1+}\r\nx",
      ] {
        #expect(try await bob.refused(command).hasPrefix("NO [NONEXISTENT] Mailbox does not exist"), "\(command)")
      }
      #expect(try await bob.ok("ESEARCH IN (mailboxes \(name)) ALL").count == 1)
    }
    // May be seen, but no more.
    for command in [
      "SELECT \(Self.shared)", "STATUS \(Self.shared) (MESSAGES)", "DELETE \(Self.shared)",
      "APPEND \(Self.shared) {1+}\r\nx", "RENAME \(Self.shared) x", "GETMETADATA \(Self.shared) /private/x",
    ] {
      #expect(try await bob.refused(command).hasPrefix("NO [NOPERM]"), "\(command)")
    }
    #expect(
      try await bob.refused("APPEND INBOX CATENATE (URL \"/Other%20Users/\(Self.alice)/work/;UID=1\")").hasPrefix(
        "NO [BADURL"))
    for name in ["Other Users", "Other Users/x", "Other Users/../alice/work", "Other Users/\(Self.alice)"] {
      #expect(try await bob.refused("CREATE \"\(name)\"").hasPrefix("NO"), "\(name)")
      #expect(try await bob.refused("SELECT \"\(name)\"").hasPrefix("NO"), "\(name)")
    }
    #expect(try await bob.refused("RENAME INBOX \"Other Users/x\"").hasPrefix("NO"))
    await host.stop()
  }

  @Test func listsShowWhatMayBeSeen() async throws {
    let (host, owner, bob) = try await hosts()
    try await owner.ok("CREATE work/sub")
    #expect(try await !bob.ok("LIST \"\" *").contains { $0.contains("Other Users") })
    try await owner.ok("SETACL work/sub bob@example.test lr")
    let lines = try await bob.ok("LIST \"\" *")
    #expect(lines.contains("* LIST (\\HasNoChildren) \"/\" \"Other Users/alice@example.test/work/sub\""))
    #expect(lines.contains("* LIST (\\Noselect \\HasChildren) \"/\" \"Other Users/alice@example.test/work\""))
    #expect(try await bob.ok("LIST \"\" %").contains("* LIST (\\Noselect \\HasChildren) \"/\" \"Other Users\""))
    #expect(try await bob.ok("LIST \"\" \"Other Users/%\"").count == 2)
    #expect(
      try await bob.ok("LIST \"\" \"Other*\" RETURN (STATUS (MESSAGES))").contains(
        "* STATUS \"Other Users/alice@example.test/work/sub\" (MESSAGES 0)"))
    try await bob.ok("SUBSCRIBE \"Other Users/alice@example.test/work/sub\"")
    #expect(
      try await bob.ok("LIST (SUBSCRIBED) \"\" *").contains(
        "* LIST (\\HasNoChildren \\Subscribed) \"/\" \"Other Users/alice@example.test/work/sub\""))
    try await owner.ok("DELETEACL work/sub bob@example.test")
    #expect(try await !bob.ok("LIST \"\" \"Other*\"").contains { $0.contains("sub") })
    await host.stop()
  }

  @Test func readingAndFlags() async throws {
    let (host, owner, bob) = try await hosts()
    try await owner.ok("SETACL work bob@example.test lr")
    let select = try await bob.ok("SELECT \(Self.shared)")
    #expect(select.last?.contains("[READ-ONLY]") == true && select.contains("* 3 EXISTS"))
    #expect(try await bob.ok("FETCH 1 BODY[TEXT]")[0].hasPrefix("* 1 FETCH (BODY[TEXT] {"))
    #expect(try await bob.refused("STORE 1 +FLAGS (\\Seen)").hasPrefix("NO [NOPERM]"))
    // Flags by right; the others stay as they are.
    try await owner.ok("STORE 1 FLAGS (\\Flagged \\Deleted)")
    try await owner.ok("SETACL work bob@example.test lrs")
    let again = try await bob.ok("SELECT \(Self.shared)")
    #expect(again.last?.contains("[READ-WRITE]") == true)
    #expect(again.contains { $0.hasPrefix("* OK [PERMANENTFLAGS (\\Seen)]") })
    #expect(try await bob.ok("STORE 1 FLAGS (\\Seen \\Answered)")[0].contains("(FLAGS (\\Flagged \\Deleted \\Seen"))
    #expect(try await bob.refused("STORE 1 +FLAGS (\\Answered work)").hasPrefix("NO [NOPERM]"))
    #expect(try await bob.refused("EXPUNGE").hasPrefix("NO [NOPERM]"))
    #expect(try await bob.refused("MOVE 1 INBOX").hasPrefix("NO [NOPERM]"))
    try await bob.ok("CLOSE")
    #expect(try await owner.ok("SEARCH DELETED")[0] == "* SEARCH 1")
    try await owner.ok("SETACL work bob@example.test +te")
    try await bob.ok("SELECT \(Self.shared)")
    #expect(try await bob.ok("EXPUNGE")[0] == "* 1 EXPUNGE")
    #expect(try await owner.ok("NOOP").contains("* 1 EXPUNGE"))
    // Both hear of each other's changes.
    try await bob.wire.sendLine("i IDLE")
    try await bob.wire.expect("+ ")
    try await owner.append(rfcMessage)
    try await bob.wire.expect("* 3 EXISTS")
    // A right taken away ends what goes on.
    try await owner.ok("DELETEACL work bob@example.test")
    try await owner.append(rfcMessage)
    while try await !bob.wire.line().hasPrefix("* BYE The owner") {}
    await host.stop()
  }

  @Test func copyingAcrossUsers() async throws {
    let (host, owner, bob) = try await hosts()
    try await owner.ok("SETACL work bob@example.test lri")
    try await bob.append(multipartMessage, to: "INBOX", flags: "\\Seen \\Flagged $Work")
    try await bob.ok("SELECT INBOX")
    #expect(try await bob.ok("COPY 1 \(Self.shared)").last?.contains("[COPYUID ") == true)
    // Without s and w the flags stay behind; APPEND is no different.
    try await owner.ok("NOOP")
    let copied = try await owner.ok("FETCH 4 (FLAGS)")[0]
    #expect(!copied.contains("Seen") && !copied.contains("Flagged") && !copied.contains("$Work"))
    try await bob.ok("APPEND \(Self.shared) (\\Seen \\Deleted) {\(rfcMessage.utf8.count)+}\r\n\(rfcMessage)")
    try await owner.ok("NOOP")
    #expect(try await owner.ok("SEARCH SEEN")[0] == "* SEARCH")
    // Back into one's own mailbox, with all that is there.
    try await owner.ok("STORE 1 +FLAGS (\\Answered $Mine)")
    try await bob.ok("SELECT \(Self.shared)")
    try await bob.ok("COPY 1:3 INBOX")
    try await bob.ok("SELECT INBOX")
    #expect(try await bob.ok("SEARCH KEYWORD $Mine ANSWERED")[0] == "* SEARCH 2")
    #expect(
      try await bob.ok("FETCH 2 BODY.PEEK[]")[0].dropFirst(12) == owner.ok("FETCH 1 BODY.PEEK[]")[0].dropFirst(12))
    try await owner.ok("SETACL work bob@example.test lrswite")
    try await bob.ok("SELECT \(Self.shared)")
    #expect(try await bob.ok("MOVE 2:3 INBOX").contains("* 2 EXPUNGE"))
    try await owner.ok("NOOP")
    #expect(try await owner.ok("UID SEARCH ALL")[0] == "* SEARCH 1 4 5")
    await host.stop()
  }

  @Test func mailboxesBelow() async throws {
    let (host, owner, bob) = try await hosts()
    try await owner.ok("SETACL work bob@example.test lrk")
    try await bob.ok("CREATE \"Other Users/alice@example.test/work/plans\"")
    // What is made below inherits the rights.
    #expect(try await owner.ok("GETACL work/plans")[0].contains("bob@example.test lrk"))
    #expect(try await bob.refused("DELETE \"Other Users/alice@example.test/work/plans\"").hasPrefix("NO [NOPERM]"))
    try await owner.ok("SETACL work/plans bob@example.test +x")
    try await bob.ok(
      "RENAME \"Other Users/alice@example.test/work/plans\" \"Other Users/alice@example.test/work/done\"")
    #expect(try await owner.ok("GETACL work/done")[0].contains("bob@example.test lrkxc"))
    #expect(try await bob.refused("RENAME \"Other Users/alice@example.test/work/done\" mine").hasPrefix("NO [CANNOT]"))
    try await bob.ok("DELETE \"Other Users/alice@example.test/work/done\"")
    #expect(try await owner.refused("SELECT work/done").hasPrefix("NO [NONEXISTENT]"))
    await host.stop()
  }

  @Test func theOwnerPays() async throws {
    let host = try await IMAPHost.start(quota: 25 << 20)
    let owner = try await host.fresh()
    try await owner.ok("SETACL work bob@example.test lrswi")
    let bob = try await host.login("bob")
    try await bob.append(rfcMessage, to: Self.shared)
    let root = try await bob.ok("GETQUOTAROOT \(Self.shared)")
    #expect(root[0] == "* QUOTAROOT \(Self.shared) alice@example.test")
    #expect(root[1].hasPrefix("* QUOTA alice@example.test (STORAGE 1 "))
    #expect(try await bob.ok("GETQUOTAROOT INBOX")[1].contains("STORAGE 0 "))
    #expect(try await bob.refused("APPEND \(Self.shared) {26214400}").hasPrefix("NO [OVERQUOTA]"))
    await host.stop()
  }

  @Test func anAccountMadeAnewHasNoOldRights() async throws {
    let (host, owner, _) = try await hosts()
    try await owner.ok("SETACL work bob@example.test lr")
    _ = try await host.accounts.removeAccount("bob@example.test")
    _ = try await host.accounts.addAccount(
      NewAccount("bob@example.test", password: .clear(Array(IMAPHost.password.utf8))))
    let bob = try await host.login("bob")
    #expect(try await bob.refused("SELECT \(Self.shared)").hasPrefix("NO [NONEXISTENT]"))
    await host.stop()
  }

  /// RFC 4314 section 2: rights for all, and rights taken away from some.
  @Test func everybodyAndEverybodyBut() async throws {
    let (host, owner, bob) = try await hosts()
    _ = try await host.accounts.addAccount(
      NewAccount("carol@example.test", password: .clear(Array(IMAPHost.password.utf8))))
    _ = try await host.accounts.addDomain("other.test", postmaster: .none)
    _ = try await host.accounts.addAccount(
      NewAccount("dora@other.test", password: .clear(Array(IMAPHost.password.utf8))))
    let carol = try await host.login("carol")
    let dora = try await host.connect()
    try await dora.ok("LOGIN dora@other.test \"\(IMAPHost.password)\"")
    try await owner.ok("SETACL work anyone lrs")
    for client in [bob, carol] {
      #expect(try await client.ok("MYRIGHTS \(Self.shared)")[0] == "* MYRIGHTS \(Self.shared) lrs")
      #expect(try await client.ok("LIST \"\" \"*work\"")[0] == "* LIST (\\HasNoChildren) \"/\" \(Self.shared)")
    }
    // Everybody of the owner's domain, and no stranger.
    #expect(try await dora.refused("SELECT \(Self.shared)").hasPrefix("NO [NONEXISTENT]"))
    #expect(try await dora.ok("LIST \"\" \"Other*\"").count == 1)
    try await owner.ok("SETACL work -bob@example.test s")
    try await owner.ok("SETACL work bob@example.test ws")
    #expect(
      try await owner.ok("GETACL work")[0]
        == "* ACL \"work\" alice@example.test lrswipkxteacd -bob@example.test s anyone lrs bob@example.test sw")
    #expect(try await bob.ok("MYRIGHTS \(Self.shared)")[0].hasSuffix(" lrw"))
    try await owner.ok("SETACL work -anyone r")
    #expect(try await bob.refused("SELECT \(Self.shared)").hasPrefix("NO [NOPERM]"))
    #expect(try await carol.ok("MYRIGHTS \(Self.shared)")[0].hasSuffix(" ls"))
    #expect(try await owner.ok("LISTRIGHTS work anyone")[0].hasPrefix("* LISTRIGHTS \"work\" anyone \"\" l r"))
    #expect(try await owner.ok("LISTRIGHTS work -anyone")[0].hasPrefix("* LISTRIGHTS \"work\" -anyone \"\" l r"))
    try await owner.ok("DELETEACL work -anyone")
    #expect(try await carol.ok("SELECT \(Self.shared)").contains("* 3 EXISTS"))
    // An account made anew has no share of what was taken from the old one.
    try await owner.ok("DELETEACL work anyone")
    #expect(try await carol.refused("STORE 1 +FLAGS (\\Seen)").hasPrefix("NO"))
    #expect(try await bob.refused("MYRIGHTS \(Self.shared)").hasPrefix("NO [NONEXISTENT]"))
    // Section 4: one of l, r, i, k, x and a is enough to be told.
    try await owner.ok("SETACL work bob@example.test +i")
    #expect(try await bob.ok("MYRIGHTS \(Self.shared)")[0].hasSuffix(" wi"))
    await host.stop()
  }

  /// RFC 5464 section 3.3: the shared entries of a mailbox are there for all who may use it, private ones for each.
  @Test func metadataOfOthers() async throws {
    let (host, owner, bob) = try await hosts()
    try await owner.ok("SETMETADATA work (/shared/comment \"ours\" /private/comment \"mine\")")
    try await owner.ok("SETACL work bob@example.test l")
    #expect(try await bob.refused("GETMETADATA \(Self.shared) /shared/comment").hasPrefix("NO [NOPERM]"))
    #expect(try await bob.ok("LIST \"\" \"*work\" RETURN (METADATA (/shared/comment))").count == 2)
    try await owner.ok("SETACL work bob@example.test lr")
    #expect(
      try await bob.ok("GETMETADATA \(Self.shared) (/shared/comment /private/comment)")[0]
        == "* METADATA \(Self.shared) (/shared/comment \"ours\")")
    try await bob.ok("SETMETADATA \(Self.shared) (/private/comment \"bob's\")")
    #expect(try await bob.refused("SETMETADATA \(Self.shared) (/shared/comment \"x\")").hasPrefix("NO [NOPERM]"))
    #expect(
      try await bob.ok("LIST \"\" \"*work\" RETURN (METADATA (/private/comment /shared/comment))").contains(
        "* METADATA \(Self.shared) (/private/comment \"bob's\" /shared/comment \"ours\")"))
    try await owner.ok("SETACL work bob@example.test +w")
    try await bob.ok("SETMETADATA \(Self.shared) (/shared/comment \"all's\" /private/comment \"still bob's\")")
    #expect(
      try await owner.ok("GETMETADATA work (/shared/comment /private/comment)")[0]
        == "* METADATA \"work\" (/private/comment \"mine\" /shared/comment \"all's\")")
    // They go with the mailbox when its owner renames it, and a new one of the name has none.
    try await owner.ok("RENAME work play")
    #expect(
      try await bob.ok("GETMETADATA \"Other Users/alice@example.test/play\" /private/comment")[0].contains("still bob"))
    try await owner.ok("CREATE work")
    try await owner.ok("SETACL work bob@example.test lr")
    #expect(try await bob.ok("GETMETADATA \(Self.shared) /private/comment").count == 1)
    await host.stop()
  }
}
