import Accounts
import Basics
import MailSyntax
import Testing

@testable import RelayAccess

@Suite("Rates and the blacklist", .timeLimit(.minutes(1)))
struct LimitTests {
  @Test("R3 R7 R9: the 101st message in a minute is refused once, then the client gets silence")
  func overrun() async throws {
    let house = try await RelayHouse()
    for _ in 0..<100 { #expect(try await house.relay.chargeMessage(peer: .client, account: nil) == .accepted) }
    guard case .refused(let reply) = try await house.relay.chargeMessage(peer: .client, account: nil) else {
      Issue.record("not refused")
      return
    }
    #expect(reply.text == "450 4.7.1 rate limit exceeded (100 per minute)")
    #expect(try await house.relay.chargeMessage(peer: .client, account: nil) == .blacklisted)
    #expect(house.relay.isBlacklisted(.client))
    guard case .silence = await house.relay.admitConnection(peer: .client) else { Issue.record("served"); return }
    guard case .serve = await house.relay.admitConnection(peer: try .parse("203.0.113.8")) else {
      Issue.record("not served")
      return
    }
    let entry = try #require(try await house.relay.blacklist().first)
    #expect(entry.cause == .rate && entry.level == 1 && entry.counters.contains("101"))
    #expect(entry.expires == house.time.now + .seconds(900))
  }

  @Test("R3: the window slides, exact to the millisecond")
  func sliding() async throws {
    let house = try await RelayHouse()
    for _ in 0..<50 { _ = try await house.relay.chargeMessage(peer: .client, account: nil) }
    house.time.advance(by: .seconds(30))
    for _ in 0..<50 { _ = try await house.relay.chargeMessage(peer: .client, account: nil) }
    house.time.advance(by: .seconds(30))
    for _ in 0..<50 { #expect(try await house.relay.chargeMessage(peer: .client, account: nil) == .accepted) }
    guard case .refused = try await house.relay.chargeMessage(peer: .client, account: nil) else {
      Issue.record("not refused")
      return
    }
  }

  @Test("R4: ten a minute where a side is not validated; the account's own window from several networks")
  func unvalidated() async throws {
    let house = try await RelayHouse()
    for _ in 0..<10 { #expect(try await house.relay.chargeUnvalidated(peer: .client, account: nil) == .accepted) }
    guard case .refused(let reply) = try await house.relay.chargeUnvalidated(peer: .client, account: nil) else {
      Issue.record("not refused")
      return
    }
    #expect(reply.text == "450 4.7.1 rate limit exceeded (10 per minute)")
    let alice = try await house.account()
    for index in 0..<100 {
      let peer = IPAddress.v4(0xc633_6400 + UInt32(index))
      #expect(try await house.relay.chargeMessage(peer: peer, account: alice) == .accepted)
    }
    guard case .refused = try await house.relay.chargeMessage(peer: .v4(0xc633_64ff), account: alice) else {
      Issue.record("not refused")
      return
    }
  }

  @Test("R7: terms grow: 15 min, 1 h, 24 h, until lifted; they run out by themselves")
  func terms() async throws {
    let house = try await RelayHouse { $0.limits.messagesPerMinute = 1 }
    for seconds in [900, 3600, 86_400] {
      _ = try await house.relay.chargeMessage(peer: .client, account: nil)
      _ = try await house.relay.chargeMessage(peer: .client, account: nil)
      let entry = try #require(try await house.relay.blacklist().first)
      #expect(entry.expires == house.time.now + .seconds(seconds))
      house.time.advance(by: .seconds(seconds) - .milliseconds(1))
      #expect(house.relay.isBlacklisted(.client))
      house.time.advance(by: .milliseconds(1))
      #expect(!house.relay.isBlacklisted(.client))
      await house.relay.sweep()
    }
    _ = try await house.relay.chargeMessage(peer: .client, account: nil)
    _ = try await house.relay.chargeMessage(peer: .client, account: nil)
    let last = try #require(try await house.relay.blacklist().first)
    #expect(last.expires == nil && last.level == 4)
    let told = try await house.relay.explainBlacklist(.client)
    #expect(told.history.count == 3 && told.entry?.net == last.net)
  }

  @Test("R7: five overruns of size or recipients in ten minutes blacklist")
  func strikes() async throws {
    let house = try await RelayHouse()
    for _ in 0..<4 { #expect(try await !house.relay.strike(peer: .client, cause: .size)) }
    house.time.advance(by: .seconds(600))
    for _ in 0..<4 { #expect(try await !house.relay.strike(peer: .client, cause: .recipients)) }
    #expect(try await house.relay.strike(peer: .client, cause: .size))
    #expect(try await house.relay.blacklist().first?.cause == .strikes)
  }

  @Test("R7: blacklisting takes the network's leases back; POP and IMAP go on")
  func leasesEnd() async throws {
    let house = try await RelayHouse()
    try await house.login()
    try await house.otherProcess().relay.addToBlacklist(IPNetwork(.client, prefix: 32), ttl: nil, reason: "spam")
    #expect(try await house.ask() == "blacklisted")
    try await house.login()
    #expect(try await house.ask() == "blacklisted")
    try await house.relay.lift(IPNetwork(.client, prefix: 32), resetCounters: false)
    #expect(try await house.ask() == "alice")
  }

  @Test("R7: another process lifts and resets; what is on the list is heard of")
  func lift() async throws {
    let house = try await RelayHouse { $0.limits.messagesPerMinute = 2 }
    let other = try await house.otherProcess()
    guard case .serve = await other.relay.admitConnection(peer: .client) else { Issue.record("not served"); return }
    let news = other.relay.newlyBlacklisted()
    for _ in 0..<3 { _ = try await house.relay.chargeMessage(peer: .client, account: nil) }
    let net = IPNetwork(.client, prefix: 32)
    await house.relay.flush()
    #expect(try await other.relay.blacklistEntry(.client) != nil)
    var iterator = news.makeAsyncIterator()
    #expect(await iterator.next() == net)
    #expect(try await other.relay.explainBlacklist(.client).counters["messages"] == 2)
    try await other.relay.lift(net, resetCounters: true)
    #expect(try await house.relay.blacklistEntry(.client) == nil)
    #expect(try await house.relay.chargeMessage(peer: .client, account: nil) == .accepted)
    await #expect(throws: RelayAccessError.self) { try await other.relay.lift(net, resetCounters: false) }
  }

  @Test("R7: an exemption holds for its time")
  func exemption() async throws {
    let house = try await RelayHouse { $0.limits.messagesPerMinute = 1 }
    let net = IPNetwork(.client, prefix: 32)
    try await house.relay.lift(net, resetCounters: false, exemptFor: .seconds(86_400), note: "newsletter")
    for _ in 0..<2 { _ = try await house.relay.chargeMessage(peer: .client, account: nil) }
    #expect(!house.relay.isBlacklisted(.client))
    #expect(try await house.relay.explainBlacklist(.client).exemption?.note == "newsletter")
  }

  @Test("R7: loopback, private and exempt networks are neither limited nor blacklisted, unless included")
  func exempt() async throws {
    let house = try await RelayHouse {
      $0.limits.messagesPerMinute = 1
      $0.limits.exemptNetworks = [IPNetwork(.client, prefix: 32)]
    }
    for text in ["127.0.0.1", "10.0.0.1", "::1", "203.0.113.7"] {
      let peer = try IPAddress.parse(text)
      for _ in 0..<3 { #expect(try await house.relay.chargeMessage(peer: peer, account: nil) == .accepted) }
      await #expect(throws: RelayAccessError.self) {
        try await house.relay.addToBlacklist(peer.clientNetwork(), ttl: nil, reason: "x")
      }
    }
    let loopback = try IPAddress.parse("127.0.0.1")
    let included = try await RelayHouse {
      $0.limits.messagesPerMinute = 1
      $0.limits.includeNetworks = [IPNetwork(loopback, prefix: 8)]
    }
    _ = try await included.relay.chargeMessage(peer: loopback, account: nil)
    guard case .refused = try await included.relay.chargeMessage(peer: loopback, account: nil) else {
      Issue.record("not refused")
      return
    }
  }

  @Test("silent connections are few; the rest are closed at once")
  func seats() async throws {
    let house = try await RelayHouse { $0.limits.silentConnections = 1 }
    try await house.relay.addToBlacklist(IPNetwork(.client, prefix: 32), ttl: .seconds(60), reason: "x")
    guard case .silence(let seat, let time) = await house.relay.admitConnection(peer: .client) else {
      Issue.record("not silent")
      return
    }
    #expect(time == .seconds(60))
    guard case .close = await house.relay.admitConnection(peer: .client) else { Issue.record("not closed"); return }
    seat.release()
    seat.release()
    guard case .silence = await house.relay.admitConnection(peer: .client) else { Issue.record("no seat"); return }
  }

  @Test("account-first: the account stops sending, the network only when a second one overruns")
  func accountFirst() async throws {
    let house = try await RelayHouse {
      $0.limits.messagesPerMinute = 1
      $0.limits.overrunTarget = .accountFirst
    }
    for (name, isLast) in [("alice", false), ("bob", true)] {
      let account = try await house.account(name)
      _ = try await house.relay.chargeMessage(peer: .client, account: account)
      _ = try await house.relay.chargeMessage(peer: .client, account: account)
      #expect(try await house.relay.sendingStop(account) != nil)
      #expect(house.relay.isBlacklisted(.client) == isLast)
    }
  }

  @Test("rates outlive a restart")
  func restart() async throws {
    let house = try await RelayHouse { $0.limits.messagesPerMinute = 5 }
    for _ in 0..<5 { _ = try await house.relay.chargeMessage(peer: .client, account: nil) }
    await house.relay.flush()
    house.time.advance(by: .seconds(59))
    let again = try await house.otherProcess { $0.limits.messagesPerMinute = 5 }
    guard case .refused = try await again.relay.chargeMessage(peer: .client, account: nil) else {
      Issue.record("forgotten")
      return
    }
  }

  @Test("windows are bounded in number and size")
  func bounds() {
    let counters = RateCounters(capacity: 100)
    for index in 0..<10_000 {
      let key = RateKey(.messages, net: IPNetwork(.v4(UInt32(index)), prefix: 32))
      _ = counters.charge(
        [RateLimit(key: key, limit: 10, window: .seconds(60))], count: 1, uptime: .milliseconds(index))
    }
    #expect(counters.count <= 100)
    var window = SlidingWindow()
    for index in 0..<1_000_000 { window.add(1, now: Int64(index), length: 60_000_000) }
    #expect(window.samples.count <= 12_000 && window.total == 1_000_000)
    window.trim(now: 1_000_000 + 60_000_000, length: 60_000_000)
    #expect(window.total == 0)
  }

  @Test("the background loop writes rates and sees another process's blacklisting")
  func upkeep() async throws {
    let house = try await RelayHouse()
    let task = Task { await house.relay.run() }
    _ = try await house.relay.chargeMessage(peer: .client, account: nil)
    try await house.otherProcess().relay.addToBlacklist(IPNetwork(.client, prefix: 32), ttl: nil, reason: "x")
    for _ in 0..<500 where !house.relay.isBlacklisted(.client) {
      house.time.advance(by: .seconds(1))
      try await Task.sleep(for: .milliseconds(10))
    }
    #expect(house.relay.isBlacklisted(.client))
    task.cancel()
    await task.value
    let saved = try await house.database.read { try RateRows.load($0) }
    #expect(saved.count <= 1)
  }
}
