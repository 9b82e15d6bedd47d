import Basics
import Testing
import Wire

@testable import Accounts

@Suite("What SASL asks") struct SASLTests {
  @Test("an authorization identity is the login's own account or nobody")
  func authorization() async throws {
    let house = try House()
    try await house.settle()
    let verifier = house.accounts.verifier(service: .imap, peer: House.peer)
    let password = Array("wonderland".utf8)
    for own in [nil, "", "alice@example.test", "ALICE%example.test", "alice/example.test"] {
      let account = try await verifier.verify(login: "alice@example.test", authorizationID: own, password: password)
      #expect(account.key == "alice@example.test")
    }
    for other in ["bob@example.test", "alice", "postmaster@example.test", "\0"] {
      await #expect(throws: LoginRefusal.badCredentials) {
        _ = try await verifier.verify(login: "alice@example.test", authorizationID: other, password: password)
      }
    }
  }

  @Test("SCRAM keys come with every password set in clear; unknown logins get lasting invented ones")
  func keys() async throws {
    let house = try House()
    try await house.settle()
    let verifier = house.accounts.verifier(service: .imap, peer: House.peer)
    let keys = try await verifier.scramKeys(login: "alice%example.test")
    let derived = try SCRAMKeys.derive(
      password: Array("wonderland".utf8), salt: keys.salt, iterations: keys.iterations)
    #expect(derived == keys)
    #expect(
      try await verifier.completeSCRAM(login: "alice%example.test", authorizationID: nil).key == "alice@example.test")

    let invented = try await verifier.scramKeys(login: "nobody@example.test")
    #expect(invented.salt.count == keys.salt.count && invented.iterations == keys.iterations)
    #expect(try await verifier.scramKeys(login: "NOBODY%example.test") == invented)
    let afterRestart = try house.neighbour().verifier(service: .imap, peer: House.peer)
    #expect(try await afterRestart.scramKeys(login: "nobody@example.test") == invented)
    #expect(try await verifier.scramKeys(login: "nobody2@example.test") != invented)
    await #expect(throws: LoginRefusal.badCredentials) {
      _ = try await verifier.completeSCRAM(login: "nobody@example.test", authorizationID: nil)
    }
  }

  @Test("a password changed in the middle of a SCRAM exchange ends it")
  func race() async throws {
    let house = try House()
    try await house.settle()
    let verifier = house.accounts.verifier(service: .imap, peer: House.peer)
    _ = try await verifier.scramKeys(login: "alice@example.test")
    try await house.neighbour().setPassword("alice@example.test", .clear(Array("other".utf8)))
    await #expect(throws: LoginRefusal.badCredentials) {
      _ = try await verifier.completeSCRAM(login: "alice@example.test", authorizationID: nil)
    }
    // Without keys handed out before, nothing can be completed.
    await #expect(throws: LoginRefusal.badCredentials) {
      _ = try await verifier.completeSCRAM(login: "alice@example.test", authorizationID: nil)
    }
  }

  @Test("SCRAM meets the same flags as a password")
  func flags() async throws {
    let house = try House()
    try await house.settle()
    try await house.accounts.setAccount("alice@example.test", deny: [.imap])
    let verifier = house.accounts.verifier(service: .imap, peer: House.peer)
    _ = try await verifier.scramKeys(login: "alice@example.test")
    await #expect(throws: LoginRefusal.serviceDenied(text: "IMAP is not enabled for this account")) {
      _ = try await verifier.completeSCRAM(login: "alice@example.test", authorizationID: nil)
    }
  }
}
