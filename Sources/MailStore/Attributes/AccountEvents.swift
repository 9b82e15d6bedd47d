import Synchronization

/// What happened to an account's folders through this process, for sessions that asked to be told (RFC 5465).
package enum AccountEvent: Hashable, Sendable {
  /// A folder was made.
  case created(MailboxName)
  /// A folder was removed.
  case deleted(MailboxName)
  /// A folder, and those below it, got another name.
  case renamed(from: MailboxName, to: MailboxName)
  /// A name was added to the subscriptions, or taken from them.
  case subscription(MailboxName, isSubscribed: Bool)
  /// Metadata entries of a folder, or of the account, changed.
  case metadata(MailboxName?, entries: [String])
}

/// Passes the events of one account on to those who listen.
package final class AccountEvents: Sendable {
  /// Who causes the events of the current task; told to listeners, so that a session can leave out its own.
  @TaskLocal package static var origin: UInt64?

  private let listeners = Mutex<[UInt64: @Sendable (AccountEvent, UInt64?) -> Void]>([:])
  private static let number = Atomic<UInt64>(1)

  init() {}

  func post(_ event: AccountEvent) {
    let origin = Self.origin
    for listener in listeners.withLock({ Array($0.values) }) { listener(event, origin) }
  }

  fileprivate func add(_ listener: @escaping @Sendable (AccountEvent, UInt64?) -> Void) -> ListenerToken {
    let number = Self.number.wrappingAdd(1, ordering: .relaxed).newValue
    listeners.withLock { $0[number] = listener }
    return ListenerToken { [weak self] in _ = self?.listeners.withLock { $0.removeValue(forKey: number) } }
  }
}

extension MailStore {
  /// Calls `listener` from some thread for every event of an account, until the token is cancelled or released.
  ///
  /// - Parameter listener: gets the event and `AccountEvents.origin` of the task that caused it; must return at once.
  package func addAccountListener(
    _ account: MailAccount, _ listener: @escaping @Sendable (_ event: AccountEvent, _ origin: UInt64?) -> Void
  ) throws -> ListenerToken {
    let store = try registry.account(account.directory)
    let token = store.accountEvents.add(listener)
    // The account stays in memory as long as somebody listens.
    return ListenerToken { withExtendedLifetime(store) { token.cancel() } }
  }
}
