import MailStore
import Synchronization
import Wire

/// What one session's NOTIFY (RFC 5465) asked for, and what has happened since it was last told.
final class NotifyWatch {
  /// A group, with the mailboxes its filter names read once: thousands are compared with them.
  struct Group {
    var argument: NotifyArgument.Group
    var names: Set<MailboxName>
  }

  let argument: NotifyArgument
  let groups: [Group]
  let news: NotifyNews
  /// Told to the store with what this session does itself, so that it is not told of it.
  let origin: UInt64
  /// The mailboxes watched, besides the selected one.
  var listeners: [MailboxName: ListenerToken] = [:]
  /// The selected mailbox, and its listener.
  var selected: (name: MailboxName, token: ListenerToken)?
  /// What the client was last told.
  var told: [MailboxName: FolderStatus] = [:]
  private let folderListener: ListenerToken?

  private static let origins = Atomic<UInt64>(1)

  init(
    _ argument: NotifyArgument, store: MailStore, account: MailAccount, wakeup: Wakeup,
    name: ([UInt8]) -> MailboxName?
  ) throws {
    self.argument = argument
    groups = argument.groups.map { Group(argument: $0, names: Set($0.filter.names.compactMap(name))) }
    let origin = Self.origins.wrappingAdd(1, ordering: .relaxed).newValue
    self.origin = origin
    let news = NotifyNews(wakeup)
    self.news = news
    let isNeeded = argument.groups.contains { $0.events.contains { !$0.isAboutMessages } || !$0.filter.isSelected }
    folderListener =
      isNeeded ? try store.addAccountListener(account) { event, cause in if cause != origin { news.add(event) } } : nil
  }

  /// The group for the selected mailbox.
  var selectedGroup: NotifyArgument.Group? { argument.groups.first { $0.filter.isSelected } }

  /// Whether flags of mailboxes that are not selected are among what was asked for.
  var followsFlags: Bool { argument.groups.contains { !$0.filter.isSelected && $0.events.contains(.flagChange) } }

  deinit {
    folderListener?.cancel()
    selected?.token.cancel()
    for listener in listeners.values { listener.cancel() }
  }
}

/// Collects what the store tells from its own threads; bounded.
final class NotifyNews: Sendable {
  struct Content {
    var mailboxes: Set<MailboxName> = []
    var events: [AccountEvent] = []
    var selectedChanged = false
    var hasOverflown = false
  }

  private static let most = 1000
  private let content = Mutex(Content())
  private let wakeup: Wakeup

  init(_ wakeup: Wakeup) { self.wakeup = wakeup }

  func add(_ event: AccountEvent) {
    change { content in
      if content.events.count < Self.most { content.events.append(event) } else { content.hasOverflown = true }
    }
  }

  func add(_ mailbox: MailboxName) { change { $0.mailboxes.insert(mailbox) } }

  func addSelected() { change { $0.selectedChanged = true } }

  private func change(_ body: (inout Content) -> Void) {
    content.withLock { body(&$0) }
    wakeup.signal()
  }

  func take() -> Content {
    content.withLock { content in
      defer { content = Content() }
      return content
    }
  }
}
