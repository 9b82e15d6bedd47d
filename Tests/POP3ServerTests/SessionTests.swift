import Accounts
import Basics
import Foundation
import MailStore
import MailSyntax
import RelayAccess
import Testing
import Wire
import WireTesting

@testable import POP3Server

@Suite("POP3 sessions", .timeLimit(.minutes(2)))
struct SessionTests {
  static let one = "From: a@b.test\r\nSubject: one\r\n\r\nfirst\r\nline two\r\n"
  static let two = "From: a@b.test\r\nSubject: two\r\n\r\n.dot\r\n..\r\nend\r\n"

  @Test("R50 R51: a whole session as in RFC 1939 section 10")
  func transcript() async throws {
    let host = try await POP3Host.start()
    try await host.emptyMailbox()
    try await host.deliver(Self.one)
    try await host.deliver(Self.two)
    let client = try await host.connect()
    try await client.says("USER alice%example.test", "+OK")
    let octets = Self.one.utf8.count + Self.two.utf8.count
    try await client.says("PASS correct horse", "+OK 2 messages (\(octets) octets)")
    try await client.says("STAT", "+OK 2 \(octets)")
    #expect(try await client.multiLine("LIST") == ["1 \(Self.one.utf8.count)", "2 \(Self.two.utf8.count)"])
    try await client.says("LIST 2", "+OK 2 \(Self.two.utf8.count)")
    let uidls = try await client.multiLine("UIDL")
    #expect(uidls.count == 2 && Set(uidls.map { $0.split(separator: " ").last }).count == 2)
    try await client.says("UIDL 1", "+OK \(uidls[0])")
    #expect(try await client.multiLine("RETR 1").joined(separator: "\r\n") + "\r\n" == Self.one)
    #expect(try await client.multiLine("RETR 2").joined(separator: "\r\n") + "\r\n" == Self.two)
    #expect(try await client.multiLine("TOP 2 1") == ["From: a@b.test", "Subject: two", "", ".dot"])
    #expect(try await client.multiLine("TOP 1 0") == ["From: a@b.test", "Subject: one", ""])
    try await client.says("DELE 1", "+OK message 1 deleted")
    try await client.says("STAT", "+OK 1 \(Self.two.utf8.count)")
    #expect(try await client.multiLine("LIST") == ["2 \(Self.two.utf8.count)"])
    for command in ["RETR 1", "DELE 1", "TOP 1 1", "LIST 1", "UIDL 1"] {
      try await client.says(command, "-ERR already deleted")
    }
    try await client.says("RSET", "+OK 2 messages (\(octets) octets)")
    try await client.says("DELE 1", "+OK")
    try await client.says("NOOP", "+OK")
    try await client.says("QUIT", "+OK")
    try await client.expectEnd()
    let again = try await host.login()
    #expect(try await again.multiLine("UIDL") == ["1 \(uidls[1].dropFirst(2))"], "UIDLs are stable")
    try await again.says("QUIT", "+OK")
    await host.stop()
  }

  @Test("qmail's texts for numbers and states")
  func texts() async throws {
    let host = try await POP3Host.start {
      $0.limits.messagesPerMinute = 100
    } settings: {
      $0.badCommandsBeforeLogin = 50
    }
    try await host.emptyMailbox()
    try await host.deliver(Self.one)
    let client = try await host.connect()
    try await client.says("PASS x", "-ERR USER first")
    for command in ["STAT", "LIST", "RETR 1", "TOP 1 1", "DELE 1", "NOOP", "RSET", "UIDL"] {
      try await client.says(command, "-ERR authorization first")
    }
    try await client.says("XTND", "-ERR unimplemented")
    try await client.says("", "-ERR unimplemented")
    try await client.says("RETR x", "-ERR usage: RETR message")
    try await client.login("alice@example.test", POP3Host.password, expecting: "+OK")
    for command in ["RETR", "TOP", "DELE", "LIST", "UIDL"] {
      let tail = command == "TOP" ? " 1" : ""
      try await client.says("\(command) 0\(tail)", "-ERR messages are counted from 1")
      try await client.says("\(command) 2\(tail)", "-ERR not that many messages")
      try await client.says("\(command) 99999999999999999999\(tail)", "-ERR not that many messages")
    }
    try await client.says("USER bob", "-ERR already authorized")
    try await client.says("STLS", "-ERR ")
    try await client.says("LAST", "-ERR unimplemented")
    await host.stop()
  }

  @Test("a connection that drops deletes nothing; mail that arrives in the session is not in it, and not lost")
  func dropped() async throws {
    let host = try await POP3Host.start()
    try await host.emptyMailbox()
    try await host.deliver(Self.one)
    let client = try await host.login()
    try await host.deliver(Self.two)
    try await client.says("STAT", "+OK 1 ")
    try await client.says("RETR 2", "-ERR not that many messages")
    try await client.says("DELE 1", "+OK")
    await client.close()
    let again = try await retried { try await host.login() }
    try await again.says("STAT", "+OK 2 ")
    await host.stop()
  }

  @Test("one session a mailbox: the second hears [IN-USE], and can log in when the first is gone")
  func inUse() async throws {
    let host = try await POP3Host.start(delay: .zero)
    let first = try await host.login()
    let second = try await host.connect()
    try await second.login("alice@example.test", POP3Host.password, expecting: "-ERR [IN-USE] ")
    let other = try await host.login("bob")
    try await other.says("QUIT", "+OK")
    try await first.says("QUIT", "+OK")
    try await first.expectEnd()
    try await second.login("alice@example.test", POP3Host.password, expecting: "+OK")
    await host.stop()
  }

  @Test("R30 R31: after +OK the client's network may send; a login refused opens nothing")
  func lease() async throws {
    let host = try await POP3Host.start()
    let loopback = try #require(IPAddress("127.0.0.1"))
    let alice = try EmailAddress("alice@example.test")
    let wrong = try await host.connect()
    try await wrong.login("alice@example.test", "wrong", expecting: "-ERR [AUTH] authorization failed")
    #expect(try await !host.relay.check(loopback, from: alice).isAllowed)
    let client = try await host.login()
    #expect(try await host.relay.check(loopback, from: alice).isAllowed)
    host.time.advance(by: .milliseconds(3_599_999))
    #expect(try await host.relay.check(loopback, from: alice).isAllowed)
    host.time.advance(by: .milliseconds(1))
    #expect(try await !host.relay.check(loopback, from: alice).isAllowed)
    try await client.says("QUIT", "+OK")
    await host.stop()
  }

  @Test("R54 R56: a second login within 60 s is told when to retry, and cut; nothing else changes")
  func loginDelay() async throws {
    let host = try await POP3Host.start()
    let first = try await host.login()
    try await first.says("QUIT", "+OK")
    host.time.advance(by: .seconds(23))
    let early = try await host.connect()
    try await early.login(
      "alice%example.test", POP3Host.password,
      expecting: "-ERR [LOGIN-DELAY] mail check too frequent, minimum interval 60 seconds, retry in 37 s")
    try await early.expectEnd()
    let wrong = try await host.connect()
    try await wrong.login("alice%example.test", "wrong", expecting: "-ERR [AUTH] authorization failed")
    let unknown = try await host.connect()
    try await unknown.login("nobody%example.test", "wrong", expecting: "-ERR [AUTH] authorization failed")
    let bob = try await host.connect()
    try await bob.login("bob%example.test", POP3Host.password, expecting: "+OK")
    host.time.advance(by: .milliseconds(36_999))
    let still = try await host.connect()
    try await still.login("alice/example.test", POP3Host.password, expecting: "-ERR [LOGIN-DELAY] ")
    host.time.advance(by: .milliseconds(1))
    let onTime = try await host.connect()
    try await onTime.login("alice%example.test", POP3Host.password, expecting: "+OK")
    await host.stop()
  }

  @Test("R54: the reply modes cut and ok-then-cut", arguments: [PopThrottleSettings.Reply.cut, .okThenCut])
  func replyModes(_ mode: PopThrottleSettings.Reply) async throws {
    let host = try await POP3Host.start { $0.popThrottle.reply = mode }
    let first = try await host.login()
    try await first.says("QUIT", "+OK")
    let early = try await host.connect()
    try await early.says("USER alice@example.test", "+OK")
    try await early.sendLine("PASS \(POP3Host.password)")
    if mode == .okThenCut {
      try await early.expect("+OK")
      try await early.sendLine("STAT")
    }
    try await early.expectEnd()
    host.time.advance(by: .seconds(60))
    let later = try await host.connect()
    try await later.login("alice@example.test", POP3Host.password, expecting: "+OK")
    await host.stop()
  }

  @Test("pipelined commands are answered in order")
  func pipelining() async throws {
    let host = try await POP3Host.start()
    try await host.emptyMailbox()
    for _ in 0..<50 { try await host.deliver(Self.one) }
    let client = try await host.connect()
    let retrievals = (1...50).map { "RETR \($0)\r\n" }.joined()
    try await client.send("USER alice@example.test\r\nPASS \(POP3Host.password)\r\nSTAT\r\n\(retrievals)QUIT\r\n")
    for prefix in ["+OK", "+OK 50", "+OK 50"] { try await client.expect(prefix) }
    for _ in 1...50 {
      try await client.expect("+OK \(Self.one.utf8.count) octets")
      #expect(try await client.lines { $0 == "." }.count == 6)
    }
    try await client.expect("+OK")
    await host.stop()
  }

  @Test("R37: sizes are RETR's octets: large messages and bare LF; a last line without its end gets one")
  func sizes() async throws {
    let host = try await POP3Host.start()
    try await host.emptyMailbox()
    let large = "Subject: large\r\n\r\n" + String(repeating: ".line of some length\r\n", count: 60_000)
    try await host.deliver(large)
    try host.drop("Subject: lf\n\nbare\n.dot\n", as: "1.a.b")
    try host.drop("Subject: open\n\nno end", as: "2.a.b")
    let octetsOfLineEnd = 2
    let client = try await host.login()
    let sizes = try await client.multiLine("LIST").compactMap { Int($0.split(separator: " ").last ?? "") }
    #expect(sizes.count == 3)
    for (index, size) in sizes.enumerated() {
      let lines = try await client.multiLine("RETR \(index + 1)")
      let received = lines.reduce(0) { $0 + $1.utf8.count + octetsOfLineEnd }
      #expect(received == size)
    }
    await host.stop()
  }

  @Test("who fetches a mailbox in order gets each message whole, whatever another program renames or removes meanwhile")
  func inOrder() async throws {
    let host = try await POP3Host.start()
    try await host.emptyMailbox()
    let messages = (1...12).map { number in
      "Subject: \(number)\r\n\r\n" + (number % 3 == 0 ? ".\r\n..\r\n" : "no dots\r\n")
        + String(repeating: "line of \(number)\r\n", count: number * number * 20)
    }
    for message in messages { try await host.deliver(message) }
    let client = try await host.login()
    let cur = host.mail().directory + "/Maildir/new"
    for (index, message) in messages.enumerated() {
      if index == 5 {
        for name in try FileManager.default.contentsOfDirectory(atPath: cur) {
          try FileManager.default.moveItem(
            atPath: "\(cur)/\(name)", toPath: host.mail().directory + "/Maildir/cur/\(name):2,S")
        }
      }
      if index == 2 {
        let inbox = try await host.store.mailbox(host.mail(), name: .inbox)
        let last = try await inbox.popListing()[11].uid
        _ = try await inbox.remove([last])
      }
      if index == 11 {
        try await client.says("RETR 12", "-ERR")
      } else {
        let lines = try await client.multiLine("RETR \(index + 1)")
        #expect(lines.map { $0 + "\r\n" }.joined().hasSuffix(message))
      }
    }
    try await client.says("QUIT", "+OK")
    await host.stop()
  }

  private func retried<Value>(_ body: () async throws -> Value) async throws -> Value {
    for _ in 0..<20 {
      if let value = try? await body() { return value }
      try await Task.sleep(for: .milliseconds(50))
    }
    return try await body()
  }
}
