import Accounts
import Basics
import Logging
import MailSyntax
import Testing

@testable import RelayAccess

@Suite("Leases", .timeLimit(.minutes(1)))
struct LeaseTests {
  @Test("R30 R31: a login opens SMTP for exactly 3600 s")
  func sendsForAnHour() async throws {
    let house = try await RelayHouse()
    #expect(try await house.ask() == "no-lease")
    try await house.login(by: .pop)
    #expect(try await house.ask() == "alice")
    house.time.advance(by: .milliseconds(3_599_999))
    #expect(try await house.ask() == "alice")
    house.time.advance(by: .milliseconds(1))
    #expect(try await house.ask() == "just-expired")
    house.time.advance(by: .seconds(300))
    #expect(try await house.ask() == "no-lease")
  }

  @Test("R31: each login starts the hour anew, also when the disk is not written")
  func slides() async throws {
    let house = try await RelayHouse()
    try await house.login()
    house.time.advance(by: .seconds(10))
    guard case .refreshed = try await house.login() else { Issue.record("not refreshed"); return }
    let rows = try await house.database.read { try LeaseRows.list($0) }
    #expect(rows.first?.logins == 1, "a refresh within 30 s stays in memory")
    #expect(try await house.relay.leases().first?.logins == 2)
    house.time.advance(by: .milliseconds(3_599_999))
    #expect(try await house.ask() == "alice")
    house.time.advance(by: .milliseconds(1))
    #expect(try await house.ask() == "just-expired")
  }

  @Test("R31: the lease is committed when openLease returns, for another process too")
  func committed() async throws {
    let house = try await RelayHouse()
    let other = try await house.otherProcess()
    try await house.login()
    #expect(try await other.ask() == "alice")
    await house.relay.flush()
    #expect(try await other.relay.check(.client).isAllowed)
  }

  @Test("R31: a lease survives a restart, and ends when it would have")
  func restart() async throws {
    let house = try await RelayHouse()
    try await house.login()
    house.time.advance(by: .seconds(20))
    try await house.login()
    await house.relay.flush()
    let again = try await house.otherProcess()
    house.time.advance(by: .milliseconds(3_599_999))
    #expect(try await again.ask() == "alice")
    house.time.advance(by: .milliseconds(1))
    #expect(try await again.ask() == "just-expired")
  }

  @Test("R41: without a right the reply has the old text, the address and both ways")
  func refusalText() async throws {
    let house = try await RelayHouse()
    let lines = try await house.denial().split(separator: "\r\n")
    #expect(lines.count == 2)
    #expect(
      lines.first == "553-5.7.1 Sorry, that domain isn't allowed to be relayed thru this MTA (#5.7.1)")
    let second = try #require(lines.last)
    #expect(second.hasPrefix("553 5.7.1 "))
    for part in ["203.0.113.7", "POP", "IMAP", "AUTH"] { #expect(second.contains(part)) }
  }

  @Test("R23: a lease covers its account's own addresses only")
  func senderMatching() async throws {
    let house = try await RelayHouse()
    try await house.accounts.addAlias("sales@example.test", targets: ["alice@example.test"])
    try await house.accounts.addAliasDomain("alias.test", of: "example.test")
    try await house.login()
    #expect(try await house.ask("bob@example.test") == "sender-not-owned")
    #expect(try await house.ask("x@elsewhere.test") == "sender-not-owned")
    #expect(try await house.denial("bob@example.test").hasPrefix("553 5.7.1 <bob@example.test>"))
    #expect(try await house.ask("Alice@EXAMPLE.test") == "alice")
    #expect(try await house.ask("sales@example.test") == "alice")
    #expect(try await house.ask("alice@alias.test") == "alice")
  }

  @Test("R23: the sender policies hosted-domain and any")
  func senderPolicies() async throws {
    let hosted = try await RelayHouse { $0.openSMTP.senderPolicy = .hostedDomain }
    try await hosted.login()
    #expect(try await hosted.ask("bob@example.test") == "alice")
    #expect(try await hosted.ask("x@elsewhere.test") == "sender-not-owned")
    let any = try await RelayHouse { $0.openSMTP.senderPolicy = .any }
    try await any.login()
    #expect(try await any.ask("x@elsewhere.test") == "alice")
  }

  @Test("R31: of several leases the sender's own pays, else the latest login")
  func choice() async throws {
    let house = try await RelayHouse { $0.openSMTP.senderPolicy = .any }
    try await house.login("alice")
    house.time.advance(by: .seconds(1))
    try await house.login("bob")
    #expect(try await house.ask("alice@example.test") == "alice")
    #expect(try await house.ask("x@elsewhere.test") == "bob")
  }

  @Test("R20: the null sender gets one recipient")
  func nullSender() async throws {
    let house = try await RelayHouse()
    try await house.login()
    #expect(try await house.ask(nil) == "alice")
    #expect(try await house.ask(nil, earlier: 1) == "null-sender-recipients")
    let alice = try await house.account()
    #expect(try await house.relay.mayBearFrom([EmailAddress("alice@example.test")], account: alice))
    #expect(try await !house.relay.mayBearFrom([EmailAddress("bob@example.test")], account: alice))
  }

  @Test("R30: AUTH that failed in the session switches leases off in it; AUTH that worked has its own rules")
  func auth() async throws {
    let house = try await RelayHouse()
    try await house.login()
    #expect(try await house.ask(authFailed: true) == "auth-failed")
    let bob = try await house.account("bob")
    func byAuth(_ sender: String) async throws -> RelayDecision {
      try await house.relay.mayRelay(
        peer: .client, sender: EmailAddress(sender), listener: "submission", authenticated: bob, authFailed: false)
    }
    guard case .allow(_, .auth) = try await byAuth("bob@example.test") else { Issue.record("refused"); return }
    guard case .deny(.senderNotOwned, let reply) = try await byAuth("alice@example.test") else {
      Issue.record("allowed")
      return
    }
    #expect(reply.text.contains("not owned by user bob@example.test"))
    try await house.accounts.setAccount("bob@example.test", deny: [.smtp])
    guard case .deny(.accountDenied, _) = try await byAuth("bob@example.test") else { Issue.record("allowed"); return }
  }

  @Test("R31: listeners without OPEN-SMTP, and hasLease for 587 and 465")
  func listeners() async throws {
    let house = try await RelayHouse { $0.openSMTP.listeners = ["smtp", "submission"] }
    #expect(try await !house.relay.hasLease(peer: .client))
    try await house.login()
    #expect(try await house.relay.hasLease(peer: .client))
    #expect(try await !house.relay.hasLease(peer: .client, listener: "submissions"))
    #expect(try await house.ask(listener: "submissions") == "listener")
    #expect(try await house.ask(listener: "submission") == "alice")
  }

  @Test("R31: a lease is its network's: /32, and /64 for IPv6; mapped addresses are IPv4")
  func networks() async throws {
    let house = try await RelayHouse()
    try await house.login()
    #expect(try await house.ask(from: .parse("203.0.113.8")) == "no-lease")
    #expect(try await house.ask(from: .parse("::ffff:203.0.113.7")) == "alice")
    try await house.login(from: .parse("2001:db8:1:2::3"))
    #expect(try await house.ask(from: .parse("2001:db8:1:2:ffff::9")) == "alice")
    #expect(try await house.ask(from: .parse("2001:db8:1:3::3")) == "no-lease")
    let narrow = try await RelayHouse { $0.openSMTP.ipv6Prefix = 128 }
    try await narrow.login(from: .parse("2001:db8:1:2::3"))
    #expect(try await narrow.ask(from: .parse("2001:db8:1:2::4")) == "no-lease")
  }

  @Test(
    "R31: addresses that name no client are never recorded",
    arguments: [
      "127.0.0.1", "::1", "0.0.0.0", "169.254.1.1", "fe80::1", "224.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1",
      "100.64.0.1", "fd00::1", "198.51.100.1", "198.51.100.2", "::ffff:127.0.0.1",
    ])
  func neverRecorded(_ text: String) async throws {
    let house = try await RelayHouse {
      $0.openSMTP.proxyNetworks = [IPNetwork(.v4(0xc633_6401), prefix: 32)]
      $0.openSMTP.webmailNetworks = [IPNetwork(.v4(0xc633_6402), prefix: 32)]
    }
    let peer = try IPAddress.parse(text)
    guard case .notRecorded = try await house.login(from: peer) else { Issue.record("recorded"); return }
    #expect(try await house.ask(from: peer) == "no-lease")
    #expect(try await house.relay.leases().isEmpty)
    let included = try await RelayHouse { $0.openSMTP.includeNetworks = [peer.clientNetwork()] }
    try await included.login(from: peer)
    #expect(try await included.ask(from: peer) == "alice")
  }

  @Test("R31: this host's own addresses are never recorded")
  func ownAddresses() async throws {
    let house = try await RelayHouse()
    house.relay.network.withLock { $0.ownAddresses = [.client] }
    guard case .notRecorded("own-address") = try await house.login() else { Issue.record("recorded"); return }
    #expect(HostAddresses.current().contains(.v4(0x7f00_0001)))
  }

  @Test("R31: clear logins open nothing where TLS is required; SMTP logins never do")
  func requireTLS() async throws {
    let house = try await RelayHouse { $0.openSMTP.requireTLS = true }
    let alice = try await house.account()
    let clear = try await house.relay.openLease(account: alice, peer: .client, service: .pop, tls: false)
    #expect(clear == .notRecorded(reason: "tls-required"))
    let smtp = try await house.relay.openLease(account: alice, peer: .client, service: .smtp, tls: true)
    #expect(smtp == .notRecorded(reason: "service"))
    try await house.login()
    #expect(try await house.ask() == "alice")
  }

  @Test("R31: in a container whose gateway hides the clients OPEN-SMTP goes off")
  func containerGateway() async throws {
    let house = try await RelayHouse()
    house.relay.checkContainerGateway(ContainerGateway(inContainer: true, gateways: [.client]))
    #expect(house.relay.switchedOffBecause == nil)
    guard case .notRecorded("gateway") = try await house.login() else { Issue.record("recorded"); return }
    #expect(house.relay.switchedOffBecause != nil)
    let elsewhere = try IPAddress.parse("203.0.113.8")
    guard case .notRecorded = try await house.login(from: elsewhere) else { Issue.record("recorded"); return }
    #expect(try await house.ask(from: elsewhere) == "disabled")
    let outside = try await RelayHouse()
    outside.relay.checkContainerGateway(ContainerGateway(inContainer: false, gateways: [.client]))
    try await outside.login()
    #expect(try await outside.ask() == "alice")
  }

  @Test("the kernel's routing tables give the default gateways")
  func routingTables() {
    let four = """
      Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
      eth0\t00000000\t010011AC\t0003\t0\t0\t0\t00000000\t0\t0\t0
      eth0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0
      """
    #expect(ContainerGateway.gateways4(four) == [.v4(0xac11_0001)])
    let zeros = String(repeating: "0", count: 32)
    let six = "\(zeros) 00 \(zeros) 00 20010db8000000000000000000000001 00000400 00000001 00000000 00000003 eth0"
    #expect(ContainerGateway.gateways6(six) == [.v6(0x2001_0db8_0000_0000, 1)])
    #expect(ContainerGateway.gateways6("garbage \u{0}") == [])
  }
}
