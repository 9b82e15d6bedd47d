import MailSyntax
import Testing

@testable import Accounts

@Suite("Recipients and senders") struct RecipientTests {
  private func house() async throws -> House {
    let house = try House()
    try await house.settle()
    try await house.accounts.addAlias("team@example.test", targets: ["alice@example.test", "guest@elsewhere.test"])
    try await house.accounts.addAliasDomain("example.net", of: "example.test")
    return house
  }

  /// What becomes of a recipient, in a word.
  private func match(_ house: House, _ recipient: String) async throws -> String {
    switch try await house.accounts.match(recipient: address(recipient)) {
    case .notHosted: "not hosted"
    case .mailbox(let account): account.key
    case .forward(let targets, let alias): "\(alias) -> " + targets.map(\.description).joined(separator: " ")
    case .discard: "discard"
    case .noMailbox: "no mailbox"
    case .suspended(let account): "suspended \(account.key)"
    }
  }

  @Test("accounts, extensions, aliases and alias domains find their mailbox; a % is only a letter")
  func matches() async throws {
    let house = try await house()
    let expected = [
      ("alice@example.test", "alice@example.test"), ("Alice@EXAMPLE.test", "alice@example.test"),
      ("alice+lists@example.test", "alice@example.test"), ("alice+a+b@example.test", "alice@example.test"),
      ("alice-lists@example.test", "alice@example.test"), ("bob@example.net", "bob@example.test"),
      ("bob+x@example.net", "bob@example.test"), ("nobody@example.test", "no mailbox"),
      ("+alice@example.test", "no mailbox"), ("alice%elsewhere.test@example.test", "no mailbox"),
      ("\"alice\"@example.test", "alice@example.test"), ("\"no body\"@example.test", "no mailbox"),
      ("alice@elsewhere.test", "not hosted"), ("alice@[192.0.2.1]", "not hosted"),
      ("team@example.test", "team@example.test -> alice@example.test guest@elsewhere.test"),
      ("TEAM+x@example.net", "TEAM+x@example.net -> alice@example.test guest@elsewhere.test"),
      ("postmaster@example.net", "postmaster@example.test"),
    ]
    for (recipient, outcome) in expected { #expect(try await match(house, recipient) == outcome, "\(recipient)") }
    #expect(try await house.accounts.isHosted(MailDomain("EXAMPLE.net")))
    #expect(try await !house.accounts.isHosted(MailDomain("example.org")))
  }

  @Test("the exact name comes before an extension, the longest base before a shorter one")
  func precedence() async throws {
    let house = try await house()
    for name in ["a", "a-b", "a+exact"] {
      try await house.accounts.addAccount(NewAccount("\(name)@example.test", password: .none))
    }
    #expect(try await match(house, "a+exact@example.test") == "a+exact@example.test")
    #expect(try await match(house, "a-b-c@example.test") == "a-b@example.test")
    #expect(try await match(house, "a-c-b@example.test") == "a@example.test")
    let long = "a" + String(repeating: "-x", count: 200)
    #expect(try await match(house, "\(String(long.prefix(64)))@example.test") == "a@example.test")
    try await house.accounts.setDomain("example.test", delimiters: "+")
    #expect(try await match(house, "a-c@example.test") == "no mailbox")
    #expect(try await match(house, "a+c@example.test") == "a@example.test")
  }

  @Test("R45 R79: the catch-all bounces, deletes or leads to an address")
  func catchAll() async throws {
    let house = try await house()
    let accounts = house.accounts
    #expect(try await match(house, "nobody@example.test") == "no mailbox")
    try await accounts.setCatchAll("example.test", .delete)
    #expect(try await match(house, "nobody@example.test") == "discard")
    try await accounts.setCatchAll("example.test", CatchAll("bob@example.test"))
    #expect(try await match(house, "nobody@example.net") == "nobody@example.net -> bob@example.test")
    #expect(try await accounts.domain("example.test").catchAll == .address(address("bob@example.test")))
    try await accounts.setCatchAll("example.test", CatchAll("tests@elsewhere.test"))
    #expect(try await match(house, "nobody@example.test") == "nobody@example.test -> tests@elsewhere.test")
    #expect(
      await refusal { try await accounts.setCatchAll("example.test", CatchAll("nobody@example.test")) } == .noSuchUser)
    try await accounts.setCatchAll("example.test", .bounce)
    #expect(try await match(house, "nobody@example.test") == "no mailbox")
  }

  @Test("R45: the catch-all's target stays as long as it is one")
  func catchAllTarget() async throws {
    let house = try await house()
    let accounts = house.accounts
    try await accounts.setCatchAll("example.test", CatchAll("bob@example.net"))
    #expect(
      await refusal { try await accounts.removeAccount("bob@example.test") }?.text == "can't delete catchall account")
    try await accounts.setCatchAll("example.test", CatchAll("team@example.test"))
    #expect(
      await refusal { try await accounts.removeAlias("team@example.test") }?.text == "can't delete catchall account")
    try await accounts.setCatchAll("example.test", .bounce)
    try await accounts.removeAccount("bob@example.test")
    try await accounts.removeAlias("team@example.test")
  }

  @Test("mail for locked accounts and domains is refused, but postmaster's is taken")
  func suspended() async throws {
    let house = try await house()
    try await house.accounts.setAccount("alice@example.test", suspended: true)
    #expect(try await match(house, "alice+x@example.test") == "suspended alice@example.test")
    #expect(try await match(house, "bob@example.test") == "bob@example.test")
    try await house.accounts.setDomain("example.test", suspended: true)
    #expect(try await match(house, "bob@example.test") == "suspended bob@example.test")
    #expect(try await match(house, "team@example.test") == "suspended postmaster@example.test")
    #expect(try await match(house, "nobody@example.test") == "no mailbox")
    #expect(try await match(house, "postmaster@example.test") == "postmaster@example.test")
  }

  @Test("R46: the four checks say why an address is no mailbox, and when it becomes one")
  func explained() async throws {
    let house = try await house()
    let accounts = house.accounts
    let nobody = try await accounts.explain(address("admin@example.net"))
    #expect(nobody.domain?.ascii == "example.test" && nobody.catchAll == .bounce)
    #expect(nobody.account == nil && nobody.alias == nil && nobody.outcome == .noMailbox)
    try await accounts.setCatchAll("example.test", .delete)
    #expect(try await accounts.explain(address("admin@example.test")).outcome == .discard)
    let team = try await accounts.explain(address("team+x@example.test"))
    #expect(team.alias?.address.key == "team@example.test" && team.account == nil)
    #expect(try await accounts.explain(address("alice-x@example.test")).account?.key == "alice@example.test")
    let foreign = try await accounts.explain(address("a@elsewhere.test"))
    #expect(foreign.domain == nil && foreign.catchAll == nil && foreign.outcome == .notHosted)
  }

  @Test("R23: an account owns its address, its extensions, its aliases and their spellings in alias domains")
  func ownership() async throws {
    let house = try await house()
    let accounts = house.accounts
    try await accounts.addAlias("sales@example.test", targets: ["alice+sales@example.net"])
    try await accounts.addAlias("chief@example.test", targets: ["team@example.test"])
    try await accounts.setCatchAll("example.test", CatchAll("alice@example.test"))
    try await accounts.addDomain("other.test", postmaster: .none)
    try await accounts.addAlias("info@other.test", targets: ["alice@example.test"])
    let alice = try await accounts.account(login: "alice@example.test")
    let own = [
      "alice@example.test", "ALICE@example.test", "alice+x@example.test", "alice@example.net", "team@example.test",
      "team@example.net", "sales@example.test", "info@other.test",
    ]
    let foreign = [
      "bob@example.test", "postmaster@example.test", "anything@example.test", "alice@other.test",
      "guest@elsewhere.test",
      "chief@example.test", "alice@elsewhere.test",
    ]
    for text in own { #expect(try await accounts.owns(alice, address: address(text)), "\(text)") }
    for text in foreign { #expect(try await !accounts.owns(alice, address: address(text)), "\(text)") }
  }
}
