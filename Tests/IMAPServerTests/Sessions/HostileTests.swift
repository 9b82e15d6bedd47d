import Testing
import WireTesting

@testable import IMAPServer

@Suite struct HostileTests {
  @Test func beforeLoginLinesAndLiteralsAreShort() async throws {
    let host = try await IMAPHost.start()
    let client = try await host.connect()
    #expect(try await client.refused("LOGIN {8193}").hasPrefix("BAD [TOOBIG]"))
    #expect(try await client.refused("LOGIN {99999999999999999999}").hasPrefix("BAD [TOOBIG]"))
    let long = try await host.connect()
    try await long.wire.send("a LOGIN " + String(repeating: "x", count: 60_000) + "\r\n")
    try await long.wire.expect("a BAD Command line too long")
    let huge = try await host.connect()
    try await huge.wire.sendLine("a LOGIN {100000000+}")
    try await huge.wire.expect("* BYE [TOOBIG]")
    let swallowed = try await host.connect()
    let evil = String(repeating: "x LOGOUT\r\n", count: 1000)
    #expect(try await swallowed.refused("LOGIN {\(evil.utf8.count)+}\r\n\(evil) y").hasPrefix("BAD"))
    let append = try await host.connect()
    #expect(try await append.refused("APPEND INBOX {99999}").hasPrefix("BAD"))
    await host.stop()
  }

  @Test func afterLoginLiteralsAreBoundedInAll() async throws {
    let host = try await IMAPHost.start()
    let client = try await host.login()
    #expect(try await client.refused("SELECT {1048577}").hasPrefix("BAD [TOOBIG]"))
    #expect(try await client.refused("SELECT {100000000}").hasPrefix("BAD [TOOBIG]"))
    let evil = String(repeating: "x LOGOUT\r\n", count: 200_000)
    #expect(try await client.refused("SELECT {\(evil.utf8.count)+}\r\n\(evil)").hasPrefix("BAD [TOOBIG]"))
    try await client.wire.send("many SEARCH")
    for _ in 0..<1200 { try await client.wire.send(" TEXT {1000+}\r\n" + String(repeating: "y", count: 1000)) }
    try await client.wire.send("\r\n")
    #expect(try await client.answer("many").last?.hasPrefix("many BAD") == true)
    try await client.wire.sendLine("a SELECT {99999999999+}")
    try await client.wire.expect("* BYE")
    await host.stop()
  }

  @Test func aLiteralBehindAnOverlongLineIsNeverRun() async throws {
    let host = try await IMAPHost.start()
    let client = try await host.fresh()
    func long(_ count: Int) -> String { String(repeating: "y", count: count) }
    let evil = "{17+}\r\nx DELETE work\r\n z"
    for command in [
      "SEARCH TEXT \(long(70_000)) TEXT \(evil)",
      "SEARCH TEXT {1+}\r\ny TEXT \(long(70_000)) TEXT \(evil)",
      "SEARCH TEXT \(long(40_000)) TEXT {1+}\r\ny TEXT \(long(40_000)) TEXT \(evil)",
      "SEARCH TEXT \(long(70_000)) TEXT {1+}\r\ny TEXT \(long(70_000)) TEXT \(evil)",
      "APPEND work {1+}\r\nx (\(long(70_000))) \(evil)",
    ] {
      #expect(try await client.refused(command) == "BAD Command line too long")
      #expect(try await client.ok("NOOP").count == 1, "\(command.prefix(40))")
    }
    let other = try await host.connect()
    #expect(try await other.refused("ID (\"a\" \"\(long(9_000))\" \"b\" \(evil)") == "BAD Command line too long")
    #expect(try await other.ok("NOOP").count == 1)
    try await client.ok("STATUS work (MESSAGES)")
    await host.stop()
  }

  @Test func bombsAreAnswered() async throws {
    let host = try await IMAPHost.start()
    let client = try await host.fresh()
    for _ in 0..<3 { try await client.append(rfcMessage) }
    func many(_ text: String, _ count: Int) -> String { String(repeating: text, count: count) }
    func list(_ text: String, _ count: Int, _ separator: String) -> String {
      Array(repeating: text, count: count).joined(separator: separator)
    }
    var commands: [String] = []
    commands.append("SEARCH \(many("(", 30_000))")
    commands.append("SEARCH \(many("NOT ", 15_000))ALL")
    commands.append("SEARCH \(many("OR ALL ", 9_000))ALL")
    commands.append("FETCH 1 BODY[\(list("1", 30_000, "."))]")
    commands.append("FETCH 1 \(many("(", 60_000))")
    commands.append("FETCH \(list("1:*", 16_000, ",")) FLAGS")
    commands.append("UID FETCH \(list("1:4294967295", 5_000, ",")) UID")
    commands.append("LIST \"\" \(many("%*", 30_000))")
    commands.append("LIST \"\" \"\(many("*a", 400))\"")
    commands.append("LIST \"\" (\(list("*\(many("a*", 400))", 80, " ")))")
    commands.append("LOGIN \"a\0b\" c")
    commands.append("SELECT \"a\0b\"")
    commands.append("SELECT {3+}\r\na\0b")
    commands.append("FETCH 99999999999999999999 FLAGS")
    commands.append("STORE 1 +FLAGS (\(many("x", 5000)))")
    commands.append("ENABLE \(many("x ", 30_000))")
    for command in commands {
      let start = ContinuousClock.now
      _ = try await client.run(command)
      #expect(ContinuousClock.now - start < .seconds(20), "\(command.prefix(40))")
    }
    #expect(try await client.ok("FETCH 1:4294967295 UID").count == 4)
    #expect(try await client.ok("UID SEARCH 1:4294967295")[0] == "* SEARCH 1 2 3")
    await host.stop()
  }

  @Test func nonsenseEndsTheSession() async throws {
    let host = try await IMAPHost.start()
    let client = try await host.login()
    for _ in 0..<20 { #expect(try await client.refused("BOGUS").hasPrefix("BAD")) }
    try await client.wire.expect("* BYE Too many")
    try await client.wire.expectEnd()
    let web = try await host.connect()
    try await web.wire.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n\r\n")
    let rest = String(decoding: try await web.wire.bytesToEnd(), as: UTF8.self)
    #expect(rest.contains("* BYE"))
    await host.stop()
  }

  @Test func headersCannotBreakResponses() async throws {
    let host = try await IMAPHost.start()
    let client = try await host.fresh()
    try await client.append(
      "Subject: \"x\\\" ) * 5 EXPUNGE\r\n continued\r\nFrom: \"a\\\"b\" <x\"@y>\r\nMessage-ID: <a\"b\\c@d>\r\nContent-Type: text/plain; name=\"a\\\"\r\n b\"\r\n\r\nx"
    )
    let lines = try await client.ok("FETCH 1 (ENVELOPE BODYSTRUCTURE BODY)")
    #expect(lines.count == 2 && lines[0].hasSuffix(")"))
    await host.stop()
  }

  @Test func aFullMailboxRefusesAndStillServes() async throws {
    let host = try await IMAPHost.start(quota: 25 << 20)
    let client = try await host.fresh()
    #expect(try await client.refused("APPEND work {\(26 << 20)}").hasPrefix("NO [OVERQUOTA]"))
    try await client.append(rfcMessage)
    try await client.ok("STORE 1 +FLAGS (\\Deleted)")
    try await client.ok("EXPUNGE")
    await host.stop()
  }
}
