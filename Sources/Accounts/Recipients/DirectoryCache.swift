import MailSyntax
import Synchronization

/// What was found about domains, accounts, logins, recipients and senders, for as long as nothing changes that it was found by.
///
/// Every look asks ``DirectoryStamp`` first, so that an answer is never older than the last committed change.
final class DirectoryCache: Sendable {
  /// The right of an account to an address.
  struct Owner: Hashable, Sendable {
    var account: Int64
    var address: EmailAddress
  }
  private struct State {
    var stamp: Int64?
    var hosted: [String: Bool] = [:]
    var matches: [EmailAddress: RecipientMatch] = [:]
    var owners: [Owner: Bool] = [:]
    var accounts: [Int64: Account?] = [:]
    var logins: [LoginName: LoginRecord?] = [:]
  }
  private let state = Mutex(State())
  private let stamp: DirectoryStamp
  private let capacity: Int

  init(stamp: DirectoryStamp, capacity: Int) {
    self.stamp = stamp
    self.capacity = capacity
  }

  /// Whether a domain is kept here, from memory, else from `read`.
  func isHosted(_ domain: String, _ read: () async throws -> Bool) async throws -> Bool {
    try await remembered(\.hosted, domain, keeps: { _ in true }, read)
  }

  /// What becomes of a recipient, from memory, else from `read`; names that nobody has are not kept, or guessing them
  /// would drive the others out.
  func match(_ recipient: EmailAddress, _ read: () async throws -> RecipientMatch) async throws -> RecipientMatch {
    let isKept = { (match: RecipientMatch) in
      switch match {
      case .mailbox, .forward: true
      case .notHosted, .discard, .noMailbox, .suspended: false
      }
    }
    return try await remembered(\.matches, recipient, keeps: isKept, read)
  }

  /// Whether an account may use an address, from memory when it may, else from `read`.
  func owns(_ owner: Owner, _ read: () async throws -> Bool) async throws -> Bool {
    try await remembered(\.owners, owner, keeps: { $0 }, read)
  }

  /// An account by its number, from memory, else from `read`.
  func account(_ id: Int64, _ read: () async throws -> Account?) async throws -> Account? {
    try await remembered(\.accounts, id, keeps: { $0 != nil }, read)
  }

  /// What a login needs, from memory, else from `read`; logins that nobody has are not kept.
  func login(_ name: LoginName, _ read: () async throws -> LoginRecord?) async throws -> LoginRecord? {
    try await remembered(\.logins, name, keeps: { $0 != nil }, read)
  }

  private func remembered<Key: Hashable, Value>(
    _ table: WritableKeyPath<State, [Key: Value]>, _ key: Key, keeps: (Value) -> Bool, _ read: () async throws -> Value
  ) async throws -> Value {
    let now = stamp.current()
    if let known = look(now, { $0[keyPath: table][key] }) { return known }
    let found = try await read()
    guard keeps(found) else { return found }
    keep(now) { state in
      if state[keyPath: table].count >= capacity { state[keyPath: table] = [:] }
      state[keyPath: table].updateValue(found, forKey: key)
    }
    return found
  }

  private func look<Value>(_ now: Int64?, _ body: (State) -> Value?) -> Value? {
    guard let now else { return nil }
    return state.withLock { state in
      guard state.stamp != now else { return body(state) }
      state = State(stamp: now)
      return nil
    }
  }

  /// Keeps what was read after the stamp was `asked`; it may be newer than that, never older.
  private func keep(_ asked: Int64?, _ body: (inout State) -> Void) {
    state.withLock { if let asked, $0.stamp == asked { body(&$0) } }
  }
}
