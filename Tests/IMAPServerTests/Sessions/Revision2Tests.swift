import Testing
import WireTesting

@testable import IMAPServer

@Suite struct Revision2Tests {
  @Test func binaryPartsComeDecoded() async throws {
    let host = try await IMAPHost.start()
    let client = try await host.fresh()
    try await client.append(multipartMessage)
    let part = try await client.ok("FETCH 1 (BINARY.PEEK[1] BINARY.SIZE[1])")
    #expect(part[0] == "* 1 FETCH (BINARY[1] {8}\r\nGrüße! BINARY.SIZE[1] 8)")
    #expect(try await client.ok("FETCH 1 BINARY.PEEK[1]<1.1>")[0] == "* 1 FETCH (BINARY[1]<1> {1}\r\nr)")
    #expect(try await client.ok("FETCH 1 BINARY.PEEK[9]")[0] == "* 1 FETCH (BINARY[9] NIL)")
    #expect(try await client.ok("FETCH 1 BINARY[1]")[0].contains("FLAGS (\\Seen"))
    try await client.append(
      "MIME-Version: 1.0\r\nContent-Type: application/x\r\nContent-Transfer-Encoding: x-odd\r\n\r\n???\r\n")
    #expect(try await client.refused("FETCH 2 BINARY.PEEK[1]").hasPrefix("NO [UNKNOWN-CTE]"))
    try await client.append(
      "MIME-Version: 1.0\r\nContent-Type: application/x\r\nContent-Transfer-Encoding: base64\r\n\r\nAAEC\r\n")
    #expect(try await client.ok("FETCH 3 BINARY.PEEK[1]")[0] == "* 3 FETCH (BINARY[1] ~{3}\r\n\0\u{1}\u{2})")
    await host.stop()
  }

  @Test func binaryLiteralsInAppend() async throws {
    let host = try await IMAPHost.start()
    let client = try await host.fresh()
    try await client.ok("APPEND work ~{\(rfcMessage.utf8.count)+}\r\n\(rfcMessage)")
    // Where no encoding can stand: in a header.
    #expect(try await client.refused("APPEND work ~{5+}\r\na\r\n\0b").hasPrefix("NO [UNKNOWN-CTE]"))
    #expect(try await client.refused("APPEND work {8+}\r\na: b\r\n\r\n\0").hasPrefix("BAD "))
    #expect(try await client.refused("SELECT ~{4+}\r\nwork").hasPrefix("BAD"))
    #expect(try await client.ok("STATUS work (MESSAGES)")[0].contains("MESSAGES 1"))
    await host.stop()
  }

  @Test func enablingRevision2() async throws {
    let host = try await IMAPHost.start()
    let client = try await host.login()
    try await client.ok("CREATE \"Entw&APw-rfe\"")
    #expect(try await client.ok("ENABLE IMAP4rev2")[0] == "* ENABLED IMAP4rev2")
    try await client.append(rfcMessage, to: "\"Entw\u{fc}rfe\"")
    let select = try await client.ok("SELECT \"Entw\u{fc}rfe\"")
    #expect(select.contains("* LIST () \"/\" \"Entw\u{fc}rfe\""))
    #expect(!select.contains { $0.hasSuffix(" RECENT") || $0.contains("[UNSEEN") })
    #expect(try await !client.ok("FETCH 1 FLAGS")[0].contains("\\Recent"))
    #expect(try await client.ok("SEARCH ALL")[0].hasSuffix(") ALL 1"))
    #expect(try await client.ok("UID SEARCH ALL")[0].hasSuffix(") UID ALL 1"))
    #expect(try await client.ok("LIST \"\" Entw*")[0].hasSuffix("\"Entw\u{fc}rfe\""))
    #expect(
      try await client.ok("STATUS \"Entw\u{fc}rfe\" (DELETED SIZE)")[0].contains(
        "(DELETED 0 SIZE \(rfcMessage.utf8.count))"))
    await host.stop()
  }
}
