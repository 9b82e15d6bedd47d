import Accounts
import Basics
import DNSResolver
import MailSyntax
import Testing

@testable import RelayAccess

@Suite("Validated domains", .timeLimit(.minutes(1)))
struct ValidationTests {
  private let domain: MailDomain
  private let resolver = StaticResolver()

  init() throws { domain = try MailDomain("example.test") }

  @Test("R4: a TXT record with the token verifies; without it the domain lapses after seven days, not before")
  func byText() async throws {
    let house = try await RelayHouse()
    let started = try await house.relay.startVerification(domain)
    #expect(started.state == .pending && started.recordName == "_martinet.example.test")
    #expect(try await house.relay.startVerification(domain).token == started.token)
    let missing = try await house.relay.checkVerification(domain, resolver: resolver)
    #expect(missing.state == .pending && missing.finding.contains("no TXT record at _martinet.example.test"))
    #expect(try await !house.relay.isValidated(sender: EmailAddress("alice@example.test")))

    resolver.setTXT("_martinet.example.test", [started.token])
    #expect(try await house.relay.checkVerification(domain, resolver: resolver).proof == .txt)
    #expect(try await house.relay.isValidated(sender: EmailAddress("alice@example.test")))
    #expect(try await house.relay.standing(of: domain) == .verified)

    resolver.setTXT("_martinet.example.test", ["something else"])
    house.time.advance(by: .seconds(86_400))
    try await house.relay.recheckDue(resolver: resolver)
    let wavering = try #require(try await house.relay.verification(of: domain))
    #expect(wavering.state == .verified && wavering.finding.contains("does not hold the token"))
    #expect(wavering.lapses(grace: .seconds(7 * 86_400)) == house.time.now + .seconds(6 * 86_400))
    house.time.advance(by: .seconds(6 * 86_400))
    try await house.relay.recheckDue(resolver: resolver)
    #expect(try await house.relay.verification(of: domain)?.state == .verified)
    house.time.advance(by: .seconds(86_400))
    try await house.relay.recheckDue(resolver: resolver)
    #expect(try await house.relay.verification(of: domain)?.state == .lapsed)
    #expect(try await !house.relay.isValidated(sender: EmailAddress("alice@example.test")))

    resolver.setTXT("_martinet.example.test", [started.token])
    house.time.advance(by: .seconds(86_400))
    try await house.relay.recheckDue(resolver: resolver)
    #expect(try await house.relay.verification(of: domain)?.state == .verified)
  }

  @Test("R4: an MX at one of our names verifies; a silent name system changes nothing")
  func byExchanger() async throws {
    let house = try await RelayHouse { $0.validation.ownNames = ["mail.example.test"] }
    resolver.setMX("example.test", [(10, "mx.elsewhere.test")])
    let foreign = try await house.relay.checkVerification(domain, resolver: resolver)
    #expect(foreign.state == .pending && foreign.finding.contains("MX mx.elsewhere.test is not this host"))
    resolver.setMX("example.test", [(10, "mx.elsewhere.test"), (20, "mail.example.test")])
    #expect(try await house.relay.checkVerification(domain, resolver: resolver).proof == .mx)
    resolver.fail("example.test", .timeout)
    resolver.fail("_martinet.example.test", .servfail)
    house.time.advance(by: .seconds(30 * 86_400))
    try await house.relay.recheckDue(resolver: resolver)
    let silent = try #require(try await house.relay.verification(of: domain))
    #expect(silent.state == .verified && silent.finding.contains("could not be asked"))
  }

  @Test("R4: blocked is blocked, foreign domains have no token, and a removed domain takes its row along")
  func administration() async throws {
    let house = try await RelayHouse { $0.validation.ownNames = ["mail.example.test"] }
    resolver.setMX("example.test", [(10, "mail.example.test")])
    let blocked = try await house.relay.setVerification(domain, blocked: true, reason: "spam wave")
    #expect(blocked.state == .blocked && blocked.finding == "spam wave")
    await #expect(throws: RelayAccessError(.refused, "example.test is blocked: spam wave")) {
      try await house.relay.checkVerification(domain, resolver: resolver)
    }
    #expect(try await house.relay.setVerification(domain, blocked: false).state == .pending)
    #expect(try await house.relay.checkVerification(domain, resolver: resolver).state == .verified)
    await #expect(throws: RelayAccessError.self) {
      try await house.relay.startVerification(MailDomain("foreign.test"))
    }
    _ = try await house.accounts.removeDomain("example.test")
    #expect(try await house.relay.verifications().isEmpty)
  }

  @Test("R4: a destination earns its standing by 20 deliveries over 3 days with under 5 % hard failures")
  func earned() async throws {
    let house = try await RelayHouse()
    let remote = try MailDomain("remote.test")
    func note(_ accepted: Int, _ failed: Int = 0) async {
      house.relay.noteDeliveries(to: remote, accepted: accepted, failed: failed)
      await house.relay.flush()
    }
    await note(19)
    house.time.advance(by: .seconds(3 * 86_400))
    #expect(try await house.relay.standing(of: remote) == nil)
    await note(1)
    #expect(try await house.relay.standing(of: remote) == .earned)
    await note(0, 2)
    #expect(try await house.relay.standing(of: remote) == nil)
    await note(30)
    #expect(try await house.relay.standing(of: remote) == .earned)
    #expect(try await house.relay.standing(of: MailDomain("gmail.com")) == .wellKnown)
    house.time.advance(by: .seconds(91 * 86_400))
    await house.relay.sweep()
    #expect(try await house.relay.standing(of: remote) == nil)
  }
}
