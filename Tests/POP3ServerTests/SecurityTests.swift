import Accounts
import Basics
import Foundation
import MailSyntax
import RelayAccess
import Testing
import Wire
import WireTesting

@testable import POP3Server

@Suite("POP3: TLS, SASL, limits", .timeLimit(.minutes(2)))
struct SecurityTests {
  @Test("R53: CAPA says what can be used now, before and after TLS and login")
  func capabilities() async throws {
    let host = try await POP3Host.start(plaintextLogin: false)
    let client = try await host.connect()
    let clear = try await client.multiLine("CAPA")
    for line in [
      "TOP", "UIDL", "RESP-CODES", "AUTH-RESP-CODE", "PIPELINING", "STLS", "UTF8 USER", "LANG", "EXPIRE NEVER",
      "LOGIN-DELAY 60", "IMPLEMENTATION Martinet",
    ] {
      #expect(clear.contains(line))
    }
    #expect(!clear.contains("USER"))
    #expect(!clear.contains { $0.hasPrefix("SASL") && $0.contains(" PLAIN") })
    try await client.says("USER alice@example.test", "-ERR ")
    try await client.says("AUTH PLAIN", "-ERR ")
    try await client.says("STLS", "+OK")
    try await client.startTLS()
    let secure = try await client.multiLine("CAPA")
    #expect(secure.contains("USER") && !secure.contains("STLS"))
    #expect(secure.contains { $0.hasPrefix("SASL ") && $0.contains("PLAIN") && $0.contains("SCRAM-SHA-256-PLUS") })
    try await client.says("STLS", "-ERR ")
    try await client.login("alice@example.test", POP3Host.password, expecting: "+OK")
    let after = try await client.multiLine("CAPA")
    try await host.accounts.addOffer(Offer(name: "slow", quota: 25 << 20, popLoginDelay: .seconds(300)))
    let other = try await host.connect()
    #expect(try await other.multiLine("CAPA").contains("LOGIN-DELAY 300 USER"))
    #expect(after.contains("LOGIN-DELAY 60") && !after.contains("USER") && !after.contains { $0.hasPrefix("SASL") })
    await host.stop()
  }

  @Test("CVE-2011-0411, CVE-2021-38084: what came behind STLS is never run, and what came before is forgotten")
  func injection() async throws {
    let host = try await POP3Host.start()
    let client = try await host.connect()
    try await client.says("USER alice@example.test", "+OK")
    try await client.send("STLS\r\nCAPA\r\nQUIT\r\n")
    try await client.expect("+OK")
    try await client.startTLS()
    try await client.says("PASS \(POP3Host.password)", "-ERR USER first")
    await host.stop()
  }

  @Test("R53: implicit TLS on its own port")
  func implicitTLS() async throws {
    let host = try await POP3Host.start(plaintextLogin: false)
    let client = try await LoopbackClient.connect(port: host.tlsPort, implicitTLS: true)
    try await client.expect("+OK")
    try await client.login("alice%example.test", POP3Host.password, expecting: "+OK")
    await host.stop()
  }

  @Test("R32: AUTH PLAIN with and without an initial response, LOGIN, cancel, and nonsense")
  func sasl() async throws {
    let host = try await POP3Host.start(delay: .zero) { _ in
    } settings: {
      $0.wrongLogins = 20
    }
    let plain = Base64.encode(Array("\0alice%example.test\0\(POP3Host.password)".utf8))
    let client = try await host.connect()
    try await client.says("AUTH CRAM-MD5", "-ERR ")
    try await client.says("AUTH PLAIN", "+ ")
    try await client.says("*", "-ERR ")
    try await client.says("AUTH PLAIN !!!", "-ERR ")
    try await client.says("AUTH PLAIN =", "-ERR ")
    try await client.says("AUTH PLAIN \(Base64.encode(Array("\0alice%example.test\0wrong".utf8)))", "-ERR [AUTH] ")
    try await client.says("AUTH plain \(plain)", "+OK")
    try await client.says("QUIT", "+OK")
    try await client.expectEnd()
    let second = try await host.connect()
    try await second.says("AUTH PLAIN", "+ ")
    try await second.says(plain, "+OK")
    try await second.says("QUIT", "+OK")
    try await second.expectEnd()
    let third = try await host.connect()
    try await third.says("AUTH LOGIN", "+ VXNlcm5hbWU6")
    try await third.says(Base64.encode(Array("alice%example.test".utf8)), "+ UGFzc3dvcmQ6")
    try await third.says(Base64.encode(Array(POP3Host.password.utf8)), "+OK")
    await host.stop()
  }

  @Test("APOP is greeted with and works only where it is switched on")
  func apop() async throws {
    let host = try await POP3Host.start()
    let off = try await LoopbackClient.connect(port: host.port)
    #expect(try await !off.expect("+OK").contains("<"))
    try await off.says("APOP alice@example.test 0123456789abcdef0123456789abcdef", "-ERR ")
    await host.stop()
    let on = try await POP3Host.start { _ in
    } settings: {
      $0.apop = true
    }
    let client = try await LoopbackClient.connect(port: on.port)
    let greeting = try await client.expect("+OK")
    let start = try #require(greeting.firstIndex(of: "<"))
    #expect(greeting.hasSuffix("@mail.example.test>"))
    try await client.says("APOP alice@example.test \(String(repeating: "0", count: 32))", "-ERR [AUTH] ")
    try await client.says("APOP alice@example.test zz", "-ERR ")
    let digest = md5(String(greeting[start...]) + POP3Host.password)
    try await client.says("APOP alice@example.test \(digest)", "+OK")
    await on.stop()
  }

  @Test("three wrong logins end the session; unknown users read the same")
  func wrongLogins() async throws {
    let host = try await POP3Host.start()
    let client = try await host.connect()
    for name in ["alice@example.test", "nobody@example.test", "alice"] {
      try await client.login(name, "wrong", expecting: "-ERR [AUTH] authorization failed")
    }
    try await client.expectEnd()
    await host.stop()
  }

  @Test("suspended and denied accounts are told so; POP denied opens nothing")
  func denied() async throws {
    let host = try await POP3Host.start()
    try await host.accounts.setAccount("alice@example.test", deny: [.pop])
    let client = try await host.connect()
    try await client.login("alice@example.test", POP3Host.password, expecting: "-ERR [AUTH] ")
    try await client.login("alice@example.test", "wrong", expecting: "-ERR [AUTH] authorization failed")
    #expect(try await host.relay.leases().isEmpty)
    await host.stop()
  }

  @Test("R31: a session ends when its account's password changes")
  func passwordChange() async throws {
    let host = try await POP3Host.start()
    let client = try await host.login()
    let alice = try await host.accounts.account(login: "alice@example.test")
    try await host.accounts.setPassword("alice@example.test", .clear(Array("new password".utf8)))
    #expect(host.server.endSessions(account: alice.id, reason: "password changed") == 1)
    try await client.expect("-ERR [AUTH] password changed")
    try await client.expectEnd()
    await host.stop()
  }

  @Test("mistakes and long lines are bounded, other protocols' commands end the session")
  func mistakes() async throws {
    let host = try await POP3Host.start()
    let client = try await host.connect()
    for _ in 0..<9 { try await client.says("NONSENSE", "-ERR unimplemented") }
    try await client.says("NONSENSE", "-ERR too many mistakes")
    try await client.expectEnd()
    let browser = try await host.connect()
    try await browser.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    try await browser.expect("-ERR unimplemented")
    try await browser.expectEnd()
    let long = try await host.connect()
    try await long.says("USER " + String(repeating: "a", count: 300), "-ERR line too long")
    try await long.says("USER " + String(repeating: "a", count: 100_000), "-ERR line too long")
    try await long.says("CAPA", "+OK")
    await host.stop()
  }

  @Test("RFC 6856: languages and UTF-8")
  func languages() async throws {
    let host = try await POP3Host.start { _ in
    } settings: {
      $0.utf8Delivery = .refuse
    }
    try await host.emptyMailbox()
    try await host.deliver("Subject: d\u{e9}j\u{e0}\r\n\r\nbody\r\n")
    let client = try await host.connect()
    #expect(try await client.multiLine("LANG") == ["en English", "fr Fran\u{e7}ais"])
    try await client.says("LANG tlh", "-ERR invalid language")
    try await client.says("LANG fr-BE", "+OK fr ")
    try await client.says("STAT", "-ERR authentification d'abord")
    try await client.says("LANG *", "+OK en ")
    try await client.login("alice@example.test", POP3Host.password, expecting: "+OK")
    try await client.says("RETR 1", "-ERR [UTF8] ")
    try await client.says("UTF8", "-ERR ")
    try await client.says("QUIT", "+OK")
    host.time.advance(by: .seconds(60))
    let modern = try await host.connect()
    try await modern.says("UTF8", "+OK")
    try await modern.login("alice@example.test", POP3Host.password, expecting: "+OK")
    #expect(try await modern.multiLine("RETR 1").first == "Subject: d\u{e9}j\u{e0}")
    await host.stop()
  }

  @Test("a shutdown says so")
  func shutdown() async throws {
    let host = try await POP3Host.start()
    let client = try await host.login()
    async let stopped: Void = host.stop()
    try await client.expect("-ERR [SYS/TEMP] ")
    await stopped
  }

  /// MD5 (RFC 1321), as an APOP client computes it.
  private func md5(_ text: String) -> String {
    var message = Array(text.utf8)
    let bits = UInt64(message.count) * 8
    message.append(0x80)
    while message.count % 64 != 56 { message.append(0) }
    message += (0..<8).map { UInt8(truncatingIfNeeded: bits >> (8 * UInt64($0))) }
    let shifts: [[UInt32]] = [[7, 12, 17, 22], [5, 9, 14, 20], [4, 11, 16, 23], [6, 10, 15, 21]]
    var state: [UInt32] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476]
    for block in stride(from: 0, to: message.count, by: 64) {
      let words = (0..<16).map { index -> UInt32 in
        let start = block + index * 4
        let low = UInt32(message[start]) | UInt32(message[start + 1]) << 8
        return low | UInt32(message[start + 2]) << 16 | UInt32(message[start + 3]) << 24
      }
      var (a, b, c, d) = (state[0], state[1], state[2], state[3])
      for i in 0..<64 {
        let (mix, word): (UInt32, Int) =
          switch i / 16 {
          case 0: ((b & c) | (~b & d), i)
          case 1: ((d & b) | (~d & c), (5 * i + 1) % 16)
          case 2: (b ^ c ^ d, (3 * i + 5) % 16)
          default: (c ^ (b | ~d), (7 * i) % 16)
          }
        let sine = UInt32(4_294_967_296 * abs(sin(Double(i + 1))))
        let sum = a &+ mix &+ sine &+ words[word]
        let shift = shifts[i / 16][i % 4]
        (a, d, c, b) = (d, c, b, b &+ (sum << shift | sum >> (32 - shift)))
      }
      state = [state[0] &+ a, state[1] &+ b, state[2] &+ c, state[3] &+ d]
    }
    var digits = ""
    for word in state {
      for shift in stride(from: UInt32(0), to: 32, by: 8) {
        let octet = UInt8(truncatingIfNeeded: word >> shift)
        digits += (octet < 16 ? "0" : "") + String(octet, radix: 16)
      }
    }
    return digits
  }
}
