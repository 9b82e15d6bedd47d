import Testing
import WireTesting

@testable import IMAPServer

@Suite struct FolderTests {
  @Test func createListRenameDelete() async throws {
    let host = try await IMAPHost.start()
    let client = try await host.login()
    try await client.ok("CREATE a/b/c")
    try await client.ok("CREATE trailing/")
    let all = try await client.ok("LIST \"\" *")
    #expect(all.contains { $0.hasPrefix("* LIST (") && $0.hasSuffix(" \"/\" \"a/b/c\"") })
    #expect(all.contains { $0.hasSuffix("\"INBOX\"") } && all.contains { $0.hasSuffix("\"trailing\"") })
    let top = try await client.ok("LIST \"\" a%")
    #expect(top.count == 2 && top[0].contains("\\HasChildren"))
    #expect(try await client.ok("LIST a/ %")[0].hasSuffix("\"a/b\""))
    #expect(try await client.ok("LIST \"\" \"\"")[0] == "* LIST (\\Noselect) \"/\" \"\"")
    #expect(try await client.refused("CREATE a/b/c").hasPrefix("NO [ALREADYEXISTS]"))
    #expect(try await client.refused("CREATE inbox").hasPrefix("NO [ALREADYEXISTS]"))
    #expect(try await client.refused("DELETE nothing").hasPrefix("NO [NONEXISTENT]"))
    #expect(try await client.refused("DELETE INBOX").hasPrefix("NO [CANNOT]"))
    #expect(try await client.refused("SELECT nothing").hasPrefix("NO [NONEXISTENT]"))
    try await client.ok("RENAME a z/y")
    let renamed = try await client.ok("LIST \"\" *")
    #expect(renamed.contains { $0.hasSuffix("\"z/y/b/c\"") } && !renamed.contains { $0.hasSuffix("\"a/b/c\"") })
    try await client.ok("DELETE z/y/b/c")
    #expect(try await !client.ok("LIST \"\" *").contains { $0.hasSuffix("\"z/y/b/c\"") })
    await host.stop()
  }

  @Test func namesInModifiedUTF7GoBothWays() async throws {
    let host = try await IMAPHost.start()
    let client = try await host.login()
    for name in ["Entw&APw-rfe &ZeVnLA- &- Co", "&-", "a &- b", "~tilde", "&Jjo-!", "x.y..z", "...", "100%25"] {
      guard !name.contains("%") else { continue }
      try await client.ok("CREATE \"\(name)\"")
      #expect(try await client.ok("LIST \"\" \"\(name)\"")[0].hasSuffix("\"\(name)\""), "\(name)")
      try await client.ok("STATUS \"\(name)\" (MESSAGES)")
      try await client.ok("SUBSCRIBE \"\(name)\"")
      #expect(try await client.ok("LSUB \"\" \"\(name)\"")[0].hasSuffix("\"\(name)\""))
      try await client.ok("DELETE \"\(name)\"")
    }
    for bad in ["&AGE-", "&Jjo", "&", "a&b", "&AOk-&AOk-", "&2D0-", "/", "a//b", "/a", "\u{e9}"] {
      #expect(try await client.refused("CREATE \"\(bad)\"").hasPrefix("NO"), "\(bad)")
    }
    await host.stop()
  }

  @Test func pathsNeverLeaveTheAccount() async throws {
    let host = try await IMAPHost.start()
    let bob = try await host.login("bob")
    try await bob.append("Subject: private\r\n\r\nbob's\r\n", to: "INBOX")
    let client = try await host.login()
    for name in ["..", "../bob", "../../bob/Maildir", "a/../../b", "~bob", "~/x", "cur", "new", "tmp", ".", "..bob"] {
      let created = try await client.run("CREATE \"\(name)\"")
      let selected = try await client.run("SELECT \"\(name)\"")
      #expect(!selected.contains { $0.contains("1 EXISTS") }, "\(name): \(created) \(selected)")
    }
    #expect(try await client.refused("SELECT \"a\\\\b/../../bob\"").hasPrefix("NO"))
    await host.stop()
  }

  @Test func subscriptionsOutliveTheirFolder() async throws {
    let host = try await IMAPHost.start()
    let client = try await host.login()
    try await client.ok("CREATE foo/bar")
    try await client.ok("SUBSCRIBE foo/bar")
    #expect(try await client.ok("LSUB \"\" foo/%").first == "* LSUB () \"/\" \"foo/bar\"")
    #expect(try await client.ok("LSUB \"\" f%").first == "* LSUB (\\Noselect) \"/\" \"foo\"")
    try await client.ok("DELETE foo/bar")
    #expect(try await client.ok("LSUB \"\" foo/*").first == "* LSUB () \"/\" \"foo/bar\"")
    let list = try await client.ok("LIST (SUBSCRIBED) \"\" foo/*")
    #expect(list[0].contains("\\NonExistent") && list[0].contains("\\Subscribed"))
    try await client.ok("UNSUBSCRIBE foo/bar")
    #expect(try await client.ok("LSUB \"\" foo/*").count == 1)
    await host.stop()
  }

  @Test func extendedListWithStatusAndSpecialUse() async throws {
    let host = try await IMAPHost.start()
    let client = try await host.login()
    try await client.ok("CREATE Arch (USE (\\Archive))")
    #expect(try await client.refused("CREATE Every (USE (\\All))").hasPrefix("NO [USEATTR]"))
    let special = try await client.ok("LIST (SPECIAL-USE) \"\" *")
    #expect(special.contains { $0.contains("\\Archive") && $0.hasSuffix("\"Arch\"") })
    #expect(special.contains { $0.contains("\\Sent") })
    #expect(!special.contains { $0.hasSuffix("\"INBOX\"") })
    let status = try await client.ok("LIST \"\" (INBOX Arch) RETURN (STATUS (MESSAGES UNSEEN))")
    #expect(status.contains("* STATUS \"Arch\" (MESSAGES 0 UNSEEN 0)"))
    try await client.ok("CREATE p/q")
    try await client.ok("SUBSCRIBE p/q")
    let recursive = try await client.ok("LIST (SUBSCRIBED RECURSIVEMATCH) \"\" p")
    #expect(recursive[0].hasSuffix("\"p\" (CHILDINFO (\"SUBSCRIBED\"))"))
    await host.stop()
  }

  @Test func quotaIsShownPerAccount() async throws {
    let host = try await IMAPHost.start(quota: 25 << 20)
    let client = try await host.login()
    let lines = try await client.ok("GETQUOTAROOT INBOX")
    #expect(lines[0] == "* QUOTAROOT \"INBOX\" alice@example.test")
    #expect(lines[1].hasPrefix("* QUOTA alice@example.test (STORAGE ") && lines[1].contains(" 25600"))
    try await client.ok("GETQUOTA alice@example.test")
    #expect(try await client.refused("GETQUOTA bob@example.test").hasPrefix("NO [NONEXISTENT]"))
    #expect(try await client.refused("SETQUOTA alice@example.test (STORAGE 1)").hasPrefix("NO [NOPERM]"))
    await host.stop()
  }
}
