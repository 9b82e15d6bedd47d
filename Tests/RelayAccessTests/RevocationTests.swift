import Accounts
import Basics
import MailSyntax
import Testing

@testable import RelayAccess

@Suite("Leases taken back", .timeLimit(.minutes(1)))
struct RevocationTests {
  @Test(
    "R31: a lease ends in the transaction that ends what it rests on",
    arguments: ["password", "suspended", "denied", "deleted", "domain", "offer", "domain-denied", "app-password"])
  func triggers(_ what: String) async throws {
    let house = try await RelayHouse()
    if what == "offer" {
      try await house.accounts.addOffer(Offer(name: "basic", quota: 25 << 20))
      try await house.accounts.setAccount("alice@example.test", offer: "basic")
    }
    if what == "app-password" {
      _ = try await house.accounts.addAppPassword("alice@example.test", name: "phone", services: [.imap])
    }
    try await house.login()
    try await house.login("bob")
    let other = try await house.otherProcess()
    switch what {
    case "password": try await other.accounts.setPassword("alice@example.test", .none)
    case "suspended": try await other.accounts.setAccount("alice@example.test", suspended: true)
    case "denied": try await other.accounts.setAccount("alice@example.test", deny: [.openSMTP])
    case "deleted": try await other.accounts.removeAccount("alice@example.test")
    case "domain": _ = try await other.accounts.removeDomain("example.test")
    case "offer":
      try await other.accounts.setOffer(Offer(name: "basic", quota: 25 << 20, denied: [.openSMTP]))
    case "app-password": try await other.accounts.removeAppPassword("alice@example.test", name: "phone")
    default: _ = try await other.accounts.setDomain("example.test", deny: [.openSMTP])
    }
    let lease = try #require(try await house.relay.leases().first { $0.account == "alice@example.test" })
    #expect(lease.state == .revoked, "a tombstone stays")
    #expect(try await house.ask() != "alice")
    guard what != "domain", what != "domain-denied" else { return }
    #expect(try await house.ask("bob@example.test") == "bob", "others keep theirs")
  }

  @Test("R31: a login checked before a password change opens nothing after it")
  func lateLogin() async throws {
    let house = try await RelayHouse()
    let before = try await house.account()
    try await house.accounts.setPassword("alice@example.test", .none)
    await #expect(throws: LeaseRefusal(reason: "password-changed")) {
      try await house.relay.openLease(account: before, peer: .client, service: .imap, tls: true)
    }
    await #expect(throws: LeaseRefusal(reason: "password-changed")) {
      try await house.relay.popLoggedIn(account: before, peer: .client, tls: true)
    }
    #expect(try await house.ask() == "no-lease")
    #expect(try await house.relay.popThrottle(of: before).isEmpty, "and no stamp is left")
    try await house.accounts.setAccount("bob@example.test", suspended: true)
    let bob = try await house.account("bob")
    await #expect(throws: LeaseRefusal(reason: "suspended")) {
      try await house.relay.openLease(account: bob, peer: .client, service: .imap, tls: true)
    }
  }

  @Test("R31: another process's revoke counts at once, although memory was refreshed since")
  func revokeElsewhere() async throws {
    let house = try await RelayHouse()
    try await house.login()
    house.time.advance(by: .seconds(5))
    let other = try await house.otherProcess()
    #expect(try await other.relay.revoke(.account(EmailAddress("alice@example.test")), reason: "left").count == 1)
    #expect(try await house.ask() == "revoked")
    try await house.relay.touchLease(account: try await house.account(), peer: .client, service: .imap, tls: true)
    #expect(try await house.ask() == "revoked", "an open IMAP session does not bring it back")
    await house.relay.flush()
    #expect(try await house.ask() == "revoked", "neither does what memory had")
    guard case .opened = try await house.login() else { Issue.record("not opened anew"); return }
    #expect(try await house.ask() == "alice", "a new login does")
    let history = try await house.database.read { try LeaseRows.list($0) }
    #expect(history.count == 1)
  }

  @Test("R31: revocation by address, account, domain and all")
  func filters() async throws {
    let house = try await RelayHouse()
    let other = try IPAddress.parse("198.51.100.9")
    for (name, peer) in [("alice", IPAddress.client), ("bob", .client), ("alice", other)] {
      try await house.login(name, from: peer)
    }
    #expect(try await house.relay.revoke(.address(other), reason: "x").map(\.account) == ["alice@example.test"])
    #expect(try await house.ask(from: other) == "revoked")
    #expect(try await house.ask() == "alice")
    #expect(try await house.relay.revoke(.domain(MailDomain("ample.test")), reason: "x").isEmpty)
    #expect(try await house.relay.revoke(.domain(MailDomain("example.test")), reason: "x").count == 2)
    try await house.login()
    #expect(try await house.relay.revoke(.all, reason: "x").count == 1)
    #expect(try await house.ask() == "revoked")
  }

  @Test("tombstones stay two lifetimes, then trace ids are found in the history")
  func tombstones() async throws {
    let house = try await RelayHouse()
    guard case .opened(let id) = try await house.login() else { Issue.record("not opened"); return }
    try await house.relay.revoke(.all, reason: "test")
    house.time.advance(by: .seconds(2 * 3600 - 1))
    await house.relay.sweep()
    #expect(try await house.relay.leases().count == 1)
    house.time.advance(by: .seconds(3602))
    await house.relay.sweep()
    #expect(try await house.relay.leases().isEmpty)
    let found = try #require(try await house.relay.lease(traceID: id))
    #expect(found.account == "alice@example.test" && found.revokedWhy == "test")
    #expect(id.count == 16 && !id.contains("@"))
  }

  @Test("R31: setting the clock back lengthens no lease, in this process or after a restart")
  func clockBack() async throws {
    let house = try await RelayHouse()
    try await house.login()
    house.time.setWallClock(house.time.now - .seconds(86_400))
    #expect(try await house.ask() == "alice")
    house.time.advance(by: .milliseconds(3_599_999))
    #expect(try await house.ask() == "alice")
    house.time.advance(by: .milliseconds(1))
    #expect(try await house.ask() != "alice", "the monotonic clock knows")
    try await house.login()
    house.time.setWallClock(house.time.now - .seconds(86_400))
    let restarted = try await house.otherProcess()
    #expect(try await restarted.ask() == "alice")
    house.time.advance(by: .seconds(3600))
    #expect(try await restarted.ask() != "alice", "clamped to one lifetime from when it was seen")
  }

  @Test("R31: setting the clock forward ends leases and harms nothing else")
  func clockForward() async throws {
    let house = try await RelayHouse()
    try await house.login()
    house.time.setWallClock(house.time.now + .seconds(86_400))
    #expect(try await house.ask() == "no-lease")
    try await house.login()
    #expect(try await house.ask() == "alice")
  }
}
