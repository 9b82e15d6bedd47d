import Accounts
import Basics
import MailSyntax
import Testing

@testable import RelayAccess

@Suite("Leases on shared networks, and their caps", .timeLimit(.minutes(1)))
struct SharedNetworkTests {
  private func crowd(_ house: RelayHouse, _ count: Int) async throws {
    for index in 0..<count {
      try await house.accounts.addAccount(NewAccount("u\(index)@example.test", password: .none))
      try await house.login("u\(index)")
    }
  }

  @Test("R31: from the ninth account on, a network's leases last 600 s")
  func shortLeases() async throws {
    let house = try await RelayHouse()
    try await crowd(house, 8)
    house.time.advance(by: .seconds(599))
    #expect(try await house.relay.leases().allSatisfy { $0.state == .live })
    try await house.login()
    #expect(try await house.relay.leases().allSatisfy { $0.state == .shared })
    #expect(try await house.ask("u0@example.test") == "u0")
    house.time.advance(by: .seconds(1))
    #expect(try await house.ask("u0@example.test") == "sender-not-owned", "its own 600 s are over")
    #expect(try await house.ask() == "alice")
  }

  @Test("R31: or nothing but AUTH, where the host says so; listed networks are shared from the start")
  func authRequired() async throws {
    let house = try await RelayHouse {
      $0.openSMTP.sharedPolicy = .requireAuth
      $0.openSMTP.sharedNetworks = [IPNetwork(.client, prefix: 24)]
    }
    try await house.login()
    #expect(try await house.ask() == "shared-network")
    #expect(try await house.relay.leases().first?.state == .shared)
  }

  @Test("R31: ten failed logins in ten minutes pause the network's leases; ten minutes later they count again")
  func pause() async throws {
    let house = try await RelayHouse()
    try await house.login()
    for _ in 0..<9 { try await house.relay.loginFailed(peer: .client) }
    #expect(try await house.ask() == "alice")
    try await house.relay.loginFailed(peer: .client)
    #expect(try await house.ask() == "paused")
    let other = try await house.otherProcess()
    #expect(try await other.ask() == "paused")
    #expect(try await house.relay.leases().first?.state == .paused)
    house.time.advance(by: .seconds(600))
    #expect(try await house.ask() == "alice")
    try await house.relay.loginFailed(peer: .client)
    #expect(try await house.ask() == "alice", "the old failures are out of the window")
  }

  @Test("R31: lifting with reset counters ends a pause, from another process too")
  func resetPause() async throws {
    let house = try await RelayHouse()
    try await house.login()
    for _ in 0..<12 { try await house.relay.loginFailed(peer: .client) }
    #expect(try await house.ask() == "paused")
    let other = try await house.otherProcess()
    try await other.relay.lift(IPNetwork(.client, prefix: 32), resetCounters: true)
    #expect(try await house.ask() == "alice")
    house.time.advance(by: .seconds(1))
    try await house.relay.loginFailed(peer: .client)
    #expect(try await house.ask() == "alice", "the earlier failures are forgotten")
  }

  @Test("R31: 20 messages a minute under a lease")
  func messageCap() async throws {
    let house = try await RelayHouse()
    try await house.login()
    for _ in 0..<20 {
      #expect(try await house.ask() == "alice")
      #expect(try await house.ask(earlier: 1) == "alice", "further recipients are the same message")
    }
    #expect(try await house.ask() == "rate")
    #expect(try await house.denial() == "450 4.7.1 rate limit exceeded (20 per minute)\r\n")
    house.time.advance(by: .seconds(60))
    #expect(try await house.ask() == "alice")
    let lease = try #require(try await house.relay.leases().first)
    #expect(lease.messages == 21 && lease.recipients == 41)
  }

  @Test("R31: 200 recipients an hour under a lease")
  func recipientCap() async throws {
    let house = try await RelayHouse { $0.openSMTP.messagesPerMinute = 1000 }
    try await house.login()
    for index in 0..<200 { #expect(try await house.ask(earlier: index % 100) == "alice") }
    #expect(try await house.denial().hasPrefix("450 4.7.1 "))
    house.time.advance(by: .seconds(3599))
    try await house.login()
    #expect(try await house.ask() == "rate")
    house.time.advance(by: .seconds(1))
    #expect(try await house.ask() == "alice")
  }

  @Test("R30: an administrator's lease, also for a wider network, and its end")
  func adminLease() async throws {
    let house = try await RelayHouse()
    let net = try #require(IPNetwork("198.51.100.0/24"))
    let alice = try await house.account()
    try await house.otherProcess().relay.addLease(net, account: alice, lifetime: .seconds(600))
    let peer = try IPAddress.parse("198.51.100.77")
    #expect(try await house.ask(from: peer) == "alice")
    house.time.advance(by: .milliseconds(599_999))
    #expect(try await house.ask(from: peer) == "alice")
    house.time.advance(by: .milliseconds(1))
    #expect(try await house.ask(from: peer) != "alice")
    await #expect(throws: RelayAccessError.self) {
      try await house.relay.addLease(IPNetwork(.v4(0), prefix: 0), account: alice)
    }
    await #expect(throws: RelayAccessError.self) {
      try await house.relay.addLease(net, account: alice, lifetime: .zero)
    }
    try await house.accounts.setAccount("bob@example.test", deny: [.openSMTP])
    let bob = try await house.account("bob")
    await #expect(throws: RelayAccessError.self) { try await house.relay.addLease(net, account: bob) }
  }

  @Test("R30: check says who would pay or why not; export writes other programs' lists")
  func verbs() async throws {
    let house = try await RelayHouse()
    let refused = try await house.relay.check(.client, from: EmailAddress("alice@example.test"))
    #expect(!refused.isAllowed && refused.reason == "no-lease")
    #expect(try await house.relay.check(.parse("10.0.0.1")).reason == "not-recorded: private")
    try await house.login()
    try await house.login("bob")
    try await house.login(from: .parse("2001:db8::1"))
    let allowed = try await house.relay.check(.client, from: EmailAddress("alice@example.test"))
    #expect(allowed.isAllowed && allowed.account == "alice@example.test" && allowed.lease != nil)
    #expect(
      try await house.relay.export(.tcprules)
        == "2001:db8::/64:allow,RELAYCLIENT=\"\",RBLSMTPD=\"\"\n203.0.113.7:allow,RELAYCLIENT=\"\",RBLSMTPD=\"\"\n")
    #expect(try await house.relay.export(.postfix) == "2001:db8::/64\tOK\n203.0.113.7\tOK\n")
    #expect(try await house.relay.leases(.domain(MailDomain("example.test"))).count == 3)
    #expect(try await house.relay.leases(.account(EmailAddress("bob@example.test"))).count == 1)
    #expect(try await house.relay.leases(.address(.client)).count == 2)
    house.time.advance(by: .seconds(4000))
    #expect(try await house.relay.purgeLeases() == 3)
  }
}
