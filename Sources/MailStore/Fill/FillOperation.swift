import Basics
import MailSyntax

/// The next thing to fill in for an account.
struct FillWork: Sendable {
  /// One message.
  struct Item: Sendable {
    var message: LocatedMessage
    /// Known when the index has the message's entry.
    var emailID: String?
  }
  /// What is to be done.
  enum Step: Sendable {
    /// Find out up to which UID the text index goes; these are all folders there are, told once.
    case mark(Set<Int64>?)
    /// Let text go of messages that are not among these.
    case retain([UInt32])
    /// Enter messages, up to a UID.
    case enter([Item], upTo: UInt32)
  }
  var key: FolderKey
  var identity: Int64
  var step: Step

  /// Messages read in one go.
  static let batch = 64
  /// Messages looked at in one go; most are only linked to text that is known, when an index was made anew.
  static let most = 1024
  /// Octets of files read in one go, unless the first is larger.
  static let batchBytes = 4 << 20
}

/// A message read for the index.
private struct FilledMessage: Sendable {
  var computed: ComputedEntry?
  var entry: TextIndex.Entry?
}

/// Filling the index behind deliveries.
extension AccountStore {
  /// Starts filling this account's index: a session came that asks for more than messages.
  func startFilling() {
    guard !wantsFill else { return }
    wantsFill = true
    for view in views.values { noteFill(view) }
  }

  /// Tells the filler when a view has something for it.
  func noteFill(_ view: FolderView) {
    if wantsFill, view.needsFill(text: text.isOn) { host.filler.note(self) }
  }

  /// Does what is waiting; gives up quietly on failure, as everything is computed again when somebody asks.
  ///
  /// - Parameters:
  ///   - steps: after so many it is the next account's turn.
  ///   - isPatient: steps back while messages pour in.
  /// - Returns: whether more is waiting.
  nonisolated func fill(_ filler: IndexFiller, steps: Int, isPatient: Bool) async -> Bool {
    var left = steps
    do {
      while let work = try await nextFill() {
        left -= 1
        if left < 0 || Task.isCancelled { return !Task.isCancelled }
        switch work.step {
        case .mark(let folders):
          let mark = try await filler.run { [text] in
            text.mark(identity: work.identity, folder: work.key.id, of: folders)
          }
          try await setTextMark(work.key, mark ?? .max)
        case .retain(let uids):
          try await filler.run { [text] in text.retain(identity: work.identity, folder: work.key.id, uids) }
        case .enter(let items, let last):
          try await enter(items, upTo: last, work, filler, isPatient: isPatient)
        }
      }
      guard let identity = await openIdentity() else { return false }
      while try await filler.run({ [text] in text.splitNext(identity: identity) }) {
        left -= 1
        if left < 0 || Task.isCancelled { return !Task.isCancelled }
        if isPatient { await filler.waitForQuiet() }
      }
    } catch {
      host.log.debug("index not filled", metadata: ["account": "\(directory)", "error": "\(error)"])
    }
    text.releaseMemory()
    await releaseIndexMemory()
    return false
  }

  private nonisolated func enter(
    _ items: [FillWork.Item], upTo last: UInt32, _ work: FillWork, _ filler: IndexFiller, isPatient: Bool
  ) async throws {
    let known = try await filler.run { [text] in
      text.known(identity: work.identity, items.compactMap(\.emailID))
    }
    // Where the text is known by its EMAILID nothing is read, and a search that comes meanwhile would read it all.
    if isPatient, !items.allSatisfy({ isKnown($0, known) }) { await filler.waitForQuiet() }
    let found = try await filler.run { [self] in items.map { item in read(item, known) } }
    var filled = found.compactMap { $0 }
    for (item, message) in zip(items, found) where message == nil {
      // Renamed since it was located; or gone, which the next look will tell.
      guard let file = try? await open(work.key, item.message.uid) else { continue }
      let bytes = try await file.bytes()
      let seconds = FileSystem.facts(descriptor: file.descriptor)?.seconds ?? 0
      filled.append(try await filler.run { [self] in compute(item, bytes, seconds: seconds, known) })
    }
    let entries = filled.compactMap(\.entry)
    let isEntered = try await filler.run { [text] in
      text.add(identity: work.identity, folder: work.key.id, entries, upTo: last)
    }
    try await finishFill(work.key, filled.compactMap(\.computed), upTo: last, textMark: isEntered ? last : .max)
  }

  /// Reads one message; `nil` when it is not where it was.
  private nonisolated func read(_ item: FillWork.Item, _ known: Set<String>) -> FilledMessage? {
    if let emailID = item.emailID, isKnown(item, known) {
      return FilledMessage(computed: nil, entry: TextIndex.Entry(uid: item.message.uid, emailID: emailID, text: nil))
    }
    guard let file = try? Self.readDatedFile(item.message) else { return nil }
    return compute(item, file.bytes, seconds: file.seconds, known)
  }

  /// Whether a message need not be read: the index has its entry, and the text index its text.
  private nonisolated func isKnown(_ item: FillWork.Item, _ known: Set<String>) -> Bool {
    item.emailID.map { !text.isOn || known.contains($0) } ?? false
  }

  private nonisolated func compute(
    _ item: FillWork.Item, _ bytes: [UInt8], seconds: Int64, _ known: Set<String>
  ) -> FilledMessage {
    let computed = item.emailID == nil ? Self.compute(bytes, uid: item.message.uid, seconds: seconds) : nil
    guard text.isOn, let emailID = item.emailID ?? computed?.details.emailID else {
      return FilledMessage(computed: computed, entry: nil)
    }
    let searched = SearchText(bytes, limit: host.settings.textMessageBytes)
    return FilledMessage(
      computed: computed, entry: TextIndex.Entry(uid: item.message.uid, emailID: emailID, text: searched))
  }

  private func releaseIndexMemory() { index?.database.releaseMemory() }

  /// The open index's number; `nil` when none is open, as nothing is to be done then.
  private func openIdentity() -> Int64? { text.isOn ? index?.identity : nil }

  /// What is to be filled in next; looks only at what is loaded.
  private func nextFill() throws -> FillWork? {
    guard !isClosed, index != nil, !views.isEmpty || !removedFolders.isEmpty else { return nil }
    return try perform { index in
      if let folder = removedFolders.popLast() {
        return FillWork(key: FolderKey(id: folder, epoch: epoch), identity: index.identity, step: .retain([]))
      }
      for view in views.values {
        let key = FolderKey(id: view.id, epoch: epoch)
        let work = { FillWork(key: key, identity: index.identity, step: $0) }
        if text.isOn, view.textMark == nil { return work(.mark(try textFolders(index))) }
        if view.hasVanished {
          view.hasVanished = false
          if text.isOn { return work(.retain(view.records.map(\.uid))) }
        }
        guard view.needsFill(text: text.isOn), let items = try items(view, index) else { continue }
        return work(.enter(items, upTo: items.last?.message.uid ?? view.uidNext - 1))
      }
      return nil
    }
  }

  /// All folders of the index, at the first time since it was opened.
  private func textFolders(_ index: Index) throws -> Set<Int64>? {
    guard textCheckedFor != index.identity else { return nil }
    textCheckedFor = index.identity
    let rows = try index.database.statement("SELECT id FROM folder")
    defer { rows.reset() }
    var folders: Set<Int64> = []
    while try rows.step() { folders.insert(rows.integer(0)) }
    return folders
  }

  private func items(_ view: FolderView, _ index: Index) throws -> [FillWork.Item]? {
    let from = view.fillStart(text: text.isOn)
    let folder = FolderPlace(view.path, opens: true)
    var items: [FillWork.Item] = []
    var unread = 0
    var bytes = 0
    try index.database.reading {
      for position in view.lowerBound(from + 1)..<view.records.count {
        let record = view.records[position]
        if unread >= FillWork.batch || items.count >= FillWork.most { break }
        if bytes > 0, bytes + record.fileSize > FillWork.batchBytes { break }
        bytes += max(1, record.fileSize)
        let statement = try index.database.statement("SELECT email_id FROM message_keys WHERE id = ?1")
          .bind(1, Index.key(view.id, record.uid))
        let emailID = try statement.step() ? statement.text(0) : ""
        statement.reset()
        if emailID.isEmpty { unread += 1 }
        let message = LocatedMessage(uid: record.uid, folder: folder, name: view.nameInFolder(position), wireBytes: nil)
        items.append(FillWork.Item(message: message, emailID: emailID.isEmpty ? nil : emailID))
      }
    }
    return items.isEmpty ? nil : items
  }

  private func setTextMark(_ key: FolderKey, _ mark: UInt32) throws {
    guard key.epoch == epoch, let view = views[key.id] else { return }
    view.textMark = mark
  }

  private func finishFill(_ key: FolderKey, _ computed: [ComputedEntry], upTo uid: UInt32, textMark: UInt32) throws {
    guard key.epoch == epoch, let view = views[key.id] else { return }
    view.filled = max(view.filled, uid)
    view.textMark = max(view.textMark ?? 0, textMark)
    view.rowChanged = true
    if computed.isEmpty {
      try perform { try save(view, $0) }
    } else {
      try keepEntries(key, computed)
    }
  }
}
