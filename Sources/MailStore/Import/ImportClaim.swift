import Glibc

/// Taking a source's UIDVALIDITY over, and which of its UIDs may be given.
///
/// A folder that never gave a UID becomes the source's: UIDVALIDITY, UIDNEXT, and each message's UID. It is a new
/// folder to sessions that have it open. What belongs to it is kept in the index beside the folder: `import-next`,
/// UIDNEXT as the import left it, and `import-placed`, the highest UID it gave. While nobody else took UIDs, those between the two are
/// the source's to give; afterwards only those above UIDNEXT.
extension Index {
  /// The lowest UID of a source that may be given in a folder now.
  func importFloor(_ row: FolderRow) throws -> UInt32 {
    guard let next = try meta("import-next:\(row.id)"), next == Int64(row.uidNext) else { return row.uidNext }
    return UInt32(clamping: (try meta("import-placed:\(row.id)") ?? 0) + 1)
  }

  /// Notes UIDNEXT and the highest UID given.
  func noteImport(_ folder: Int64, next: UInt32, placed: UInt32) throws {
    try setMeta("import-next:\(folder)", Int64(next))
    try setMeta("import-placed:\(folder)", Int64(placed))
  }

  /// Whether some folder of this name had that UIDVALIDITY from a source before.
  func isSpent(_ uidValidity: UInt32, _ name: MailboxName) throws -> Bool {
    try meta("import-validity:\(uidValidity):\(name.path)") != nil
  }

  /// Makes a folder that never gave a UID the source's.
  func adopt(_ row: FolderRow, uidValidity: UInt32, uidNext: UInt32, modSeq: UInt64, objectID: String) throws
    -> FolderRow?
  {
    try removeFolder(id: row.id)
    guard let made = try addFolder(row.name, uidValidity: uidValidity, modSeq: modSeq, objectID: objectID) else {
      return nil
    }
    try database.statement("UPDATE folder SET uid_next = ?2 WHERE id = ?1").bind(1, made.id).bind(2, Int64(uidNext))
      .run()
    try noteImport(made.id, next: uidNext, placed: 0)
    try setMeta("import-validity:\(uidValidity):\(row.name.path)", made.id)
    return try folder(id: made.id)
  }

  private func meta(_ key: String) throws -> Int64? {
    let statement = try database.statement("SELECT value FROM meta WHERE key = ?1").bind(1, key)
    defer { statement.reset() }
    return try statement.step() ? statement.integer(0) : nil
  }

  private func setMeta(_ key: String, _ value: Int64) throws {
    try database.statement("INSERT OR REPLACE INTO meta(key, value) VALUES(?1, ?2)").bind(1, key).bind(2, value).run()
  }
}

extension MailImport {
  /// Room that a source's numbers must leave above them.
  private static let sparedValidities: UInt32 = 1 << 20
  private static let sparedUIDs: UInt32 = 1 << 24

  /// Whether a source's numbers can be gone on with.
  private static func isUsable(uidValidity: UInt32, uidNext: UInt32) -> Bool {
    uidValidity > 0 && uidValidity < .max - sparedValidities && uidNext > 0 && uidNext < .max - sparedUIDs
  }

  /// What will become of UIDs in a folder, without changing anything.
  func plannedUIDs(_ name: MailboxName) throws -> ImportedFolder.UIDs {
    guard let known = numbers[name] else { return .unknown }
    guard Self.isUsable(uidValidity: known.uidValidity, uidNext: known.uidNext) else { return .unusable }
    guard let index, let row = try index.folder(name) else { return .kept }
    if row.uidValidity == known.uidValidity { return .kept }
    guard row.uidNext == 1 else { return .own }
    return try index.isSpent(known.uidValidity, name) ? .spent : .kept
  }

  /// Makes the folder the source's where that may be; afterwards its UIDs may be given as far as `importFloor` says.
  func claim(_ name: MailboxName, _ index: Index) throws -> (row: FolderRow, uids: ImportedFolder.UIDs) {
    try index.database.transaction(durable: true) {
      guard index.isCurrent(path: store.indexPath), var row = try index.folder(name) else {
        throw StoreError(.temporary, "another program changed \(name) meanwhile; import again to go on")
      }
      let planned = try plannedUIDs(name)
      guard planned == .kept, let known = numbers[name] else { return (row, planned) }
      if row.uidValidity != known.uidValidity {
        try store.allowUIDValidity(known.uidValidity)
        let object = "F" + String(UInt64.random(in: 0...UInt64.max), radix: 36) + String(known.uidValidity, radix: 36)
        let modSeq = UInt64(clamping: max(1, store.host.time.now.milliseconds))
        if let made = try index.adopt(
          row, uidValidity: known.uidValidity, uidNext: known.uidNext, modSeq: modSeq, objectID: object)
        {
          row = made
        }
      } else if known.uidNext > row.uidNext {
        let floor = try index.importFloor(row)
        try index.database.statement("UPDATE folder SET uid_next = ?2 WHERE id = ?1").bind(1, row.id)
          .bind(2, Int64(known.uidNext)).run()
        // What lies between was free, so the source's UIDs may fill it.
        try index.noteImport(row.id, next: known.uidNext, placed: max(floor, 1) - 1)
        row.uidNext = known.uidNext
      }
      return (row, .kept)
    }
  }
}

extension AccountStore {
  /// Sees to it that a UIDVALIDITY counts as given: later ones lie above, and a lost index is still believed.
  nonisolated func allowUIDValidity(_ value: UInt32) throws {
    let path = directory + "/uidvalidity"
    let bytes = try FileSystem.contents(path, limit: 64) ?? []
    let stored = UInt32(String(decoding: bytes.prefix { $0 != 0x0a }, as: UTF8.self)) ?? 0
    if stored < value { try FileSystem.replace(path, with: Array("\(value)\n".utf8), durable: true) }
  }

  /// A folder's row, made with its directory where there is none; nothing else is loaded.
  func prepareForImport(_ name: MailboxName) throws {
    do { try createFolder(name, specialUse: nil) } catch let error as StoreError where error.code == .folderExists {}
    try perform { _ = try folderKey(name, $0) }
  }
}
