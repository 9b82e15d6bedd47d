import Basics
import Glibc
import Logging
import Synchronization

/// A folder's number in the index that gave it.
struct FolderKey: Hashable, Sendable {
  var id: Int64
  var epoch: UInt64
}

/// The folders found in a Maildir when its date was this.
struct KnownFolders: Sendable {
  var stamp: Int64
  var folders: [(name: MailboxName, path: String)]
}

/// One account's folders and index. The actor runs on its own lane of blocking threads and never waits in the middle
/// of a change, so everything below it is plain sequential code.
actor AccountStore {
  nonisolated let lane: Lane
  nonisolated var unownedExecutor: UnownedSerialExecutor { lane.asUnownedSerialExecutor() }
  nonisolated let host: StoreHost
  /// `…/mail/<domain>/<user>`.
  nonisolated let directory: String
  nonisolated var maildir: String { directory + "/Maildir" }
  nonisolated var indexPath: String { directory + "/index.db" }
  nonisolated let ledger: QuotaLedger
  nonisolated let kept: KeptMail
  nonisolated let text: TextIndex
  /// Notices of folders that are loaded, by directory name, for deliveries to reach them without the actor.
  nonisolated let arrivals = Mutex<[String: FolderNotices]>([:])
  /// Whether the Maildir is known to be there.
  nonisolated let isPrepared = Atomic<Bool>(false)
  /// Entries that were told to a session and are still to be written.
  nonisolated let unkept = Mutex<[(key: FolderKey, entries: [ComputedEntry])]>([])
  nonisolated let knownFolders = Mutex<KnownFolders?>(nil)
  nonisolated let knownSubscriptions = Mutex<Subscriptions?>(nil)
  nonisolated let popHeld = Atomic<Bool>(false)
  nonisolated let accountEvents = AccountEvents()
  /// Octets of views, and whether the index is open, as last told to the store.
  nonisolated let memory: ViewMemory
  nonisolated let holdsIndex = Atomic<Bool>(false)
  /// Whether the index was used since `mayRest` was last asked.
  private nonisolated let wasUsed = Atomic<Bool>(false)
  /// Whether someone listens to a folder that no watch covers.
  nonisolated let isPolled = Atomic<Bool>(false)

  var index: Index?
  var views: [Int64: FolderView] = [:]
  var seats: [Int64: FolderSeat] = [:]
  /// Folders whose row is known, so that opening one again asks nothing.
  var folderIDs: [MailboxName: Int64] = [:]
  var isClosed = false
  /// Counts the rounds of `poll`.
  var pollRound: Int64 = 0
  /// Grows when the index was replaced: folder numbers of before mean nothing any more.
  var epoch: UInt64 = 0
  /// Whether somebody asks for what the index can answer; mailboxes that only POP3 reads are not indexed.
  var wantsFill = false
  /// The index whose folders were compared with the text index.
  var textCheckedFor: Int64?
  /// Folders that are gone and that the text index may still have.
  var removedFolders: [Int64] = []
  /// UIDVALIDITYs that the file allows and nobody has yet.
  var validities: Range<UInt32>?

  init(host: StoreHost, directory: String) {
    self.host = host
    self.directory = directory
    lane = Lane(pool: host.indexes)
    memory = ViewMemory(host: host)
    ledger = QuotaLedger(maildir: directory + "/Maildir", settings: host.settings, time: host.time)
    kept = KeptMail(account: directory, settings: host.settings, time: host.time)
    text = TextIndex(account: directory, settings: host.settings, log: host.log)
  }

  // MARK: The index

  /// Runs `body` with the index, mending what can be mended: a broken index is replaced, one that another process
  /// changed is read again.
  func perform<T>(_ body: (Index) throws -> T) throws -> T {
    guard !isClosed else { throw StoreError(.closed, "the account is closed") }
    wasUsed.store(true, ordering: .relaxed)
    var attempts = 0
    while true {
      do {
        let index = try openIndex()
        if try index.changedElsewhere() { forgetViews() }
        return try body(index)
      } catch let error as DatabaseError {
        guard error.isCorruption, attempts < 2 else { throw error.asStoreError }
        try replaceIndex(because: "\(error)")
      } catch is IndexReplacedElsewhere {
        guard attempts < 2 else { throw StoreError(.temporary, "the index is being replaced by another program") }
        dropIndex()
      } catch is IndexChangedElsewhere {
        guard attempts < 20 else { throw StoreError(.temporary, "the index is being changed by another program") }
        forgetViews()
      }
      attempts += 1
    }
  }

  private func openIndex() throws -> Index {
    if let index {
      if index.isCurrent(path: indexPath) { return index }
      host.log.warning("index was taken away; it is made anew", metadata: ["index": "\(indexPath)"])
      dropIndex()
    }
    try prepareMaildir(key: nil)
    let opened = try Index(path: indexPath, busy: host.settings.databaseBusy)
    try salvage(into: opened)
    index = opened
    if !holdsIndex.exchange(true, ordering: .relaxed) { host.openIndexes.wrappingAdd(1, ordering: .relaxed) }
    try checkViews(opened)
    return opened
  }

  /// Drops views that another process changed while the index was closed here, and what it may have made untrue.
  private func checkViews(_ index: Index) throws {
    folderIDs = [:]
    for view in views.values {
      let row = try index.folder(id: view.id)
      if row?.uidValidity != view.uidValidity || row?.uidNext != view.reservedEnd || row?.modSeq != view.savedModSeq {
        views[view.id] = nil
      }
    }
  }

  /// Writes what is not written and closes the index; views stay, and it is opened again when needed.
  func closeIndex() {
    keepUnkept()
    guard let open = index else { return }
    for view in views.values { settle(view, open) }
    index = nil
    text.close()
    if holdsIndex.exchange(false, ordering: .relaxed) { host.openIndexes.wrappingSubtract(1, ordering: .relaxed) }
  }

  /// Whether an index is open that nobody has used since this was last asked.
  nonisolated var mayRest: Bool {
    holdsIndex.load(ordering: .relaxed) && !wasUsed.exchange(false, ordering: .relaxed)
  }

  /// Closes the index unless the filler still has to do with it: an account that is only watched needs its views.
  ///
  /// - Returns: whether it did.
  func rest() -> Bool {
    guard !wasUsed.load(ordering: .relaxed), removedFolders.isEmpty else { return false }
    if wantsFill, views.values.contains(where: { $0.needsFill(text: text.isOn) }) { return false }
    closeIndex()
    return true
  }

  /// Drops the views nobody listens to.
  func dropViews() {
    for view in views.values where seats[view.id]?.listeners.isEmpty ?? true { letGo(view) }
  }

  /// Lets a view and its watch go, once what it holds is written.
  func letGo(_ view: FolderView) {
    if let index { settle(view, index) }
    guard view.dirtyPages.isEmpty, view.unsavedExpunges.isEmpty else { return }
    views[view.id] = nil
    if let seat = seats[view.id], !seat.distantListeners.isEmpty {
      // Looked at by its dates from now on; what came since the view was read shows at the first look.
      seat.watch = nil
      seat.place?.stamps = view.stamps
      isPolled.store(true, ordering: .relaxed)
      return
    }
    guard let seat = seats.removeValue(forKey: view.id) else { return }
    arrivals.withLock { all in all = all.filter { $0.value !== seat.notices } }
  }

  /// Ends all work; later calls throw `closed`.
  func shutdown() {
    closeIndex()
    isClosed = true
    views = [:]
    let listeners = seats.values.flatMap(\.everybody)
    seats = [:]
    arrivals.withLock { $0 = [:] }
    for listener in listeners { listener() }
  }

  /// Leaves a view in the index as the next one will want it: UIDs that were not handed out given back, the
  /// directories' stamps trusted if they can be.
  private func settle(_ view: FolderView, _ index: Index) {
    view.rowChanged = true
    try? save(view, index)
    guard view.uidNext != view.reservedEnd else { return }
    if let end = try? index.giveBack(view) { view.reservedEnd = end }
  }

  /// Forgets the index and everything that came from it.
  func dropIndex() {
    index = nil
    if holdsIndex.exchange(false, ordering: .relaxed) { host.openIndexes.wrappingSubtract(1, ordering: .relaxed) }
    epoch += 1
    folderIDs = [:]
    let listeners = seats.values.flatMap(\.everybody)
    views = [:]
    seats = [:]
    arrivals.withLock { $0 = [:] }
    for listener in listeners { listener() }
  }

  /// Reads views from the index again when they are next asked for; listeners stay.
  func forgetViews() {
    views = [:]
    folderIDs = [:]
    for seat in seats.values { seat.wakeAll() }
  }

  // MARK: Views

  /// The seat of a folder: what outlives its view.
  func seat(_ id: Int64) -> FolderSeat {
    if let seat = seats[id] { return seat }
    let seat = FolderSeat()
    seats[id] = seat
    return seat
  }

  /// A folder's view, loaded if need be, not yet compared with the Maildir.
  func view(_ key: FolderKey, _ index: Index) throws -> FolderView {
    guard key.epoch == epoch else { throw StoreError(.gone, "the index was replaced") }
    let id = key.id
    if let view = views[id] {
      view.lastUse = host.tick()
      return view
    }
    guard let row = try index.folder(id: id) else { throw StoreError(.gone, "the folder was deleted") }
    let directoryName = FolderNameCodec.directoryName(row.name)
    let path = directoryName.isEmpty ? maildir : "\(maildir)/\(directoryName)"
    let view = FolderView(row: row, path: path, memory: memory)
    let seat = seat(id)
    // First the watch, then the look: nothing falls between.
    if seat.watch == nil { watch(seat, path) }
    _ = seat.notices.take()
    arrivals.withLock { $0[directoryName] = seat.notices }
    guard try index.loadPages(into: view, expecting: row.totals.messages) else {
      throw DatabaseError(code: 11, text: "a page of \(row.name) makes no sense")
    }
    view.lastUse = host.tick()
    view.stamps = row.stamps
    view.mustRescan = !row.stamps.isKnown || stampsNow(path) != row.stamps
    views[id] = view
    if view.mustRescan { try reconcile(view, index) }
    noteFill(view)
    view.noteMemory()
    return view
  }

  /// Watches a folder's directories if there is a watch left.
  func watch(_ seat: FolderSeat, _ path: String) {
    seat.watchedInode = FileSystem.facts(path + "/cur")?.inode
    seat.watch = host.watcher.watch(folder: path, notices: seat.notices)
  }

  func stampsNow(_ path: String) -> FolderView.Stamps {
    FolderView.Stamps(
      new: FileSystem.facts(path + "/new")?.modified ?? 0, cur: FileSystem.facts(path + "/cur")?.modified ?? 0)
  }

  /// Nanoseconds of the system's civil time, which file systems stamp with.
  static func nanoseconds() -> Int64 {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    return Int64(now.tv_sec) &* 1_000_000_000 &+ Int64(now.tv_nsec)
  }

  /// The directory's stamps if nothing can have changed unnoticed under them, else zeros.
  ///
  /// A stamp younger than the file system's clock step may stand for two states of the directory.
  func settledStamps(_ view: FolderView) -> FolderView.Stamps {
    let now = stampsNow(view.path)
    let newest = max(now.new, now.cur)
    guard now.isKnown, Self.nanoseconds() - newest > 20_000_000 else { return FolderView.Stamps() }
    guard let seat = seats[view.id], !view.mustRescan else { return FolderView.Stamps() }
    if seat.watch != nil {
      host.watcher.drain()
      return seat.notices.isEmpty ? now : FolderView.Stamps()
    }
    return view.stamps == now && view.listedAt - newest > 20_000_000 ? now : FolderView.Stamps()
  }

  /// Writes what changed in a view to the index.
  ///
  /// Without space or while another process holds the index the view stays as it is in memory and is written later:
  /// a reserved UID is never given twice, and files and flags are on disk already.
  /// - Parameter strictly: throw then, because the index alone holds what was changed.
  func save(_ view: FolderView, _ index: Index, strictly: Bool = false) throws {
    let stamps = settledStamps(view)
    noteFill(view)
    view.noteMemory()
    guard !view.dirtyPages.isEmpty || !view.unsavedExpunges.isEmpty || view.rowChanged else { return }
    do {
      try index.write {
        try index.save(view, stamps: stamps, rememberedExpunges: host.settings.rememberedExpunges)
      }
      index.ifRolledBack {
        [view, pages = view.dirtyPages, expunges = view.unsavedExpunges, modSeq = view.savedModSeq] in
        view.dirtyPages.formUnion(pages)
        view.unsavedExpunges = expunges + view.unsavedExpunges
        view.rowChanged = true
        view.savedModSeq = modSeq
      }
      view.dirtyPages = []
      view.unsavedExpunges = []
      view.rowChanged = false
      view.savedModSeq = view.highestModSeq
    } catch let error as DatabaseError where !error.isCorruption {
      host.log.warning("index not written", metadata: ["index": "\(indexPath)", "error": "\(error)"])
      if strictly { throw error }
    }
  }

  /// Changes files and then views, as one transaction from the first file on: what another process does to the index is
  /// noticed before anything has changed, and not behind files that would be changed once more.
  ///
  /// When nothing but writing the index fails, what was done is done: views are written later.
  func change<T>(_ index: Index, _ body: () throws -> T) throws -> T {
    var result: T?
    do {
      return try index.write {
        let done = try body()
        result = done
        return done
      }
    } catch let error as DatabaseError where !error.isCorruption {
      guard let result else { throw error }
      host.log.warning("index not written", metadata: ["index": "\(indexPath)", "error": "\(error)"])
      return result
    }
  }

  /// Tells the listeners of a folder if its version moved since they were last told.
  func announce(_ view: FolderView) { seats[view.id]?.announce(view.publish()) }
}
