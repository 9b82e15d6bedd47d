import Basics
import MailSyntax
import Testing

@testable import Accounts

@Suite("Accounts, aliases and offers") struct AccountTests {
  @Test("an account is made, found, listed and deleted, with vpopmail's words for what goes wrong")
  func life() async throws {
    let house = try House()
    try await house.settle()
    let accounts = house.accounts
    let made = try await accounts.addAccount(
      NewAccount("Carol%Example.test", password: .none, quota: .bytes(25 << 20), comment: "C."))
    #expect(made.key == "carol@example.test" && made.directory == "example.test/carol" && made.comment == "C.")
    #expect(made.quota == Quota(bytes: 25 << 20) && made.quotaIsOwn && made.createdAt == house.time.now)
    #expect(try await accounts.account(id: made.id) == made)
    #expect(try await accounts.account(address: address("carol@example.test")) == made)
    #expect(
      try await accounts.accounts(domain: "example.test").map(\.address.localPart) == [
        "alice", "bob", "carol", "postmaster",
      ])
    #expect(
      await refusal { try await accounts.addAccount(NewAccount("carol@example.test", password: .none)) }
        == AccountsError(.exists, "Username exists"))
    #expect(try await accounts.removeAccount("carol@example.test").account == made)
    #expect(
      await refusal { try await accounts.removeAccount("carol@example.test") }
        == AccountsError(.notFound, "User does not exist"))
    #expect(await refusal { try await accounts.setPassword("carol@example.test", .none) }?.code == .notFound)
    let again = try await accounts.addAccount(NewAccount("carol@example.test", password: .none))
    #expect(again.id != made.id)
    #expect(
      await refusal { try await accounts.addAccount(NewAccount("x@nowhere.test", password: .none)) }?.code == .notFound)
  }

  @Test(
    "only dot-atoms that are harmless directory names become accounts",
    arguments: [
      "", "@example.test", ".a@example.test", "a.@example.test", "a..b@example.test", "..@example.test",
      "a/b@example.test", "a%b@example.test", "a b@example.test", "a\"b@example.test", "a(b@example.test",
      "a,b@example.test", "a:b@example.test", "a;b@example.test", "a<b@example.test", "a\\b@example.test",
      "a[b@example.test", "-a@example.test", "ä@example.test", "a\0b@example.test", "a\nb@example.test", "alice",
      String(repeating: "a", count: 65) + "@example.test",
    ])
  func illegal(name: String) async throws {
    let house = try House()
    try await house.settle()
    for body in [
      { try await _ = house.accounts.addAccount(NewAccount(name, password: .none)) },
      { try await _ = house.accounts.addAlias(name, targets: ["bob@example.test"]) },
    ] as [@Sendable () async throws -> Void] {
      #expect(await refusal(body) == AccountsError(.usage, "Illegal username"), "\(name)")
    }
  }

  @Test(
    "every other legal local part works",
    arguments: ["a.b", "a_b", "a+b", "o'neil", "x=y", "a|b", String(repeating: "a", count: 64)])
  func legal(name: String) async throws {
    let house = try House()
    try await house.settle()
    let made = try await house.accounts.addAccount(NewAccount("\(name)@example.test", password: .none))
    #expect(made.directory == "example.test/\(name)")
    #expect(try await house.accounts.match(recipient: address("\(name)@example.test")) == .mailbox(made))
  }

  @Test("passwords have bounds, and a foreign hash is checked before it is taken")
  func passwords() async throws {
    let house = try House()
    try await house.settle()
    let accounts = house.accounts
    for bad in ["", "a\0b", "a\nb", String(repeating: "x", count: 257)] {
      #expect(
        await refusal { try await accounts.setPassword("alice@example.test", .clear(Array(bad.utf8))) }?.code == .usage)
    }
    #expect(await refusal { try await accounts.setPassword("alice@example.test", .hash("{ARGON2I}x")) }?.code == .usage)
    _ = try await house.login("alice@example.test", "wonderland")
    try await accounts.setPassword("alice@example.test", .hash("$1$saltsalt$NuzA7WTAelpl95xgBGWN60"))
    _ = try await house.login("alice@example.test", "correct horse")
    #expect(try await accounts.verifyPassword("alice@example.test", Array("correct horse".utf8)))
    #expect(try await !accounts.verifyPassword("alice@example.test", Array("wonderland".utf8)))
  }

  @Test("R52: offers of 25 MB to 2 GB give quotas, and bound what an account is given of its own")
  func offers() async throws {
    let house = try House()
    try await house.settle()
    let accounts = house.accounts
    try await accounts.addOffer(Offer(name: "small", quota: 25 << 20))
    try await accounts.addOffer(
      Offer(name: "large", quota: 100 << 20, largestQuota: 2 << 30, popLoginDelay: .seconds(30)))
    #expect(await refusal { try await accounts.addOffer(Offer(name: "small", quota: 25 << 20)) }?.code == .exists)
    for quota: Int64 in [0, 1 << 20, (25 << 20) - 1, (2 << 30) + 1] {
      #expect(await refusal { try await accounts.addOffer(Offer(name: "odd", quota: quota)) }?.code == .overLimit)
    }
    let slow = Offer(name: "slow", quota: 25 << 20, popLoginDelay: .seconds(301))
    #expect(await refusal { try await accounts.addOffer(slow) }?.code == .usage)

    #expect(try await accounts.account(login: "alice@example.test").quota == Quota())
    try await accounts.setDomain("example.test", offer: "small")
    #expect(try await accounts.account(login: "alice@example.test").quota == Quota(bytes: 25 << 20))
    #expect(
      await refusal { try await accounts.setAccount("alice@example.test", quota: .bytes(26 << 20)) }?.code == .overLimit
    )
    #expect(
      await refusal { try await accounts.setAccount("alice@example.test", quota: .unlimited) }?.code == .overLimit)
    let alice = try await accounts.setAccount("alice@example.test", quota: .bytes(2 << 30), offer: "large")
    #expect(
      alice.quota == Quota(bytes: 2 << 30) && alice.offer.name == "large" && alice.offer.popLoginDelay == .seconds(30))
    #expect(await refusal { try await accounts.setOffer(Offer(name: "large", quota: 1 << 30)) }?.code == .overLimit)
    #expect(await refusal { try await accounts.setAccount("alice@example.test", offer: "") }?.code == .overLimit)
    #expect(try await accounts.setAccount("alice@example.test", quota: .offer).quota == Quota(bytes: 100 << 20))
    #expect(try await accounts.offers().map(\.offer.name) == ["large", "small"])
    #expect(try await accounts.offer("small").accountCount == 2)
    #expect(await refusal { try await accounts.removeOffer("small") }?.code == .refused)
    #expect(await refusal { try await accounts.removeOffer("none") }?.code == .notFound)
    try await accounts.setAccount("alice@example.test", offer: "")
    try await accounts.removeOffer("large")
    let big = NewAccount("dora@example.test", password: .none, quota: .bytes(3 << 30))
    #expect(await refusal { try await accounts.addAccount(big) }?.code == .overLimit)
    #expect(await refusal { try await accounts.setQuota(domain: "example.test", .bytes(1 << 30)) }?.code == .overLimit)
    #expect(
      try await accounts.setQuota(domain: "example.test", .bytes(1 << 20)).allSatisfy { $0.quota.bytes == 1 << 20 })
  }

  @Test("aliases lead to addresses only, a bounded number of them, and never to themselves")
  func aliases() async throws {
    let house = try House()
    try await house.settle()
    let accounts = house.accounts
    try await accounts.addAliasDomain("example.net", of: "example.test")
    let made = try await accounts.addAlias(
      "team%example.test", targets: ["alice%example.test", "Bob@example.test", "bob@example.test", "x@elsewhere.test"])
    #expect(made.targets.map(\.description) == ["alice@example.test", "Bob@example.test", "x@elsewhere.test"])
    #expect(try await accounts.aliases(domain: "example.test") == [made])
    let again = await refusal { try await accounts.addAlias("team@example.test", targets: ["x@y.test"]) }
    #expect(again == AccountsError(.exists, "Alias already exists"))
    #expect(try await accounts.addAlias("team@example.test", targets: ["z@y.test"], appending: true).targets.count == 4)
    #expect(
      await refusal { try await accounts.addAlias("alice@example.test", targets: ["x@y.test"]) }?.text
        == "Username exists")
    #expect(
      await refusal { try await accounts.addAccount(NewAccount("team@example.test", password: .none)) }?.text
        == "Username exists")
    for target in [
      "|/bin/sh", "/var/mail/x", ":include:/etc/passwd", "bob", "&x@y.test", "./Maildir/", "", "a b@c.test",
    ] {
      #expect(
        await refusal { try await accounts.addAlias("odd@example.test", targets: [target]) }?.code == .usage,
        "\(target)")
    }
    #expect(await refusal { try await accounts.addAlias("odd@example.test", targets: []) }?.code == .usage)
    for own in ["odd@example.test", "ODD@example.net"] {
      #expect(await refusal { try await accounts.addAlias("odd@example.test", targets: [own]) }?.code == .refused)
    }
    let many = (0...20).map { "n\($0)@y.test" }
    #expect(await refusal { try await accounts.addAlias("odd@example.test", targets: many) }?.code == .overLimit)
    #expect(try await accounts.removeAlias("team%example.net").address.key == "team@example.test")
    #expect(await refusal { try await accounts.removeAlias("team@example.test") }?.code == .notFound)
  }

  @Test("an account that goes takes the ways that led to it along, so that its name's next owner gets none of them")
  func aliasesOfTheGone() async throws {
    let house = try House()
    try await house.settle()
    let accounts = house.accounts
    try await accounts.addAliasDomain("example.net", of: "example.test")
    try await accounts.addAlias("only@example.test", targets: ["alice@example.net"])
    try await accounts.addAlias("both@example.test", targets: ["alice@example.test", "bob@example.test"])
    let removed = try await accounts.removeAccount("alice@example.test")
    #expect(removed.aliases.map(\.key) == ["only@example.test"])
    #expect(try await accounts.aliases(domain: "example.test").map(\.targets.count) == [1])
  }
}
