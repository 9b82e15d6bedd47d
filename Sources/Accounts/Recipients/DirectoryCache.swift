import MailSyntax
import Synchronization

/// What was found about domains, accounts, recipients and senders, for as long as nothing changes that it was found by.
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
    var owners: Set<Owner> = []
    var accounts: [Int64: Account] = [:]
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
    let now = stamp.current()
    if let known = look(now, { $0.hosted[domain] }) { return known }
    let found = try await read()
    keep(now) { state in
      if state.hosted.count >= capacity { state.hosted = [:] }
      state.hosted[domain] = found
    }
    return found
  }

  /// What becomes of a recipient, from memory, else from `read`; names that nobody has are not kept, or guessing them
  /// would drive the others out.
  func match(_ recipient: EmailAddress, _ read: () async throws -> RecipientMatch) async throws -> RecipientMatch {
    let now = stamp.current()
    if let known = look(now, { $0.matches[recipient] }) { return known }
    let found = try await read()
    switch found {
    case .mailbox, .forward:
      keep(now) { state in
        if state.matches.count >= capacity { state.matches = [:] }
        state.matches[recipient] = found
      }
    case .notHosted, .discard, .noMailbox, .suspended: break
    }
    return found
  }

  /// Whether an account may use an address, from memory when it may, else from `read`.
  func owns(_ owner: Owner, _ read: () async throws -> Bool) async throws -> Bool {
    let now = stamp.current()
    if look(now, { $0.owners.contains(owner) ? true : nil }) == true { return true }
    let found = try await read()
    guard found else { return false }
    keep(now) { state in
      if state.owners.count >= capacity { state.owners = [] }
      state.owners.insert(owner)
    }
    return true
  }

  /// An account by its number, from memory, else from `read`.
  func account(_ id: Int64, _ read: () async throws -> Account?) async throws -> Account? {
    let now = stamp.current()
    if let known = look(now, { $0.accounts[id] }) { return known }
    guard let found = try await read() else { return nil }
    keep(now) { state in
      if state.accounts.count >= capacity { state.accounts = [:] }
      state.accounts[id] = found
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
