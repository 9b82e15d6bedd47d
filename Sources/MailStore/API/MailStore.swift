import Basics
import CMemory
import Logging
import Synchronization

/// All mailboxes of the host: Maildir++ on disk, one index per account, views shared by sessions.
package final class MailStore: Sendable {
  /// The numbers it works by.
  package let settings: MailStoreSettings
  let host: StoreHost
  let registry: AccountRegistry
  private let poller = Mutex<Task<Void, Never>?>(nil)

  /// Makes a store and starts its threads; nothing on disk is touched.
  ///
  /// - Throws: `StoreError` when the template directory cannot be read.
  package convenience init(settings: MailStoreSettings, time: any TimeSource, log: Logger) throws {
    try self.init(settings: settings, time: time, log: log, observer: nil)
  }

  init(
    settings: MailStoreSettings, time: any TimeSource, log: Logger,
    observer: (@Sendable (DurableStep, String) -> Void)?
  ) throws {
    self.settings = settings
    host = try StoreHost(settings: settings, time: time, log: log, observer: observer)
    registry = AccountRegistry(host: host)
    host.start()
    let interval = settings.pollInterval
    let rest = max(1, settings.restIntervals)
    let task = Task { [weak registry, weak host, time] in
      var intervals = 0
      var closed = 0
      while !Task.isCancelled {
        guard (try? await time.sleep(for: interval)) != nil, let registry, let host else { return }
        intervals &+= 1
        registry.trimIfNeeded()
        if intervals.isMultiple(of: rest) {
          let stores = registry.all()
          for store in stores where store.mayRest { closed += await store.rest() ? 1 : 0 }
          let texts = stores.map(\.text).filter(\.mayRest)
          if !texts.isEmpty { try? await host.onFiles { for text in texts { text.rest() } } }
          if closed >= Self.worthTrimming {
            closed = 0
            try? await host.onFiles { cmemory_trim() }
          }
        }
        for store in registry.all() where store.isPolled.load(ordering: .relaxed) { await store.poll() }
      }
    }
    poller.withLock { $0 = task }
  }

  /// So many closed indexes leave enough behind in the C library's arenas for it to be given back.
  private static let worthTrimming = 32

  deinit { poller.withLock { $0?.cancel() } }

  /// Writes what is left, closes every index and stops the threads; open sessions get `StoreError.closed`.
  package func close() async {
    poller.withLock { $0?.cancel() }
    await host.filler.close()
    for store in registry.close() { await store.shutdown() }
    await host.stop()
  }

  func store(_ account: MailAccount) throws -> AccountStore { try registry.account(account.directory) }

  /// Makes an account's Maildir from the template; does nothing when it is there.
  package func create(_ account: MailAccount) async throws {
    let store = try store(account)
    if store.isPrepared.load(ordering: .acquiring), store.ledger.knows(account.quota) { return }
    try await host.onFiles {
      try store.prepareMaildir(key: account.key)
      _ = try store.ledger.use(account.quota)
    }
  }

  /// Ends an account: views close, and the mail is removed unless `keepMail`.
  package func remove(_ account: MailAccount, keepMail: Bool) async throws {
    let store = try store(account)
    await store.shutdown()
    registry.forget(account.directory)
    guard !keepMail else { return }
    try await host.onFiles {
      // Out of the way in one step, so that an account made anew at once finds nothing old.
      let grave = account.directory + ".removed.\(UInt64.random(in: 0...UInt64.max))"
      guard FileSystem.exists(account.directory) else { return }
      try FileSystem.move(account.directory, to: grave)
      try FileSystem.removeTree(grave)
    }
  }

  /// Puts a message into a folder; on return it is durable (file and directory synced).
  ///
  /// - Parameters:
  ///   - content: the message, lines ended with CRLF.
  ///   - prefix: octets written before it (`Return-Path:`, `Delivered-To:`, `Received:`), with CRLF.
  ///   - account: whose mailbox; made from the template when it does not exist yet.
  ///   - folder: where to; created when missing.
  ///   - flags: system flags it gets.
  ///   - internalDate: `nil` is now.
  /// - Throws: `StoreError` with `overQuota` or `temporary`.
  package func deliver(
    _ content: MessageContent, prefix: [UInt8] = [], to account: MailAccount, folder: MailboxName = .inbox,
    flags: MessageFlags = [], internalDate: Timestamp? = nil
  ) async throws -> DeliveredMessage {
    let store = try store(account)
    return try await host.onFiles {
      try store.deliver(content, prefix: prefix, to: account, folder: folder, flags: flags, internalDate: internalDate)
    }
  }

  /// Whether a message of so many octets fits the quota now (RCPT time).
  package func fits(_ account: MailAccount, bytes: Int) async throws -> Bool {
    guard !account.quota.isUnlimited else { return true }
    let store = try store(account)
    if store.ledger.hasAmpleRoom(bytes: bytes, limit: account.quota) { return true }
    return try await host.onFiles { try store.ledger.fits(bytes: bytes, messages: 1, limit: account.quota) }
  }

  /// How much of the quota is taken, from the running sum.
  package func quotaUse(_ account: MailAccount) async throws -> QuotaUse {
    let store = try store(account)
    return try await host.onFiles { try store.ledger.use(account.quota) }
  }

  /// Counts the files again and rewrites `maildirsize`.
  package func recount(_ account: MailAccount) async throws -> QuotaUse {
    let store = try store(account)
    return try await host.onFiles { try store.ledger.recount(account.quota) }
  }

  /// A folder, for reading or changing.
  ///
  /// - Throws: `noSuchFolder`.
  package func mailbox(_ account: MailAccount, name: MailboxName) async throws -> Mailbox {
    let store = try store(account)
    return Mailbox(name: name, account: account, store: store, key: try await store.openFolder(name))
  }

  /// A folder as a session begins to read it: its `\Recent` messages taken when `claimsRecent`, and what it holds.
  ///
  /// As `mailbox`, `Mailbox.claimRecent` and `Mailbox.snapshot` one after the other, in one step.
  ///
  /// - Throws: `noSuchFolder`.
  package func select(
    _ account: MailAccount, name: MailboxName, claimsRecent: Bool
  ) async throws -> (mailbox: Mailbox, recent: Range<UInt32>, snapshot: MailboxSnapshot) {
    let store = try store(account)
    let (key, recent, snapshot) = try await store.select(name, claimsRecent: claimsRecent)
    return (Mailbox(name: name, account: account, store: store, key: key), recent, snapshot)
  }

  /// All folders, subscribed names without folder included, by name.
  package func folders(_ account: MailAccount) async throws -> [FolderInfo] {
    let store = try store(account)
    return try await host.onFiles {
      try store.prepareMaildir(key: account.key)
      return try store.folderInfos()
    }
  }

  /// Makes a folder; levels above it need not exist.
  ///
  /// - Throws: `folderExists`, `badName`, `limit`.
  package func createFolder(_ account: MailAccount, name: MailboxName, specialUse: SpecialUse? = nil) async throws {
    try await store(account).createFolder(name, specialUse: specialUse)
  }

  /// Removes a folder and its mail; folders below it stay (RFC 9051 section 6.3.5).
  package func deleteFolder(_ account: MailAccount, name: MailboxName) async throws {
    try await store(account).deleteFolder(name)
  }

  /// Renames a folder and those below it; INBOX gives its messages away and stays (RFC 9051 section 6.3.6).
  package func renameFolder(_ account: MailAccount, from: MailboxName, to: MailboxName) async throws {
    try await store(account).renameFolder(from, to: to)
  }

  /// Adds a name to the subscriptions, whether or not the folder exists.
  package func subscribe(_ account: MailAccount, name: MailboxName) async throws {
    try await store(account).subscribe(name)
  }

  /// Takes a name from the subscriptions.
  package func unsubscribe(_ account: MailAccount, name: MailboxName) async throws {
    try await store(account).unsubscribe(name)
  }

  /// A folder's counts, without loading it when its directories are unchanged.
  package func status(_ account: MailAccount, name: MailboxName) async throws -> FolderStatus {
    try await store(account).status(name)
  }

  /// As `status`, with an exact size (RFC 8438): messages whose size no name tells are measured first.
  package func measuredStatus(_ account: MailAccount, name: MailboxName) async throws -> FolderStatus {
    let status = try await status(account, name: name)
    // Most of thousands of folders are empty: those need not be loaded.
    guard status.messages > 0 else { return status }
    let mailbox = try await mailbox(account, name: name)
    _ = try await mailbox.measuredSnapshot()
    return try await mailbox.store.statusLettingGo(name)
  }

  /// Fills in now what the index and the text index of an account's open folders lack, instead of in the background.
  package func finishIndexing(_ account: MailAccount) async throws {
    let store = try store(account)
    await store.startFilling()
    while await store.fill(host.filler, steps: settings.fillSteps, isPatient: false) {}
  }

  /// Takes the mailbox for one POP3 session; `nil` when another has it (`[IN-USE]`).
  package func lockForPOP(_ account: MailAccount) -> POPLease? {
    guard let store = try? store(account), !store.popHeld.exchange(true, ordering: .acquiringAndReleasing) else {
      return nil
    }
    return POPLease { store.popHeld.store(false, ordering: .releasing) }
  }
}

/// Holds a mailbox for one POP3 session; released when cancelled or let go.
package final class POPLease: Sendable {
  private let onRelease: @Sendable () -> Void
  private let isDone = Atomic<Bool>(false)

  init(onRelease: @escaping @Sendable () -> Void) { self.onRelease = onRelease }

  /// Gives the mailbox free; more than once does no harm.
  package func release() { if !isDone.exchange(true, ordering: .relaxed) { onRelease() } }

  deinit { release() }
}

extension MailStore {
  /// Removes what interrupted work left behind; to be called at start and daily.
  ///
  /// Stale files in `tmp/`, folders whose removal was interrupted, kept messages whose time is over. Where an undelete
  /// was interrupted, mail is counted again. Indexes that changed since are backed up.
  package func sweep(accounts: [MailAccount]) async throws {
    for account in accounts {
      do { try await sweep(account) } catch let error as StoreError where error.code != .closed {
        host.log.warning("not swept", metadata: ["account": "\(account.key)", "error": "\(error)"])
      }
    }
  }

  private func sweep(_ account: MailAccount) async throws {
    let store = try registry.account(account.directory)
    let expired = try await host.onFiles {
      store.sweepTemporaryFiles()
      if store.kept.wasInterrupted() { _ = try store.ledger.recount(account.quota) }
      return store.kept.sweep()
    }
    if let expired { try await store.forgetKept(before: expired) }
    try await store.backUpIndexIfChanged()
  }
}
