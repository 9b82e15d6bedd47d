import Accounts
import Basics
import MailSyntax
import Testing

@testable import RelayAccess

@Suite("Messages an hour by offer", .timeLimit(.minutes(1)))
struct HourTests {
  private func house(perHour: Int, _ change: (inout RelaySettings) -> Void = { _ in }) async throws -> RelayHouse {
    let house = try await RelayHouse(change)
    try await house.accounts.addOffer(Offer(name: "small", quota: 25 << 20, messagesPerHour: perHour))
    try await house.accounts.setAccount("alice@example.test", offer: "small")
    return house
  }

  private func charge(_ house: RelayHouse, _ name: String = "alice", from peer: IPAddress = .client) async throws
    -> String
  {
    switch try await house.relay.chargeMessage(peer: peer, account: try await house.account(name)) {
    case .accepted: "accepted"
    case .refused(let reply): reply.text
    case .blacklisted: "blacklisted"
    }
  }

  @Test("Limits: the hour of an offer is used up with its own text, from any network, and nobody is blacklisted")
  func cap() async throws {
    let house = try await house(perHour: 3)
    for index in 0..<3 {
      #expect(try await charge(house, from: .v4(0xcb00_7107 + UInt32(index))) == "accepted")
      house.time.advance(by: .seconds(600))
    }
    let loopback = try IPAddress.parse("127.0.0.1")
    for peer in [IPAddress.client, loopback] {
      #expect(
        try await charge(house, from: peer)
          == "450 4.7.1 hourly limit of offer small reached (3 messages per hour), try again in 30 min")
    }
    #expect(!house.relay.isBlacklisted(.client))
    #expect(try await house.relay.sentThisHour(try await house.account()) == 3)
    #expect(try await charge(house, "bob") == "accepted")
    house.time.advance(by: .seconds(1800))
    #expect(try await charge(house) == "accepted")
    #expect(try await house.relay.sentThisHour(try await house.account("bob")) == nil)
  }

  @Test("Limits: who is above the hour is not counted towards the minute that blacklists")
  func noBlacklist() async throws {
    let house = try await house(perHour: 2) { $0.limits.messagesPerMinute = 5 }
    for _ in 0..<20 { _ = try await charge(house) }
    #expect(!house.relay.isBlacklisted(.client))
    #expect(try await charge(house, "bob") == "accepted")
  }

  @Test("Limits: a lease is bound by its account's offer as well, and the hour outlives a restart")
  func lease() async throws {
    let house = try await house(perHour: 2)
    try await house.login()
    for _ in 0..<2 { #expect(try await house.ask() == "alice") }
    #expect(try await house.ask() == "rate")
    #expect(try await house.denial().contains("hourly limit of offer small"))
    #expect(try await house.ask(earlier: 1) == "alice")
    await house.relay.flush()
    let again = try await house.otherProcess()
    #expect(try await again.relay.sentThisHour(try await again.account()) == 2)
    #expect(try await charge(again).hasPrefix("450 4.7.1 hourly limit"))
  }

  @Test("Limits: a changed offer holds at once, and its bounds are checked")
  func change() async throws {
    let house = try await house(perHour: 1)
    _ = try await charge(house)
    try await house.accounts.setOffer(Offer(name: "small", quota: 25 << 20, messagesPerHour: 2))
    #expect(try await charge(house) == "accepted")
    try await house.accounts.setOffer(Offer(name: "small", quota: 25 << 20))
    for _ in 0..<10 { #expect(try await charge(house) == "accepted") }
    for wrong in [0, -1, 1_000_001] {
      await #expect(throws: AccountsError.self) {
        try await house.accounts.setOffer(Offer(name: "small", quota: 25 << 20, messagesPerHour: wrong))
      }
    }
  }

  @Test("Limits: with count: recipients each recipient counts, and MAIL none")
  func recipients() async throws {
    let house = try await RelayHouse {
      $0.limits.messagesPerMinute = 3
      $0.limits.counting = .recipients
    }
    for _ in 0..<10 { #expect(try await charge(house) == "accepted") }
    for _ in 0..<3 { #expect(try await house.relay.chargeRecipient(peer: .client, account: nil) == .accepted) }
    guard case .refused(let reply) = try await house.relay.chargeRecipient(peer: .client, account: nil) else {
      Issue.record("not refused")
      return
    }
    #expect(reply.text == "450 4.7.1 rate limit exceeded (3 per minute)")
    #expect(house.relay.isBlacklisted(.client))
  }
}
