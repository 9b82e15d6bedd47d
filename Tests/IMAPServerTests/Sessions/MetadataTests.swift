import Testing
import WireTesting

@testable import IMAPServer

@Suite struct MetadataTests {
  @Test func settingAndGetting() async throws {
    let host = try await IMAPHost.start()
    let client = try await host.login()
    // RFC 5464 section 4.3.
    try await client.ok("SETMETADATA INBOX (/private/comment {18+}\r\nMy new comment\r\n\"\\)")
    try await client.ok("SETMETADATA INBOX (/private/Comment \"My comment\" /shared/comment \"Ours\")")
    #expect(
      try await client.ok("GETMETADATA \"INBOX\" /shared/comment")[0]
        == "* METADATA \"INBOX\" (/shared/comment \"Ours\")")
    #expect(
      try await client.ok("GETMETADATA \"INBOX\" (/shared/comment /private/comment /private/none)")[0]
        == "* METADATA \"INBOX\" (/private/comment \"My comment\" /shared/comment \"Ours\")")
    try await client.ok("SETMETADATA INBOX (/private/comment NIL)")
    #expect(try await client.ok("GETMETADATA INBOX /private/comment").count == 1)
    // Any octets; the account's own entries.
    try await client.ok("SETMETADATA \"\" (/private/vendor/x ~{5+}\r\na\0b\r\n)")
    #expect(
      try await client.ok("GETMETADATA \"\" /private/vendor/x")[0]
        == "* METADATA \"\" (/private/vendor/x ~{5}\r\na\0b\r\n)")
    #expect(try await client.refused("SETMETADATA \"\" (/shared/comment \"x\")").hasPrefix("NO [NOPERM]"))
    #expect(try await client.refused("GETMETADATA nowhere /private/x").hasPrefix("NO [NONEXISTENT]"))
    for command in [
      "SETMETADATA INBOX (/public/x \"y\")", "SETMETADATA INBOX (/private \"y\")x",
      "SETMETADATA INBOX (/private//x \"y\")",
      "SETMETADATA INBOX (/private/x/ \"y\")", "GETMETADATA INBOX /private/*", "SETMETADATA INBOX ()",
      "GETMETADATA (DEPTH 2) INBOX /private/x", "GETMETADATA INBOX",
    ] {
      #expect(try await client.refused(command).hasPrefix("BAD"), "\(command)")
    }
    await host.stop()
  }

  @Test func depthAndSize() async throws {
    let host = try await IMAPHost.start()
    let client = try await host.login()
    try await client.ok(
      "SETMETADATA INBOX (/private/filters/values/small \"SMALLER 5000\" /private/filters/values/boss \"FROM boss\" /private/filters/values/boss/x \"1\" /private/filters/valuesx \"no\")"
    )
    #expect(
      try await client.ok("GETMETADATA (DEPTH 1) \"INBOX\" (/private/filters/values)")[0]
        == "* METADATA \"INBOX\" (/private/filters/values/boss \"FROM boss\" /private/filters/values/small \"SMALLER 5000\")"
    )
    #expect(
      try await client.ok("GETMETADATA INBOX (DEPTH infinity) /private/filters/values")[0].contains(
        "values/boss/x \"1\""))
    let sized = try await client.ok(
      "GETMETADATA \"INBOX\" (MAXSIZE 10) (/private/filters/values/small /private/filters/values/boss)")
    #expect(sized[0] == "* METADATA \"INBOX\" (/private/filters/values/boss \"FROM boss\")")
    #expect(sized[1].contains("OK [METADATA LONGENTRIES 12]"))
    await host.stop()
  }

  @Test func bounds() async throws {
    let host = try await IMAPHost.start {
      $0.metadataValue = 100
      $0.metadataEntries = 2
    }
    let client = try await host.login()
    let long = String(repeating: "x", count: 101)
    #expect(
      try await client.refused("SETMETADATA INBOX (/private/a \"\(long)\")").hasPrefix("NO [METADATA MAXSIZE 100]"))
    try await client.ok("SETMETADATA INBOX (/private/a \"1\" /private/b \"2\")")
    #expect(try await client.refused("SETMETADATA INBOX (/private/c \"3\")").hasPrefix("NO [METADATA TOOMANY]"))
    try await client.ok("SETMETADATA INBOX (/private/a NIL /private/c \"3\")")
    await host.stop()
  }

  @Test func entriesInLists() async throws {
    let host = try await IMAPHost.start()
    let client = try await host.login()
    try await client.ok("CREATE foo")
    try await client.ok("SETMETADATA foo (/shared/vendor/cmu/cyrus-imapd/color \"#b71c1c\")")
    try await client.ok("SUBSCRIBE gone")
    // RFC 9590 section 5.
    let lines = try await client.ok(
      "LIST \"\" (foo INBOX gone) RETURN (METADATA (/shared/vendor/cmu/cyrus-imapd/color))")
    #expect(lines.contains("* METADATA \"foo\" (/shared/vendor/cmu/cyrus-imapd/color \"#b71c1c\")"))
    #expect(lines.contains("* METADATA \"INBOX\" (/shared/vendor/cmu/cyrus-imapd/color NIL)"))
    #expect(!lines.contains { $0.hasPrefix("* METADATA \"gone\"") })
    try await client.ok("RENAME foo bar")
    #expect(try await client.ok("GETMETADATA bar /shared/vendor/cmu/cyrus-imapd/color")[0].contains("#b71c1c"))
    await host.stop()
  }
}
