import Glibc

/// Replacing an index, and taking over what the old one still tells.
extension AccountStore {
  /// Where an index lies that was replaced, until its successor has taken over what it tells.
  nonisolated var salvagePath: String { indexPath + ".salvage" }
  /// Where it lies afterwards, for people to look at.
  nonisolated var brokenPath: String { indexPath + ".broken" }
  /// A copy of folders and UIDs, made now and then.
  nonisolated var backupPath: String { Index.backupPath(indexPath) }

  /// Moves a broken index aside; the next `openIndex` makes a new one from what it still tells.
  func replaceIndex(because reason: String) throws {
    host.log.error("index is rebuilt", metadata: ["index": "\(indexPath)", "reason": "\(reason)"])
    dropIndex()
    // While this lock is held no other process can reserve UIDs that the successor would not know of; a file that is
    // no database has no lock, and nobody reserves anything in it.
    let lock = try? Database(path: indexPath, busy: host.settings.databaseBusy)
    try? lock?.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    try? lock?.execute("BEGIN IMMEDIATE")
    try withExtendedLifetime(lock) { try Self.moveIndex(indexPath, to: salvagePath) }
  }

  private static func moveIndex(_ path: String, to target: String) throws {
    for suffix in ["", "-wal", "-shm"] {
      if rename(path + suffix, target + suffix) == 0 { continue }
      guard errno == ENOENT else { throw FileSystem.failure("rename", path + suffix) }
      // A log of an older file of that name must not be taken for this one's.
      if !suffix.isEmpty { unlink(target + suffix) }
    }
  }

  /// Fills a new index from its predecessor or the backup.
  func salvage(into index: Index) throws {
    let hasPredecessor = FileSystem.exists(salvagePath)
    guard hasPredecessor || (index.isNew && FileSystem.exists(backupPath)) else { return }
    let validities = highestSensibleUIDValidity()
    try index.write(durable: true) {
      guard try index.database.integer("SELECT count(*) FROM folder") == 0 else { return }
      var known: Set<MailboxName> = []
      for path in [salvagePath, backupPath] where FileSystem.exists(path) {
        let source = IndexSalvage(path: path, busy: host.settings.databaseBusy, highestUIDValidity: validities)
        for folder in source.folders() where known.insert(folder.row.name).inserted {
          try index.take(folder, now: host.time.now.milliseconds)
        }
        guard path == salvagePath else { continue }
        if let identity = source.identity { try index.take(identity: identity) }
        for note in source.keptKeywords() {
          try index.noteKept([(note.key, note.keywords.split(separator: "\n").map(String.init))], seconds: note.seconds)
        }
      }
    }
    if hasPredecessor { try Self.moveIndex(salvagePath, to: brokenPath) }
  }

  /// The highest UIDVALIDITY that can be believed: what the file says may have been given or, without that file, the time
  /// and as many more as folders may be made at once.
  private func highestSensibleUIDValidity() -> UInt32 {
    let bytes = (try? FileSystem.contents(directory + "/uidvalidity", limit: 64)).flatMap { $0 } ?? []
    let wall = UInt32(clamping: host.time.now.seconds)
    return UInt32(String(decoding: bytes.prefix { $0 != 0x0a }, as: UTF8.self))
      ?? UInt32(clamping: UInt64(wall) + UInt64(clamping: host.settings.foldersPerAccount))
  }

  /// Moves the index aside as if it were broken; gives the UIDVALIDITYs it had.
  func replaceIndexOnRequest() throws -> [MailboxName: UInt32] {
    closeIndex()
    guard FileSystem.exists(indexPath) else { return [:] }
    var before: [MailboxName: UInt32] = [:]
    do {
      let old = IndexSalvage(path: indexPath, busy: host.settings.databaseBusy, highestUIDValidity: .max)
      for row in old.rows() { before[row.name] = row.uidValidity }
    }
    try replaceIndex(because: "asked to rebuild")
    return before
  }

  /// What became of a folder in a new index.
  func rebuilt(_ name: MailboxName, uidValidityBefore: UInt32?) throws -> RebuiltFolder {
    try perform { index in
      let taken = try index.folder(name)
      let view = try view(folderKey(name, index), index)
      try sync(view, index)
      let kept = taken.map { row in view.records.prefix { $0.uid < row.uidNext }.count } ?? 0
      return RebuiltFolder(
        name: name, messages: view.records.count, keptUIDs: kept, isKnown: taken != nil,
        uidValidityBefore: uidValidityBefore, uidValidity: view.uidValidity)
    }
  }

  /// Writes the backup anew when the index was written after it.
  func backUpIndexIfChanged() throws {
    guard let index = FileSystem.facts(indexPath) else { return }
    let newest = max(index.modified, FileSystem.facts(indexPath + "-wal")?.modified ?? 0)
    if let backup = FileSystem.facts(backupPath), backup.modified >= newest { return }
    let wasOpen = self.index != nil
    try backUpIndex()
    // A round through all accounts keeps no index open that nobody uses.
    guard !wasOpen else { return }
    closeIndex()
    // Closing writes, but nothing that the backup does not hold.
    utimes(backupPath, nil)
  }

  /// Writes the backup anew.
  func backUpIndex() throws {
    guard FileSystem.exists(indexPath) else { return }
    try perform { index in
      for view in views.values { try save(view, index) }
      try index.backUp()
    }
  }
}
