import Accounts
import Basics
import MailStore
import MailSyntax
import Testing

@testable import Delivery

@Suite("Delivery: what RCPT answers")
struct DecisionTests {
  private func reply(_ house: House, _ address: String, size: Int? = nil) async throws -> String {
    switch await house.delivery.decide(recipient: try EmailAddress(address), declaredSize: size) {
    case .local: "local"
    case .remote(let domain): "remote \(domain)"
    case .refuse(let reply): reply.text
    }
  }

  @Test("R61 a mailbox here is local, R62 another domain is remote")
  func basics() async throws {
    let house = try House()
    #expect(try await reply(house, "Alice@Example.Test") == "local")
    #expect(try await reply(house, "carol@remote.test") == "remote remote.test")
  }

  @Test("R45 nobody by that name")
  func noMailbox() async throws {
    let house = try House()
    #expect(
      try await reply(house, "admin@example.test")
        == "550 5.1.1 Sorry, no mailbox here by that name. vpopmail (#5.1.1)")
    house.directory.set("admin@example.test", .discard)
    #expect(try await reply(house, "admin@example.test") == "local")
  }

  @Test("a locked account")
  func suspended() async throws {
    let house = try House()
    try house.directory.mailbox("eve@example.test", suspended: true)
    #expect(
      try await reply(house, "eve@example.test")
        == "550 5.2.1 vdelivermail: account is locked email bounced eve@example.test")
  }

  @Test("R52 a declared size that does not fit, and a full mailbox")
  func quota() async throws {
    let house = try House()
    house.store.setRoom("alice@example.test", 1000)
    #expect(try await reply(house, "alice@example.test", size: 1000) == "local")
    #expect(try await reply(house, "alice@example.test", size: 1001) == "552 5.2.2 user is over quota (#5.2.2)")
    #expect(try await reply(house, "alice@example.test") == "local")
    house.store.setRoom("alice@example.test", 0)
    #expect(try await reply(house, "alice@example.test") == "552 5.2.2 user is over quota (#5.2.2)")
  }

  @Test("aliases and forwards: chains, loops, depth and breadth are bounded")
  func aliases() async throws {
    let house = try House()
    try house.directory.alias("team@example.test", "alice@example.test", "carol@remote.test")
    #expect(try await reply(house, "team@example.test") == "local")
    try house.directory.alias("a@example.test", "b@example.test")
    try house.directory.alias("b@example.test", "a@example.test")
    #expect(try await reply(house, "a@example.test").hasPrefix("554 5.4.6 alias loop"))
    try house.directory.alias("gone@example.test", "nobody@example.test")
    #expect(try await reply(house, "gone@example.test").hasPrefix("550 5.1.1 Sorry, no mailbox"))
    for index in 0..<30 { try house.directory.alias("c\(index)@example.test", "c\(index + 1)@example.test") }
    #expect(try await reply(house, "c0@example.test").hasPrefix("554 5.4.6"))
    house.directory.set(
      "all@example.test",
      .forward(
        try (0..<300).map { try EmailAddress("u\($0)@remote.test") }, alias: try EmailAddress("all@example.test")))
    #expect(try await reply(house, "all@example.test").hasPrefix("554 5.4.6"))
  }

  @Test("a store that fails gives a 451, never a 550")
  func temporary() async throws {
    let house = try House()
    house.directory.fail(true)
    #expect(try await reply(house, "alice@example.test").hasPrefix("451 4.3.0"))
  }

  @Test("postmaster of the host is postmaster of the nearest hosted domain")
  func postmaster() async throws {
    let house = try House()
    #expect(await house.delivery.postmaster()?.key == "postmaster@example.test")
    #expect(try await reply(house, "postmaster@mail.example.test") == "local")
    let message = try house.message(to: ["Postmaster@mail.example.test"])
    #expect(try await house.delivery.accept(message) == message.id)
    #expect(house.store.mail("postmaster@example.test").count == 1)
  }
}
