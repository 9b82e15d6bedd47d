import MailSyntax
import Testing

@testable import Accounts

@Suite("Domains and their postmaster") struct DomainTests {
  @Test("R55: postmaster comes with the domain, and can be neither deleted nor suspended")
  func postmaster() async throws {
    let house = try House()
    let accounts = house.accounts
    try await accounts.addDomain("example.test", postmaster: .clear(Array("post".utf8)))
    #expect(try await house.login("postmaster%example.test", "post").isPostmaster)
    let deleted = await refusal { try await accounts.removeAccount("postmaster@example.test") }
    #expect(deleted == AccountsError(.refused, "postmaster account cannot be deleted"))
    let suspended = await refusal { try await accounts.setAccount("postmaster@example.test", suspended: true) }
    #expect(suspended?.code == .refused)
    #expect(suspended?.text.contains("postmaster account cannot be deleted") == true)
    #expect(try await accounts.account(login: "postmaster@example.test").suspended == false)
    try await accounts.removeDomain("example.test")
    #expect(await refusal { try await accounts.account(login: "postmaster@example.test") }?.code == .notFound)
  }

  @Test("a domain is made, listed, shown and deleted, with vpopmail's words for what goes wrong")
  func life() async throws {
    let house = try House()
    let accounts = house.accounts
    try await accounts.addDomain("Example.TEST", postmaster: .none, comment: "first")
    let info = try await accounts.domain("example.test")
    #expect(info.name.ascii == "example.test" && info.comment == "first" && info.catchAll == .bounce)
    #expect(info.accountCount == 1 && info.aliasCount == 0 && !info.suspended)
    #expect(
      await refusal { try await accounts.addDomain("EXAMPLE.test.", postmaster: .none) }
        == AccountsError(.exists, "Domain already exists"))
    for name in [
      "", "x", "-", "a b.test", "[192.0.2.1]", "..", "a..b", "ex_ample!.test", "a/b.test",
      String(repeating: "a.", count: 60) + "test",
    ] {
      #expect(
        await refusal { try await accounts.addDomain(name, postmaster: .none) }
          == AccountsError(.usage, "Invalid domain name"), "\(name)")
    }
    try await accounts.addDomain("another.test", postmaster: .none)
    #expect(try await accounts.domains().map(\.name.ascii) == ["another.test", "example.test"])
    #expect(try await accounts.removeDomain("example.test").map(\.directory) == ["example.test/postmaster"])
    #expect(await refusal { try await accounts.removeDomain("example.test") }?.code == .notFound)
    #expect(await refusal { try await accounts.domain("example.test") }?.text == "Domain does not exist")
  }

  @Test("alias domains stand for a domain, and names are taken once only")
  func aliasDomains() async throws {
    let house = try House()
    try await house.settle()
    let accounts = house.accounts
    try await accounts.addAliasDomain("example.net", of: "example.test")
    try await accounts.addAliasDomain("example.org", of: "example.net")
    #expect(try await accounts.domain("example.org").name.ascii == "example.test")
    #expect(try await accounts.domain("example.test").aliasDomains.map(\.ascii) == ["example.net", "example.org"])
    #expect(try await accounts.aliasDomains().map(\.alias.ascii) == ["example.net", "example.org"])
    #expect(await refusal { try await accounts.addAliasDomain("example.net", of: "example.test") }?.code == .exists)
    #expect(await refusal { try await accounts.addAliasDomain("example.test", of: "example.test") }?.code == .exists)
    #expect(await refusal { try await accounts.addDomain("example.net", postmaster: .none) }?.code == .exists)
    #expect(await refusal { try await accounts.addAliasDomain("a.test", of: "nowhere.test") }?.code == .notFound)
    #expect(await refusal { try await accounts.removeDomain("example.net") }?.code == .refused)
    try await accounts.removeAliasDomain("example.org")
    #expect(await refusal { try await accounts.removeAliasDomain("example.org") }?.code == .notFound)
    #expect(await refusal { try await accounts.removeAliasDomain("example.test") }?.code == .notFound)
    try await accounts.removeDomain("example.test")
    #expect(try await accounts.aliasDomains().isEmpty)
  }

  @Test("limits bound accounts, aliases and quotas of a domain")
  func limits() async throws {
    let house = try House()
    try await house.settle()
    let accounts = house.accounts
    try await accounts.setLimits("example.test", DomainLimits(accounts: 3, aliases: 1, quota: 10 << 20))
    let third = await refusal { try await accounts.addAccount(NewAccount("carol@example.test", password: .none)) }
    #expect(third?.code == .overLimit)
    try await accounts.addAlias("one@example.test", targets: ["bob@example.test"])
    #expect(
      await refusal { try await accounts.addAlias("two@example.test", targets: ["bob@example.test"]) }?.code
        == .overLimit)
    try await accounts.setAccount("alice@example.test", quota: .bytes(6 << 20))
    #expect(
      await refusal { try await accounts.setAccount("bob@example.test", quota: .bytes(6 << 20)) }?.code == .overLimit)
    try await accounts.setAccount("bob@example.test", quota: .bytes(4 << 20))
    #expect(await refusal { try await accounts.setAccount("bob@example.test", quota: .unlimited) }?.code == .overLimit)
    #expect(await refusal { try await accounts.setLimits("example.test", DomainLimits(accounts: 0)) }?.code == .usage)
    #expect(try await accounts.setLimits("example.test", DomainLimits()).limits == DomainLimits())
    try await accounts.addAccount(NewAccount("carol@example.test", password: .none))
  }

  @Test("the store itself keeps postmaster, names and their uniqueness, whoever writes to it")
  func storeRules() async throws {
    let house = try House()
    try await house.settle()
    try await house.accounts.addAliasDomain("example.net", of: "example.test")
    let forbidden = [
      ("DELETE FROM account WHERE local_part = 'postmaster'", "postmaster account cannot be deleted"),
      ("UPDATE account SET suspended = 1", "postmaster account cannot be deleted or suspended"),
      ("UPDATE account SET local_part = 'x' WHERE local_part = 'alice'", "an account keeps its name"),
      ("INSERT INTO domain(name, created_at) VALUES ('example.net', 0)", "Domain already exists"),
      ("UPDATE domain SET name = 'x.test'", "a domain keeps its name"),
    ]
    for (sql, text) in forbidden {
      let error = await refusal { try await house.accounts.change { try $0.execute(sql: sql) } }
      #expect(error?.text == text, "\(sql)")
    }
    try await house.accounts.change { try $0.execute(sql: "DELETE FROM domain") }
    #expect(try await house.accounts.domains().isEmpty)
  }
}
