import Basics
import Testing
import Wire

@testable import Accounts

@Suite("App passwords") struct AppPasswordTests {
  @Test("an app password logs in where it may, however it is typed, beside the owner's own")
  func scope() async throws {
    let house = try House()
    try await house.settle()
    let made = try await house.accounts.addAppPassword("alice%example.test", name: "phone", services: [.imap, .smtp])
    #expect(made.secret.count == 29)
    for typed in [made.secret, made.secret.uppercased(), made.secret.replacing("-", with: " ")] {
      #expect(try await house.login("alice@example.test", typed, .imap).key == "alice@example.test")
    }
    await #expect(throws: LoginRefusal.serviceDenied(text: "this password is not for POP3")) {
      _ = try await house.login("alice@example.test", made.secret, .pop)
    }
    await #expect(throws: LoginRefusal.badCredentials) {
      _ = try await house.login("bob@example.test", made.secret, .imap)
    }
    _ = try await house.login("alice@example.test", "wonderland", .pop)
  }

  @Test("its last use is shown; withdrawing it ends it at once and is told to open sessions")
  func withdrawal() async throws {
    let house = try House()
    try await house.settle()
    let made = try await house.accounts.addAppPassword("alice@example.test", name: "phone")
    let alice = try await house.login("alice@example.test", made.secret, .imap)
    await house.accounts.settle()
    let listed = try await house.accounts.appPasswords("alice@example.test")
    #expect(listed.map(\.name) == ["phone"])
    #expect(listed.first?.lastUse == .init(service: .imap, at: house.time.now, peer: "192.0.2.1"))
    var changes = house.accounts.accountChanges().makeAsyncIterator()
    try await house.accounts.removeAppPassword("alice@example.test", name: "phone")
    #expect(await changes.next() == AccountChange(accountID: alice.id, what: .appPassword))
    await #expect(throws: LoginRefusal.badCredentials) {
      _ = try await house.login("alice@example.test", made.secret, .imap)
    }
    #expect(try await house.accounts.appPasswords("alice@example.test").isEmpty)
  }

  @Test("names are unique, their number is bounded, and what is missing is said to be missing")
  func rules() async throws {
    var settings = AccountSettings()
    settings.appPasswordsPerAccount = 2
    let house = try House(settings)
    try await house.settle()
    let accounts = house.accounts
    _ = try await accounts.addAppPassword("alice@example.test", name: "a")
    #expect(await refusal { try await accounts.addAppPassword("alice@example.test", name: "a") }?.code == .exists)
    _ = try await accounts.addAppPassword("alice@example.test", name: "b")
    #expect(await refusal { try await accounts.addAppPassword("alice@example.test", name: "c") }?.code == .overLimit)
    #expect(await refusal { try await accounts.addAppPassword("alice@example.test", name: "") }?.code == .usage)
    #expect(
      await refusal { try await accounts.addAppPassword("alice@example.test", name: "d", services: []) }?.code == .usage
    )
    #expect(await refusal { try await accounts.addAppPassword("carol@example.test", name: "a") } == .noSuchUser)
    #expect(await refusal { try await accounts.removeAppPassword("alice@example.test", name: "z") }?.code == .notFound)
  }
}
