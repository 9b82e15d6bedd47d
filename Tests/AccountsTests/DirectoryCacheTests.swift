import GRDB
import MailSyntax
import Testing
import Wire

@testable import Accounts

@Suite("What is remembered of recipients") struct DirectoryCacheTests {
  private func answers(_ house: House) async throws -> [Bool] {
    let accounts = house.accounts
    let alice = try await accounts.account(address: address("alice@example.test"))
    let alias = try address("team@example.test")
    let owns = if let alice { try await accounts.owns(alice, address: alias) } else { false }
    let match = if case .forward = try await accounts.match(recipient: alias) { true } else { false }
    return [try await accounts.isHosted(MailDomain("example.test")), match, owns]
  }

  @Test("whatever process changes a domain, an alias or an account, the next question sees it") func isNeverStale()
    async throws
  {
    let house = try House()
    try await house.settle()
    try await house.accounts.addAlias("team@example.test", targets: ["alice@example.test"])
    let hand = try DatabaseQueue(path: house.path)
    for _ in 0..<2 { #expect(try await answers(house) == [true, true, true]) }
    try await hand.write {
      try $0.execute(sql: "UPDATE alias_target SET target = 'bob@example.test', target_key = 'bob@example.test'")
    }
    #expect(try await answers(house) == [true, true, false])
    try await hand.write { try $0.execute(sql: "DELETE FROM alias") }
    #expect(try await answers(house) == [true, false, false])
    let neighbour = try house.neighbour()
    try await neighbour.addAlias("team@example.test", targets: ["alice@example.test"])
    #expect(try await answers(house) == [true, true, true])
    try await neighbour.removeDomain("example.test")
    #expect(try await answers(house) == [false, false, false])
  }

  @Test("whatever process changes a password, the next login sees it") func loginIsNeverStale() async throws {
    let house = try House()
    try await house.settle()
    let login = "alice%example.test"
    for _ in 0..<2 { _ = try await house.login(login, "wonderland") }
    let neighbour = try house.neighbour()
    try await neighbour.setPassword("alice@example.test", .clear(Array("looking-glass".utf8)))
    await #expect(throws: LoginRefusal.badCredentials) { try await house.login(login, "wonderland") }
    _ = try await house.login(login, "looking-glass")
    let app = try await neighbour.addAppPassword("alice@example.test", name: "phone", services: [.imap])
    _ = try await house.login(login, app.secret, .imap)
    let hand = try DatabaseQueue(path: house.path)
    try await hand.write { try $0.execute(sql: "UPDATE app_password SET imap = 0, pop = 1") }
    await #expect(throws: LoginRefusal.serviceDenied(text: "this password is not for IMAP")) {
      try await house.login(login, app.secret, .imap)
    }
    try await neighbour.removeAppPassword("alice@example.test", name: "phone")
    await #expect(throws: LoginRefusal.badCredentials) { try await house.login(login, app.secret) }
    try await neighbour.setAccount("alice@example.test", suspended: true)
    await #expect(throws: LoginRefusal.serviceDenied(text: "account is locked")) {
      try await house.login(login, "looking-glass")
    }
  }

  @Test("an answer that nothing changed is given without the database") func isRemembered() async throws {
    let house = try House()
    try await house.settle()
    let alice = try address("alice@example.test")
    _ = try await house.accounts.match(recipient: alice)
    // A login's row in the same file is no change of what recipients are found by.
    _ = try await house.login("alice%example.test", "wonderland")
    await house.accounts.settle()
    guard case .mailbox = try await house.accounts.match(recipient: alice) else {
      Issue.record("alice has no mailbox")
      return
    }
    try house.accounts.database.close()
    guard case .mailbox(let account) = try await house.accounts.match(recipient: alice) else {
      Issue.record("alice was forgotten")
      return
    }
    #expect(account.key == "alice@example.test")
    await #expect(throws: AccountsError.self) {
      _ = try await house.accounts.match(recipient: address("bob@example.test"))
    }
  }
}
