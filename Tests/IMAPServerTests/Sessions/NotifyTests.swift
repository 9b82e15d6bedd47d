import MailStore
import Testing
import WireTesting

@testable import IMAPServer

@Suite struct NotifyTests {
  @Test func newsBetweenCommands() async throws {
    let host = try await IMAPHost.start()
    let client = try await host.fresh()
    try await client.ok("CREATE other")
    let writer = try await host.login()
    // RFC 5465 section 3.1, examples.
    try await client.ok(
      "NOTIFY SET (selected (MessageNew (UID BODY.PEEK[HEADER.FIELDS (Subject)]) MessageExpunge FlagChange)) (personal (MessageNew MessageExpunge))"
    )
    try await writer.append(rfcMessage)
    try await client.wire.expect("* 1 EXISTS")
    try await client.wire.expect("* 1 RECENT")
    #expect(
      try await client.response()
        == "* 1 FETCH (UID 1 BODY[HEADER.FIELDS (Subject)] {30}\r\nSubject: afternoon meeting\r\n\r\n)")
    try await writer.ok("SELECT work")
    try await writer.ok("STORE 1 +FLAGS (\\Deleted)")
    try await client.wire.expect("* 1 FETCH (FLAGS (\\Deleted")
    try await writer.ok("EXPUNGE")
    try await client.wire.expect("* 1 EXPUNGE")
    try await client.wire.expect("* 0 RECENT")
    try await writer.append(rfcMessage, to: "other")
    let status = try await client.response()
    #expect(status.hasPrefix("* STATUS \"other\" (MESSAGES 1 UIDNEXT 2 UIDVALIDITY ") && status.contains("UNSEEN 1"))
    // FlagChange was not asked for there.
    try await writer.ok("SELECT other")
    try await writer.ok("STORE 1 +FLAGS (\\Seen)")
    // A mailbox made later is personal too.
    try await writer.ok("CREATE later")
    _ = try await host.store.deliver(
      .bytes(Array(rfcMessage.utf8)), to: host.mail("alice"), folder: try MailboxName("later"))
    #expect(try await client.response().hasPrefix("* STATUS \"later\" (MESSAGES 1 "))
    #expect(try await client.wire.isSilent())
    try await client.ok("NOTIFY NONE")
    try await writer.append(rfcMessage, to: "other")
    #expect(try await client.wire.isSilent())
    #expect(try await client.ok("NOOP").count == 1)
    await host.stop()
  }

  /// Mail that was in a mailbox before anybody listened to it there.
  @Test func mailThatComesWithItsMailbox() async throws {
    let host = try await IMAPHost.start()
    let client = try await host.login()
    let writer = try await host.login()
    try await writer.ok("CREATE lists")
    try await writer.ok("CREATE elsewhere")
    try await writer.append(rfcMessage, to: "elsewhere")
    try await client.ok("NOTIFY SET (subtree lists (MessageNew MessageExpunge))")
    try await writer.ok("RENAME elsewhere lists/here")
    #expect(try await client.response().hasPrefix("* STATUS \"lists/here\" (MESSAGES 1 "))
    try await writer.append(rfcMessage, to: "lists/here")
    #expect(try await client.response().hasPrefix("* STATUS \"lists/here\" (MESSAGES 2 "))
    await host.stop()
  }

  /// Other users' mailboxes, as long as they may be read (RFC 5465 section 6).
  @Test func newsOfSharedMailboxes() async throws {
    let host = try await IMAPHost.start()
    let owner = try await host.fresh()
    try await owner.ok("SETACL work bob@example.test lr")
    let bob = try await host.login("bob")
    let shared = "\"Other Users/alice@example.test/work\""
    try await bob.ok("NOTIFY SET (mailboxes \(shared) (MessageNew MessageExpunge))")
    try await owner.append(rfcMessage)
    #expect(try await bob.response().hasPrefix("* STATUS \(shared) (MESSAGES 1 "))
    try await bob.ok("NOTIFY SET (subtree \"Other Users\" (MessageNew MessageExpunge)) (personal NONE)")
    try await owner.append(rfcMessage)
    #expect(try await bob.response().hasPrefix("* STATUS \(shared) (MESSAGES 2 "))
    try await bob.ok("SUBSCRIBE \(shared)")
    let lines = try await bob.ok("NOTIFY SET STATUS (subscribed (MessageNew MessageExpunge))")
    #expect(lines.contains { $0.hasPrefix("* STATUS \(shared) (MESSAGES 2 ") })
    try await owner.ok("DELETEACL work bob@example.test")
    try await owner.append(rfcMessage)
    #expect(try await bob.wire.isSilent())
    // What is one's own is not meant by "personal" for others.
    try await owner.ok("SETACL work bob@example.test lr")
    try await bob.ok("NOTIFY SET (personal (MessageNew MessageExpunge))")
    try await owner.append(rfcMessage)
    #expect(try await bob.wire.isSilent())
    await host.stop()
  }

  @Test func namesSubscriptionsAndMetadata() async throws {
    let host = try await IMAPHost.start()
    let client = try await host.login()
    let writer = try await host.login()
    try await client.ok(
      "NOTIFY SET (personal (MailboxName SubscriptionChange MailboxMetadataChange ServerMetadataChange))")
    try await writer.ok("CREATE a")
    #expect(try await client.response() == "* LIST (\\HasNoChildren) \"/\" \"a\"")
    try await writer.ok("CREATE a/b")
    _ = try await client.response()
    // Section 5.4: the old name comes along.
    try await writer.ok("RENAME a c")
    #expect(try await client.response() == "* LIST (\\HasChildren) \"/\" \"c\" (\"OLDNAME\" (\"a\"))")
    #expect(try await client.response() == "* LIST (\\HasNoChildren) \"/\" \"c/b\" (\"OLDNAME\" (\"a/b\"))")
    try await writer.ok("SUBSCRIBE c")
    #expect(try await client.response() == "* LIST (\\HasChildren \\Subscribed) \"/\" \"c\"")
    try await writer.ok("UNSUBSCRIBE c")
    #expect(try await client.response() == "* LIST (\\HasChildren) \"/\" \"c\"")
    try await writer.ok("SETMETADATA c (/shared/comment \"x\" /private/comment \"y\")")
    #expect(try await client.response() == "* METADATA \"c\" /private/comment /shared/comment")
    try await writer.ok("SETMETADATA \"\" (/private/comment \"y\")")
    #expect(try await client.response() == "* METADATA \"\" /private/comment")
    try await writer.ok("DELETE c/b")
    #expect(try await client.response() == "* LIST (\\NonExistent) \"/\" \"c/b\"")
    // What this client does itself it knows.
    #expect(try await client.ok("CREATE own").count == 1)
    #expect(try await client.wire.isSilent())
    await host.stop()
  }

  @Test func manyMailboxesAreWatchedFromAfar() async throws {
    let host = try await IMAPHost.start { $0.notifiedClosely = 3 }
    let client = try await host.fresh()
    let writer = try await host.login()
    for number in 0..<20 { try await writer.ok("CREATE many/\(number)") }
    try await client.ok(
      "NOTIFY SET (selected (MessageNew MessageExpunge)) (personal (MessageNew MessageExpunge FlagChange))")
    try await writer.append(rfcMessage, to: "many/7")
    #expect(try await client.response().hasPrefix("* STATUS \"many/7\" (MESSAGES 1 "))
    try await writer.ok("SELECT many/7")
    try await writer.ok("STORE 1 +FLAGS (\\Seen)")
    #expect(try await client.response().contains("\"many/7\" (MESSAGES 1 UIDNEXT 2 "))
    _ = try await host.store.deliver(.bytes(Array(rfcMessage.utf8)), to: host.mail("alice"))
    #expect(try await client.response().hasPrefix("* STATUS \"INBOX\" (MESSAGES 1 "))
    try await writer.append(rfcMessage)
    try await client.wire.expect("* 1 EXISTS")
    await host.stop()
  }

  /// RFC 7377 section 3 adds `subtree-one` to the filters of RFC 5465.
  @Test func aLevelAndWhatIsDirectlyBelow() async throws {
    let host = try await IMAPHost.start()
    let client = try await host.login()
    let writer = try await host.login()
    for name in ["a", "a/b", "a/b/c", "ab"] { try await writer.ok("CREATE \(name)") }
    for (filter, expected) in [("subtree-one a", ["a", "a/b"]), ("subtree a", ["a", "a/b", "a/b/c"])] {
      let lines = try await client.ok("NOTIFY SET STATUS (\(filter) (MessageNew MessageExpunge))")
      #expect(lines.dropLast().map { String($0.split(separator: "\"")[1]) } == expected)
    }
    try await client.ok("NOTIFY SET (subtree-one a (MessageNew MessageExpunge))")
    for name in ["ab", "a/b/c", "a/b"] { try await writer.append(rfcMessage, to: name) }
    #expect(try await client.response().hasPrefix("* STATUS \"a/b\" (MESSAGES 1 "))
    #expect(try await client.wire.isSilent())
    await host.stop()
  }

  @Test func statusAtTheBeginningAndDuringIdle() async throws {
    let host = try await IMAPHost.start()
    let client = try await host.fresh()
    let writer = try await host.login()
    for name in ["misc", "Lists", "Lists/Lemonade"] { try await writer.ok("CREATE \(name)") }
    try await client.ok("ENABLE CONDSTORE")
    let lines = try await client.ok(
      "NOTIFY SET STATUS (selected-delayed (MessageNew MessageExpunge)) (subtree Lists (MessageNew MessageExpunge FlagChange)) (mailboxes misc NONE) (personal (MessageNew MessageExpunge))"
    )
    let told = lines.dropLast().map { $0.split(separator: "\"")[1] }
    #expect(told.contains("Lists") && told.contains("Lists/Lemonade") && told.contains("INBOX"))
    #expect(!told.contains("misc") && !told.contains("work"))
    #expect(lines[0].contains("HIGHESTMODSEQ"))
    try await client.wire.sendLine("i IDLE")
    try await client.wire.expect("+ ")
    try await writer.append(rfcMessage, to: "Lists/Lemonade")
    try await client.wire.expect("* STATUS \"Lists/Lemonade\" (MESSAGES 1 ")
    try await writer.ok("SELECT Lists/Lemonade")
    try await writer.ok("STORE 1 +FLAGS (\\Seen)")
    #expect(try await client.response().contains("UNSEEN 0"))
    try await writer.append(rfcMessage, to: "misc")
    try await writer.append(rfcMessage)
    try await client.wire.expect("* 1 EXISTS")
    try await client.wire.expect("* 1 RECENT")
    try await writer.ok("SELECT work")
    try await writer.ok("STORE 1 +FLAGS (\\Deleted)")
    try await writer.ok("EXPUNGE")
    // Held back until a command lets it through.
    #expect(try await client.wire.isSilent())
    try await client.wire.sendLine("DONE")
    _ = try await client.answer("i")
    #expect(try await client.ok("NOOP").contains("* 1 EXPUNGE"))
    // The mailbox that is selected no more is one of the others.
    try await client.ok("UNSELECT")
    try await writer.append(rfcMessage)
    try await client.wire.expect("* STATUS \"work\" (MESSAGES 1 ")
    await host.stop()
  }

  @Test func whatCannotBe() async throws {
    let host = try await IMAPHost.start { $0.notifiedMailboxes = 2 }
    let client = try await host.login()
    for command in [
      "NOTIFY SET (personal (MessageNew))", "NOTIFY SET (personal (FlagChange))", "NOTIFY SET (selected (MailboxName))",
      "NOTIFY SET (personal (MessageNew (FLAGS) MessageExpunge))", "NOTIFY SET", "NOTIFY", "NOTIFY SET (nobody NONE)",
      "NOTIFY SET (selected NONE) (selected-delayed NONE)", "NOTIFY SET (subtree-one (MessageNew MessageExpunge))",
    ] {
      #expect(try await client.refused(command).hasPrefix("BAD"), "\(command)")
    }
    #expect(
      try await client.refused("NOTIFY SET (personal (MessageNew MessageExpunge AnnotationChange))").hasPrefix(
        "NO [BADEVENT (MessageNew "))
    #expect(
      try await client.refused("NOTIFY SET (personal (MessageNew MessageExpunge))").hasPrefix(
        "NO [NOTIFICATIONOVERFLOW]"))
    try await client.ok("NOTIFY SET (mailboxes (INBOX Sent) (MessageNew MessageExpunge))")
    await host.stop()
  }
}
