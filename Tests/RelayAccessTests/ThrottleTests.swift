import Accounts
import Basics
import Testing

@testable import RelayAccess

@Suite("The pause between POP logins", .timeLimit(.minutes(1)))
struct ThrottleTests {
  private func login(_ house: RelayHouse, _ name: String = "alice", from peer: IPAddress = .client) async throws
    -> Int64?
  {
    let account = try await house.account(name)
    if case .tooSoon(let delay) = try await house.relay.popLogin(account: account, peer: peer) {
      return delay.retryAfter.wholeMilliseconds
    }
    try await house.relay.popLoggedIn(account: account, peer: peer, tls: true)
    return nil
  }

  @Test("R54: refused before 60.000 s, passed at 60.000 s, by account and network")
  func exact() async throws {
    let house = try await RelayHouse()
    #expect(try await login(house) == nil)
    #expect(try await login(house) == 60_000)
    house.time.advance(by: .milliseconds(59_999))
    #expect(try await login(house) == 1)
    #expect(try await login(house, "bob") == nil, "another account")
    #expect(try await login(house, from: .parse("203.0.113.8")) == nil, "another network")
    house.time.advance(by: .milliseconds(1))
    #expect(try await login(house) == nil)
  }

  @Test("R56: a refusal changes nothing, so that a client polling at 59 s is not locked out for ever")
  func refusalChangesNothing() async throws {
    let house = try await RelayHouse()
    #expect(try await login(house) == nil)
    house.time.advance(by: .seconds(59))
    #expect(try await login(house) == 1000)
    house.time.advance(by: .seconds(1))
    #expect(try await login(house) == nil)
  }

  @Test("R54: kept over a restart by the wall clock, and by the monotonic one while running")
  func clocks() async throws {
    let house = try await RelayHouse()
    #expect(try await login(house) == nil)
    house.time.advance(by: .seconds(20))
    let restarted = try await house.otherProcess()
    #expect(try await login(restarted) == 40_000)
    house.time.setWallClock(house.time.now + .seconds(3600))
    #expect(try await login(house) == 40_000, "this process saw the login by its monotonic clock")
    #expect(try await login(restarted) == nil, "the other one has only the wall clock")
    house.time.setWallClock(house.time.now - .seconds(7200))
    let back = try await house.otherProcess()
    #expect(try await login(back, "alice") == nil, "a login from the future delays nobody")
  }

  @Test("R54: the reply names the interval and the wait, rounded up")
  func text() {
    let delay = PopDelay(interval: .seconds(60), retryAfter: .milliseconds(36_001), mode: .respCode)
    #expect(delay.text == "mail check too frequent, minimum interval 60 seconds, retry in 37 s")
  }

  @Test("R54: bursts, the whole account, offers, and none at all")
  func settings() async throws {
    let burst = try await RelayHouse { $0.popThrottle.burst = 3 }
    for _ in 0..<3 {
      #expect(try await login(burst) == nil)
      burst.time.advance(by: .seconds(5))
    }
    #expect(try await login(burst) == 45_000)
    burst.time.advance(by: .seconds(45))
    #expect(try await login(burst) == nil)
    #expect(try await login(burst) == 5000)

    let whole = try await RelayHouse { $0.popThrottle.accountOnly = true }
    #expect(try await login(whole) == nil)
    #expect(try await login(whole, from: .parse("2001:db8::1")) == 60_000)

    let offers = try await RelayHouse()
    try await offers.accounts.addOffer(Offer(name: "slow", quota: 25 << 20, popLoginDelay: .seconds(300)))
    try await offers.accounts.addOffer(Offer(name: "free", quota: 25 << 20, popLoginDelay: .zero))
    try await offers.accounts.setAccount("alice@example.test", offer: "slow")
    try await offers.accounts.setAccount("bob@example.test", offer: "free")
    #expect(try await login(offers) == nil)
    #expect(try await login(offers) == 300_000)
    #expect(try await login(offers, "bob") == nil)
    #expect(try await login(offers, "bob") == nil)
    let off = try await RelayHouse { $0.popThrottle.delay = .zero }
    #expect(try await login(off) == nil)
    #expect(try await login(off) == nil)
  }

  @Test("R54: show and reset, from another process")
  func reset() async throws {
    let house = try await RelayHouse()
    #expect(try await login(house) == nil)
    house.time.advance(by: .seconds(10))
    let other = try await house.otherProcess()
    let alice = try await house.account()
    let shown = try #require(try await other.relay.popThrottle(of: alice).first)
    #expect(shown.net == "203.0.113.7" && shown.retryAfter == .seconds(50))
    #expect(try await other.relay.resetPopThrottle(of: alice) == 1)
    #expect(try await login(house) == nil)
  }

  @Test("IMAP neither counts nor is delayed")
  func imap() async throws {
    let house = try await RelayHouse()
    try await house.login(by: .imap)
    #expect(try await login(house) == nil)
    try await house.login(by: .imap)
  }

  @Test("R54: loopback is delayed like any other network, although it gets no lease")
  func loopback() async throws {
    let house = try await RelayHouse()
    let loopback = try IPAddress.parse("127.0.0.1")
    #expect(try await login(house, from: loopback) == nil)
    #expect(try await login(house, from: loopback) == 60_000)
    #expect(try await house.relay.leases().isEmpty)
  }
}
