import Accounts
import Basics
import MailSyntax
import Testing
import Wire
import WireTesting

@testable import IMAPServer

@Suite struct LoginTests {
  @Test func greetingAndCapabilitiesBeforeAndAfterLogin() async throws {
    let host = try await IMAPHost.start()
    let client = try await host.connect()
    let before = try await client.ok("CAPABILITY")
    #expect(before[0].hasPrefix("* CAPABILITY IMAP4rev1"))
    #expect(before[0].contains(" STARTTLS") && before[0].contains(" AUTH=PLAIN"))
    #expect(!before[0].contains("IDLE") && !before[0].contains("LOGINDISABLED"))
    let login = try await client.ok("LOGIN alice@example.test \"secret one\"")
    #expect(login.last?.contains("OK [CAPABILITY IMAP4rev1") == true)
    #expect(login.last?.contains(" IDLE") == true && login.last?.contains("AUTH=") == false)
    #expect(try await client.refused("LOGIN alice@example.test x").hasPrefix("BAD"))
    let bye = try await client.run("LOGOUT")
    #expect(bye[0].hasPrefix("* BYE") && bye[1].contains("OK LOGOUT"))
    try await client.wire.expectEnd()
    await host.stop()
  }

  @Test("R51: login forms and literals") func loginFormsAndLiterals() async throws {
    let host = try await IMAPHost.start()
    for name in ["alice%example.test", "ALICE@Example.Test", "alice/example.test"] {
      let client = try await host.connect()
      try await client.ok("LOGIN {\(name.utf8.count)+}\r\n\(name) {10+}\r\nsecret one")
      try await client.ok("SELECT inbox")
    }
    let client = try await host.connect()
    try await client.wire.sendLine("x LOGIN {18}")
    try await client.wire.expect("+ ")
    try await client.wire.sendLine("alice@example.test {10}")
    try await client.wire.expect("+ ")
    try await client.wire.sendLine("secret one")
    try await client.wire.expect("x OK")
    await host.stop()
  }

  @Test func plaintextLoginNeedsTLS() async throws {
    let host = try await IMAPHost.start(plaintextLogin: false)
    let client = try await host.connect()
    let capability = try await client.ok("CAPABILITY")
    #expect(capability[0].contains("LOGINDISABLED") && !capability[0].contains("AUTH=PLAIN"))
    #expect(try await client.refused("LOGIN alice@example.test \"secret one\"").hasPrefix("NO [PRIVACYREQUIRED]"))
    #expect(try await client.refused("AUTHENTICATE PLAIN AGEAYg==").hasPrefix("NO [PRIVACYREQUIRED]"))
    try await client.ok("STARTTLS")
    try await client.wire.startTLS()
    let secure = try await client.ok("CAPABILITY")
    #expect(!secure[0].contains("LOGINDISABLED") && !secure[0].contains("STARTTLS"))
    #expect(secure[0].contains("AUTH=PLAIN") && secure[0].contains("AUTH=SCRAM-SHA-256-PLUS"))
    try await client.ok("LOGIN alice@example.test \"secret one\"")
    #expect(try await client.refused("STARTTLS").hasPrefix("BAD"))
    await host.stop()
  }

  @Test func whatComesBehindStartTLSIsNeverRun() async throws {
    let host = try await IMAPHost.start()
    let client = try await host.connect()
    try await client.wire.send("s STARTTLS\r\nevil CAPABILITY\r\n")
    try await client.wire.expect("s OK")
    try await client.wire.startTLS()
    #expect(try await client.wire.isSilent())
    let lines = try await client.ok("NOOP")
    #expect(lines.count == 1)
    await host.stop()
  }

  @Test func saslWithAndWithoutInitialResponse() async throws {
    let host = try await IMAPHost.start()
    let plain = Base64.encode(Array("\0alice@example.test\0secret one".utf8))
    let first = try await host.connect()
    try await first.ok("AUTHENTICATE PLAIN \(plain)")
    let second = try await host.connect()
    try await second.wire.sendLine("t AUTHENTICATE PLAIN")
    try await second.wire.expect("+ ")
    try await second.wire.sendLine(plain)
    try await second.wire.expect("t OK [CAPABILITY")
    let third = try await host.connect()
    try await third.wire.sendLine("t AUTHENTICATE LOGIN")
    try await third.wire.expect("+ VXNlcm5hbWU6")
    try await third.wire.sendLine("*")
    try await third.wire.expect("t BAD")
    #expect(try await third.refused("AUTHENTICATE PLAIN !!!").hasPrefix("BAD"))
    #expect(try await third.refused("AUTHENTICATE NTLM").hasPrefix("NO [CANNOT]"))
    await host.stop()
  }

  @Test func wrongPasswordsAndUnknownUsersReadTheSame() async throws {
    let host = try await IMAPHost.start()
    let client = try await host.connect()
    let known = try await client.refused("LOGIN alice@example.test wrong")
    let unknown = try await client.refused("LOGIN nobody@example.test wrong")
    #expect(known == unknown && known.hasPrefix("NO [AUTHENTICATIONFAILED]"))
    #expect(try await client.refused("AUTHENTICATE PLAIN AGFsaWNlAHg=").hasPrefix("NO [AUTHENTICATIONFAILED]"))
    try await client.wire.expectEnd()
    await host.stop()
  }

  @Test("R31: a login opens a lease") func loginOpensALease() async throws {
    let host = try await IMAPHost.start()
    guard let peer = IPAddress("127.0.0.1") else { return }
    #expect(try await !host.relay.hasLease(peer: peer))
    _ = try await host.login()
    #expect(try await host.relay.hasLease(peer: peer))
    await host.stop()
  }

  @Test func aNewPasswordEndsTheSession() async throws {
    let host = try await IMAPHost.start()
    let idle = try await host.fresh()
    try await idle.wire.sendLine("i IDLE")
    try await idle.wire.expect("+ ")
    let waiting = try await host.login()
    try await host.accounts.setPassword("alice@example.test", .clear(Array("other".utf8)))
    try await idle.wire.expect("* BYE")
    try await waiting.wire.expect("* BYE")
    try await waiting.wire.expectEnd()
    await host.stop()
  }

  @Test func commandsNeedTheirState() async throws {
    let host = try await IMAPHost.start()
    let client = try await host.connect()
    #expect(try await client.refused("SELECT INBOX").hasPrefix("BAD"))
    #expect(try await client.refused("FETCH 1 FLAGS").hasPrefix("BAD"))
    #expect(try await client.refused("BOGUS").hasPrefix("BAD"))
    try await client.wire.expect("* BYE Too many")
    let user = try await host.login()
    #expect(try await user.refused("FETCH 1 FLAGS").hasPrefix("BAD"))
    #expect(try await user.refused("CLOSE").hasPrefix("BAD"))
    await host.stop()
  }

  @Test func identificationAndEnable() async throws {
    let host = try await IMAPHost.start()
    let client = try await host.login()
    let id = try await client.ok("ID (\"name\" \"test\" \"version\" NIL)")
    #expect(id[0].hasPrefix("* ID (\"name\" \"Martinet\""))
    #expect(try await client.ok("ENABLE CONDSTORE X-UNKNOWN")[0] == "* ENABLED CONDSTORE")
    #expect(try await client.ok("ENABLE CONDSTORE")[0] == "* ENABLED")
    #expect(
      try await client.ok("NAMESPACE")[0] == "* NAMESPACE ((\"\" \"/\")) ((\"Other Users/\" \"/\")) NIL")
    await host.stop()
  }
}
