import Basics
import MailSyntax
import Testing
import WireTesting

@testable import SMTPServer

@Suite("Who is served, and what is refused by policy", .timeLimit(.minutes(1)))
struct PolicyTests {
  @Test("R1 R9: a network that a listener does not serve hears nothing")
  func allowFrom() async throws {
    let elsewhere = try #require(IPNetwork("192.0.2.0/24"))
    try await ServerFixture.run(change: { $0.allowFrom = [.smtp: [elsewhere]] }) { fixture in
      fixture.rights.change { $0.silence = .milliseconds(200) }
      let client = try await LoopbackClient.connect(port: fixture.port)
      try await client.expectEnd()
    }
    try await ServerFixture.run(change: { $0.allowFrom = [.submission: [elsewhere]] }) { fixture in
      await (try await fixture.greeted()).close()
    }
  }

  @Test("R43: the badmailfrom list answers with its own sentence, for an address and for a domain")
  func badMailFrom() async throws {
    try await ServerFixture.run(change: { $0.badMailFrom = ["spammer@example.org", "@example.net"] }) { fixture in
      let client = try await fixture.ready()
      for sender in ["Spammer@Example.ORG", "any@example.net"] {
        try await client.talk(
          "MAIL FROM:<\(sender)>", "554 5.7.1 sorry, your envelope sender is in my badmailfrom list (#5.7.1)")
      }
      try await client.talk("MAIL FROM:<someone@example.org>", "250 2.1.0 Ok")
      await client.close()
    }
  }

  @Test(
    "R87: a listed stranger is refused with the list's words, unless he may send, writes to postmaster or is trusted")
  func blocklist() async throws {
    let lists = ["gone.example", "codes.example=127.0.0.4-6", "bl.example"].compactMap { Blocklist($0) }
    try await ServerFixture.run(change: { $0.blocklists = lists }) { fixture in
      fixture.resolver.setAddresses("1.0.0.127.gone.example", ["192.0.2.1", "127.255.255.254", "127.0.0.1"])
      fixture.resolver.setAddresses("1.0.0.127.codes.example", ["127.0.0.7"])
      fixture.resolver.setAddresses("1.0.0.127.bl.example", ["127.0.0.2"])
      fixture.resolver.setTXT("1.0.0.127.bl.example", ["see https://bl.example/?ip=127.0.0.1"])
      let client = try await fixture.ready()
      try await client.talk("MAIL FROM:<someone@example.org>", "250 2.1.0 Ok")
      try await client.talk(
        "RCPT TO:<alice@example.test>",
        "554 5.7.1 Service unavailable; client [127.0.0.1] blocked using bl.example; "
          + "see https://bl.example/?ip=127.0.0.1 (#5.7.1)")
      try await client.talk("RCPT TO:<postmaster@example.test>", "250 2.1.5 Ok")
      await client.close()
      let customer = try await fixture.authenticated()
      try await customer.envelope(from: "alice@example.test", to: "bob@example.test")
      await customer.close()
      fixture.rights.change { $0.isTrusted = true }
      let neighbour = try await fixture.ready()
      try await neighbour.envelope()
      await neighbour.close()
    }
  }

  @Test("R87: lists that say nothing, or too late, list nobody")
  func silentBlocklist() async throws {
    let lists = ["gone.example", "slow.example"].compactMap { Blocklist($0) }
    try await ServerFixture.run(change: { $0.blocklists = lists }) { fixture in
      fixture.resolver.setAddresses("1.0.0.127.gone.example", ["127.255.255.255", "203.0.113.1"])
      fixture.resolver.fail("1.0.0.127.slow.example", .timeout)
      let client = try await fixture.ready()
      try await client.envelope()
      await client.close()
    }
  }

  @Test("blocklists as the configuration names them")
  func blocklistSyntax() throws {
    let list = try #require(Blocklist("Zen.Example=127.0.0.2;127.0.0.4-11"))
    #expect(list.zone == "zen.example")
    for (answer, isListing) in [("127.0.0.2", true), ("127.0.0.3", false), ("127.0.0.11", true), ("127.0.0.12", false)]
    {
      #expect(list.isListing(try #require(IPAddress(answer))) == isListing)
    }
    #expect(list.name(for: try #require(IPAddress("192.0.2.7"))) == "7.2.0.192.zen.example")
    let six = try #require(IPAddress("2001:db8::1"))
    #expect(list.name(for: six).hasPrefix("1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.zen"))
    for bad in [
      "", "zone", "a..b", "a b.c", "x.y=", "x.y=127.0.0.2;", "x.y=127.0.0.9-4", "x.y=::1", "x.y=127.0.0.1-300",
    ] {
      #expect(Blocklist(bad) == nil, "\(bad)")
    }
  }

  @Test("R11: where bulk mail is refused, customers' list mail is, and nobody else's")
  func bulk() async throws {
    let letter = "From: alice@example.test\r\nPrecedence: bulk\r\n\r\nbuy\r\n.\r\n"
    try await ServerFixture.run(change: { $0.refusesBulk = true }) { fixture in
      let customer = try await fixture.authenticated()
      #expect(
        try await customer.message(letter, from: "alice@example.test")
          == "550 5.7.1 bulk mail not accepted here (#5.7.1)")
      await customer.close()
      let stranger = try await fixture.ready()
      #expect(try await stranger.message(letter).hasPrefix("250 2.0.0 Ok"))
      await stranger.close()
    }
  }
}
