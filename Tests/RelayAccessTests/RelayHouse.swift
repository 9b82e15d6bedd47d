import Accounts
import Basics
import Foundation
import Logging
import MailSyntax

@testable import RelayAccess

/// A database with example.test (alice, bob, carol) and the rooms over it, in a directory of its own.
final class RelayHouse: Sendable {
  let directory: String
  let time: ManualTime
  let database: HostDatabase
  let accounts: Accounts
  let relay: RelayAccess

  init(
    time: ManualTime = ManualTime(.systemNow), directory: String? = nil,
    _ change: (inout RelaySettings) -> Void = { _ in }
  ) async throws {
    let isNew = directory == nil
    self.directory = directory ?? NSTemporaryDirectory() + "relay-\(UUID().uuidString)"
    self.time = time
    try FileManager.default.createDirectory(atPath: self.directory, withIntermediateDirectories: true)
    database = try HostDatabase(path: self.directory + "/accounts.db")
    let log = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    accounts = try Accounts(database: database, time: time, hasher: PasswordHasher(), log: log)
    var settings = RelaySettings()
    change(&settings)
    relay = try RelayAccess(database: database, accounts: accounts, settings: settings, time: time, log: log)
    guard isNew else { return }
    try await accounts.addDomain("example.test", postmaster: .none)
    for name in ["alice", "bob", "carol"] {
      try await accounts.addAccount(NewAccount("\(name)@example.test", password: .none))
    }
  }

  /// A second set of rooms on the same file, as another process would have it.
  func otherProcess(_ change: (inout RelaySettings) -> Void = { _ in }) async throws -> RelayHouse {
    try await RelayHouse(time: time, directory: directory, change)
  }

  func account(_ name: String = "alice") async throws -> Account {
    try await accounts.account(login: "\(name)@example.test")
  }

  /// A login by POP or IMAP.
  @discardableResult
  func login(_ name: String = "alice", from peer: IPAddress = .client, by service: MailService = .imap) async throws
    -> LeaseOutcome
  {
    try await relay.openLease(account: try await account(name), peer: peer, service: service, tls: true)
  }

  /// The answer to one RCPT elsewhere.
  func ask(
    _ sender: String? = "alice@example.test", from peer: IPAddress = .client, listener: String = "smtp",
    authFailed: Bool = false, earlier: Int = 0
  ) async throws -> String {
    let decision = try await relay.mayRelay(
      peer: peer, sender: try sender.map { try EmailAddress($0) }, listener: listener, authenticated: nil,
      authFailed: authFailed, earlierRecipients: earlier)
    switch decision {
    case .allow(let account, _): return account.address.localPart
    case .deny(let reason, _): return reason.rawValue
    }
  }

  func denial(_ sender: String? = "alice@example.test", from peer: IPAddress = .client) async throws -> String {
    let decision = try await relay.mayRelay(
      peer: peer, sender: try sender.map { try EmailAddress($0) }, listener: "smtp", authenticated: nil,
      authFailed: false)
    if case .deny(_, let reply) = decision { return String(decoding: reply.wire, as: UTF8.self) }
    return "allowed"
  }
}

extension IPAddress {
  static let client = IPAddress.v4(0xcb00_7107)  // 203.0.113.7
  static func parse(_ text: String) throws -> IPAddress {
    guard let address = IPAddress(text) else { throw RelayAccessError(.usage, text) }
    return address
  }
}
