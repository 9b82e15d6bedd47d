import Accounts
import Basics
import MailSyntax
import Testing

@testable import RelayAccess

@Suite("Ways off the blacklist, and into a firewall", .timeLimit(.minutes(1)))
struct BlacklistRoadsTests {
  private func overrun(_ house: RelayHouse, _ peer: IPAddress = .client) async throws {
    for _ in 0..<2 { _ = try await house.relay.chargeMessage(peer: peer, account: nil) }
  }

  @Test("R7: a customer lifts his network once a day; the next term is longer all the same")
  func selfLift() async throws {
    let house = try await RelayHouse { $0.limits.messagesPerMinute = 1 }
    let (alice, bob) = (try await house.account(), try await house.account("bob"))
    #expect(try await house.relay.liftBySelf(alice, peer: .client) == .notListed)
    try await overrun(house)
    #expect(try await house.relay.liftBySelf(alice, peer: .client) == .lifted(IPNetwork(.client, prefix: 32)))
    #expect(!house.relay.isBlacklisted(.client))
    let told = try await house.relay.explainBlacklist(.client)
    #expect(told.history.first?.how == "lifted by alice@example.test" && told.nextTerm == .seconds(3600))
    let next = house.time.now + .seconds(86_400)
    house.time.advance(by: .seconds(60))
    try await overrun(house)
    #expect(try await house.relay.liftBySelf(alice, peer: .client) == .tooSoon(next))
    #expect(try await house.relay.liftBySelf(bob, peer: .client) == .tooSoon(next))
    let other = try IPAddress.parse("203.0.113.9")
    try await overrun(house, other)
    #expect(try await house.relay.liftBySelf(alice, peer: other) == .tooSoon(next))
    #expect(try await house.relay.liftBySelf(bob, peer: other) == .lifted(IPNetwork(other, prefix: 32)))
  }

  @Test("R7: the network that lost an account's lease is lifted from elsewhere too; an administrator's entry never")
  func whichNetwork() async throws {
    let house = try await RelayHouse { $0.limits.messagesPerMinute = 1 }
    let phone = try IPAddress.parse("2001:db8::7")
    try await house.login()
    try await overrun(house)
    #expect(try await house.relay.liftBySelf(try await house.account("bob"), peer: phone) == .notListed)
    let alice = try await house.account()
    #expect(try await house.relay.liftBySelf(alice, peer: phone) == .lifted(IPNetwork(.client, prefix: 32)))
    try await house.relay.addToBlacklist(IPNetwork(.client, prefix: 24), ttl: .seconds(60), reason: "spam")
    #expect(try await house.relay.liftBySelf(alice, peer: .client) == .administratorOnly)
    #expect(house.relay.isBlacklisted(.client))
    let never = try await RelayHouse {
      $0.limits.messagesPerMinute = 1
      $0.limits.selfLiftInterval = .zero
    }
    try await overrun(never)
    #expect(try await never.relay.liftBySelf(try await never.account(), peer: .client) == .administratorOnly)
  }

  @Test("R7: who lifts is written down, and a stopped account can be let go")
  func administrator() async throws {
    let house = try await RelayHouse {
      $0.limits.messagesPerMinute = 1
      $0.limits.overrunTarget = .accountFirst
    }
    try await overrun(house)
    try await house.relay.lift(IPNetwork(.client, prefix: 32), by: "root", resetCounters: true)
    #expect(try await house.relay.explainBlacklist(.client).history.first?.how == "lifted by root")
    let alice = try await house.account()
    for _ in 0..<2 { _ = try await house.relay.chargeMessage(peer: .client, account: alice) }
    let stop = try #require(try await house.relay.sendingStop(of: alice))
    #expect(stop.until == house.time.now + .seconds(900) && stop.net == IPNetwork(.client, prefix: 32))
    #expect(try await house.relay.sendingStop(alice)?.text.contains("sending is stopped until ") == true)
    try await house.relay.liftSendingStop(of: alice, by: "root")
    #expect(try await house.relay.sendingStop(of: alice) == nil)
    await #expect(throws: RelayAccessError.self) { try await house.relay.liftSendingStop(of: alice, by: "root") }
  }

  @Test("R9: a firewall's table follows additions, lifts, exemptions and ends")
  func firewall() async throws {
    let house = try await RelayHouse { $0.limits.exemptNetworks = [IPNetwork(.v4(0xc633_6405), prefix: 32)] }
    let empty = try #require(try await house.relay.firewallList(.nft, ports: [25, 587]))
    #expect(empty.text.contains("tcp dport != { 25, 587 } accept") && !empty.text.contains("203.0.113"))
    #expect(try await house.relay.firewallList(.nft, ports: [25], unless: empty.mark) == nil)
    try await house.relay.addToBlacklist(try .parse("203.0.113.0/24"), ttl: .seconds(60), reason: "x")
    try await house.otherProcess().relay.addToBlacklist(try .parse("2001:db8:1::/64"), ttl: nil, reason: "x")
    let two = try #require(try await house.relay.firewallList(.nft, ports: [25], unless: empty.mark))
    #expect(
      two.text.contains("set blacklist4 { type ipv4_addr; flags interval; auto-merge; elements = { 203.0.113.0/24 } }"))
    #expect(
      two.text.contains("set blacklist6 { type ipv6_addr; flags interval; auto-merge; elements = { 2001:db8:1::/64 } }")
    )
    #expect(
      two.text.contains("set exempt4 { type ipv4_addr; flags interval; auto-merge; elements = { 198.51.100.5 } }"))
    #expect(try await house.relay.firewallList(.nft, ports: [25], unless: two.mark) == nil)
    house.time.advance(by: .seconds(60))
    let one = try #require(try await house.relay.firewallList(.nft, ports: [25], unless: two.mark))
    #expect(!one.text.contains("203.0.113.0/24") && one.text.contains("2001:db8:1::/64"))
    try await house.relay.lift(
      try .parse("2001:db8:1::/64"), resetCounters: false, exemptFor: .seconds(60), note: "")
    let none = try #require(try await house.relay.firewallList(.ipset, ports: [25], unless: one.mark))
    #expect(none.text.contains("add martinet6-new 2001:db8:1::/64 nomatch -exist"))
    #expect(none.text.contains("swap martinet6-new martinet6\ndestroy martinet6-new\n"))
  }

  @Test("R9: an exemption of everything leaves a firewall nothing to drop")
  func exemptEverything() async throws {
    let house = try await RelayHouse()
    try await house.relay.addToBlacklist(try .parse("203.0.113.7"), ttl: nil, reason: "x")
    try await house.relay.lift(
      try .parse("203.0.113.0/24"), resetCounters: false, exemptFor: .seconds(60), note: "")
    let list = try #require(try await house.relay.firewallList(.ipset, ports: [25]))
    #expect(!list.text.contains("203.0.113.7"))
  }
}

extension IPNetwork {
  fileprivate static func parse(_ text: String) throws -> IPNetwork {
    guard let network = IPNetwork(text) else { throw RelayAccessError(.usage, text) }
    return network
  }
}
