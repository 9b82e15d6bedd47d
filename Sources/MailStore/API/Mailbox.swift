import Basics
import Glibc
import MailSyntax
import Synchronization

/// One folder of one account; any number of these may stand for the same folder.
///
/// Methods run on the store's own threads.
///
/// When the folder is deleted or its index replaced, every method throws `StoreError` with code `gone`.
package final class Mailbox: Sendable {
  /// The folder's name when the object was made.
  package let name: MailboxName
  /// The account it belongs to.
  package let account: MailAccount
  let store: AccountStore
  let key: FolderKey
  /// When the folder was found under its name.
  private let found: Duration
  /// Whether nobody has relied on that yet.
  private let isFresh = Atomic<Bool>(true)
  private static let listenerNumber = Atomic<UInt64>(1)

  /// A number no other listener has.
  static func newListenerNumber() -> UInt64 { listenerNumber.wrappingAdd(1, ordering: .relaxed).newValue }

  init(name: MailboxName, account: MailAccount, store: AccountStore, key: FolderKey) {
    self.name = name
    self.account = account
    self.store = store
    self.key = key
    found = store.host.time.uptime
  }

  /// The mailbox as it is now; looks at the Maildir first and takes in what other programs changed.
  package func snapshot() async throws -> MailboxSnapshot { try await store.snapshot(key) }

  /// As `snapshot()`, with exact sizes and internal dates for every message.
  ///
  /// Messages of other programs whose names tell no sizes are read once for it.
  package func measuredSnapshot() async throws -> MailboxSnapshot {
    let now = try await store.snapshot(key)
    let open = now.messages.compactMap { $0.isMeasured ? nil : $0.uid }
    guard !open.isEmpty else { return now }
    try await store.measure(key, open)
    return try await store.snapshot(key)
  }

  /// Takes the `\Recent` mark for the calling session: the UIDs in the result are recent for it alone.
  ///
  /// Moves new messages from `new/` to `cur/`; for sessions that may write.
  package func claimRecent() async throws -> Range<UInt32> { try await store.claimRecent(key) }

  /// ENVELOPE, BODY and BODYSTRUCTURE of messages, by rising UID; messages that vanished are left out.
  ///
  /// Missing entries are computed in parallel and kept. Ask for some thousands at a time at most.
  package func fetchIndex(_ uids: [UInt32]) async throws -> [IndexedMessage] {
    let (have, missing) = try await store.indexed(key, uids)
    guard !missing.isEmpty else { return have }
    let computed = try await store.compute(key, missing, waits: false).map(\.indexed)
    return (have + computed).sorted { $0.uid < $1.uid }
  }

  /// Sort and thread keys of messages, by rising UID; messages that vanished are left out.
  package func keys(_ uids: [UInt32]) async throws -> [MessageKeys] {
    let (have, missing) = try await store.keys(key, uids)
    guard !missing.isEmpty else { return have }
    let computed = try await store.compute(key, missing, waits: false).map(\.keys)
    return (have + computed).sorted { $0.uid < $1.uid }
  }

  /// EMAILID, THREADID and PREVIEW of messages, by rising UID; messages that vanished are left out.
  ///
  /// Missing ones are computed in parallel and kept. MAILBOXID is `MailboxSnapshot.objectID`, SAVEDATE
  /// `MessageRecord.saveDate`.
  package func details(_ uids: [UInt32]) async throws -> [MessageDetails] {
    let (have, missing) = try await store.details(key, uids)
    guard !missing.isEmpty else { return have }
    let computed = try await store.compute(key, missing, waits: false).map(\.details)
    return (have + computed).sorted { $0.uid < $1.uid }
  }

  /// Opens a message for reading.
  ///
  /// - Throws: `noSuchMessage` when it is gone.
  package func open(_ uid: UInt32) async throws -> MessageFile { try await store.open(key, uid) }

  /// Where messages lie, in the order asked, to be tried with `LocatedMessage.readCached`; a name holds until somebody
  /// changes the message's flags.
  package func located(_ uids: [UInt32]) async throws -> [LocatedMessage] {
    try await store.locate(key, uids, isForNow: false)
  }

  /// Whole messages, read in parallel, in the order asked; much cheaper than `open` for many small ones.
  ///
  /// Stops before `maximumBytes` are passed, but gives one message at least; messages that vanished are left out.
  package func contents(_ uids: [UInt32], maximumBytes: Int = 8 << 20) async throws -> [MessageContents] {
    try await store.contents(key, uids, maximumBytes: maximumBytes)
  }

  /// Changes flags and keywords; a change that changes nothing keeps the MODSEQ.
  ///
  /// - Parameter unchangedSince: messages whose MODSEQ is above it are left alone (RFC 7162 section 3.1.3).
  /// - Throws: `limit` when the mailbox has all the keywords it can hold.
  package func store(_ change: FlagChange, uids: [UInt32], unchangedSince: UInt64? = nil) async throws -> StoreResult {
    try await store.changeFlags(key, change, uids: uids, unchangedSince: unchangedSince)
  }

  /// Puts messages into the folder, all or none (RFC 3502), durably.
  ///
  /// - Throws: `overQuota`, `limit` (keywords), `temporary`.
  package func append(_ messages: [NewMessage]) async throws -> UIDAssignment {
    let keywords = Set(messages.flatMap(\.keywords))
    if !keywords.isEmpty { try await store.checkKeywords(key, keywords) }
    let placed = try await place(messages)
    return try await store.register(key, placed)
  }

  private func place(_ messages: [NewMessage]) async throws -> [PlacedMessage] {
    let path = try await currentPath()
    return try await store.host.onFiles { [store, account] in
      try store.place(messages, at: path, limit: account.quota)
    }
  }

  /// Where the folder lies; one that was just found by its name lies there.
  private func currentPath() async throws -> String {
    let isNew = isFresh.exchange(false, ordering: .relaxed) && store.host.time.uptime - found < .milliseconds(500)
    return isNew ? try store.path(name) : try await store.folderPath(key)
  }

  /// Removes the messages marked `\Deleted`, of all or of the given UIDs (UID EXPUNGE); gives the UIDs removed.
  package func expunge(_ uids: [UInt32]? = nil) async throws -> [UInt32] {
    try await store.removeMessages(key, uids: uids, flagged: true, limit: account.quota)
  }

  /// Removes messages whatever their flags (POP3 QUIT, REPLACE); gives the UIDs removed.
  package func remove(_ uids: [UInt32]) async throws -> [UInt32] {
    try await store.removeMessages(key, uids: uids, flagged: false, limit: account.quota)
  }

  /// Copies messages into another folder of the same account, all or none.
  package func copy(_ uids: [UInt32], to target: Mailbox) async throws -> UIDAssignment {
    guard target.store === store else { throw StoreError(.notAllowed, "the folders belong to two accounts") }
    return try await store.transfer(uids, from: key, to: target.key, moving: false, limit: account.quota)
  }

  /// Moves messages into another folder of the same account (RFC 6851).
  package func move(_ uids: [UInt32], to target: Mailbox) async throws -> UIDAssignment {
    guard target.store === store else { throw StoreError(.notAllowed, "the folders belong to two accounts") }
    return try await store.transfer(uids, from: key, to: target.key, moving: true, limit: account.quota)
  }

  /// Of the given UIDs, those whose text matches; files are read in parallel where the index cannot decide.
  package func search(_ condition: TextCondition, among uids: [UInt32]) async throws -> [UInt32] {
    try await store.search(key, condition, among: uids)
  }

  /// What was expunged since a MODSEQ.
  package func expunged(since modSeq: UInt64) async throws -> ExpungedSince {
    try await store.expunged(key, since: modSeq)
  }

  /// The messages as POP3 shows them, by rising UID, with exact sizes.
  package func popListing() async throws -> [POPMessage] {
    let open = try await store.unmeasured(key)
    if !open.isEmpty { try await store.measure(key, open) }
    return try await store.popListing(key)
  }

  /// Calls `wake` from some thread whenever the view's version changed, until the token is cancelled or released.
  ///
  /// `wake` must return at once; it is also called when the folder goes away.
  package func addListener(_ wake: @escaping @Sendable () -> Void) async throws -> ListenerToken {
    let number = Self.newListenerNumber()
    try await store.addListener(key, number: number, wake)
    return ListenerToken { [store, key] in Task { await store.removeListener(key, number: number) } }
  }
}

/// Ends a listener when it is cancelled or released.
package final class ListenerToken: Sendable {
  private let onCancel: @Sendable () -> Void
  private let isDone = Atomic<Bool>(false)

  init(onCancel: @escaping @Sendable () -> Void) { self.onCancel = onCancel }

  /// Stops the calls; more than once does no harm.
  package func cancel() { if !isDone.exchange(true, ordering: .relaxed) { onCancel() } }

  deinit { cancel() }
}
