import Basics
import Glibc

/// Giving a staged batch its place: names, UIDs and index in one step.
///
/// While the index is locked nobody else can give UIDs to the files that appear. A kill between the names and the
/// commit leaves files that no index knows: the next run finds them by their names and goes on with them.
extension MailImport {
  /// - Returns: the messages with their UIDs and names.
  /// - Throws: `StoreError` or `DatabaseError`; nothing of the batch stays then.
  func place(_ messages: [StagedMessage], folder: FolderRow, path: String, _ index: Index) throws -> [StagedMessage] {
    var messages = messages
    var renamed: [(from: String, to: String, isOurs: Bool)] = []
    do {
      try index.database.transaction(durable: true) {
        guard index.isCurrent(path: store.indexPath), let row = try index.folder(id: folder.id) else {
          throw StoreError(.temporary, "\(folder.name) was deleted or its index replaced meanwhile; import again")
        }
        let next = try assign(&messages, row, index)
        for position in messages.indices {
          let message = messages[position]
          let target = "\(path)/cur/\(message.base)\(MaildirName.info(message.flags))"
          messages[position].target = target
          guard target != message.path else { continue }
          guard !FileSystem.exists(target) else {
            throw StoreError(.temporary, "\(target) came meanwhile; import again to go on")
          }
          if rename(message.path, target) != 0 { throw FileSystem.failure("rename", target) }
          renamed.append((message.path, target, message.isOurs))
        }
        try FileSystem.syncDirectory(path + "/cur")
        try enter(messages, row, next: next, index)
      }
    } catch {
      for name in renamed.reversed() where rename(name.to, name.from) != 0 {
        store.host.log.warning("import not undone", metadata: ["file": "\(name.to)"])
      }
      for message in messages where message.isOurs { unlink(message.path) }
      throw error
    }
    return messages
  }

  /// Gives the source's UIDs as far as they may be given, new ones to the others; returns UIDNEXT.
  private func assign(_ messages: inout [StagedMessage], _ row: FolderRow, _ index: Index) throws -> UInt32 {
    let keepsUIDs = numbers[row.name]?.uidValidity == row.uidValidity
    var floor = try index.importFloor(row)
    var next = row.uidNext
    for position in messages.indices {
      var uid = next
      if keepsUIDs, let old = messages[position].candidate.uid, old >= floor { uid = old }
      guard uid < .max - 1 else { throw StoreError(.limit, "no UIDs left in \(row.name)") }
      messages[position].uid = uid
      floor = uid + 1
      next = max(next, uid + 1)
    }
    return next
  }

  /// Writes pages, unique ids and the folder's row.
  private func enter(_ messages: [StagedMessage], _ row: FolderRow, next: UInt32, _ index: Index) throws {
    guard let last = messages.last else { return }
    let database = index.database
    if let limit = try index.backupLimit(row.id), limit > 0, Int64(next) > limit {
      try index.moveBackupBound(row.id, reaching: Int64(next))
    }
    let view = FolderView(row: row, path: "")
    let modSeq = view.nextModSeq(now: store.host.time.now.milliseconds)
    let now = UInt32(clamping: store.host.time.now.seconds)
    let letters = try dovecotKeywords(row.name)
    var added = FolderTotals()
    var page: UInt32?
    for message in messages {
      if page != message.uid >> 6 {
        page = message.uid >> 6
        try index.loadPage(message.uid >> 6, of: row, into: view)
      }
      var record = MessageRecord(uid: message.uid)
      record.flags = message.flags
      record.modSeq = modSeq
      record.internalSeconds = UInt32(clamping: message.seconds)
      record.saveSeconds = now
      record.fileBytes = UInt32(clamping: message.fileBytes)
      record.wireBytes = UInt32(clamping: message.wireBytes)
      record.state = [.measured, .wireKnown]
      if message.isOpenEnded { record.state.insert(.openEnded) }
      let info = message.candidate.info.dropFirst(2).prefix { $0 != UInt8(ascii: ",") }
      record.keywords = bits(letters.keywords(info) + message.candidate.keywords, view)
      var base = message.base
      base.withUTF8 { view.append(record, base: UnsafeRawBufferPointer($0), isSaved: false) }
      added.add(record)
    }
    for page in view.dirtyPages {
      try database.statement("INSERT OR REPLACE INTO page(id, records) VALUES(?1, ?2)")
        .bind(1, row.id << 32 | Int64(page)).bind(2, PageCodec.encode(view, page: page)).run()
    }
    try keepUniqueIDs(messages, row, index)
    try database.statement(
      """
      UPDATE folder SET uid_next = ?2, mod_seq = ?3, recent_from = max(recent_from, ?4), keywords = ?5, new_stamp = 0,
      cur_stamp = 0, messages = messages + ?6, unseen = unseen + ?7, deleted = deleted + ?8,
      wire_bytes = wire_bytes + ?9, file_bytes = file_bytes + ?10 WHERE id = ?1
      """
    ).bind(1, row.id).bind(2, Int64(next)).bind(3, Int64(clamping: modSeq)).bind(4, Int64(last.uid) + 1)
      .bind(5, view.keywords.joined(separator: "\n")).bind(6, Int64(added.messages)).bind(7, Int64(added.unseen))
      .bind(8, Int64(added.deleted)).bind(9, added.wireBytes).bind(10, added.fileBytes).run()
    try index.noteImport(row.id, next: next, placed: last.uid)
  }

  /// The bits of keywords, made where there is room.
  private func bits(_ keywords: [String], _ view: FolderView) -> UInt64 {
    var bits: UInt64 = 0
    for keyword in keywords {
      let folded = keyword.lowercased()
      if let known = view.keywords.firstIndex(where: { $0.lowercased() == folded }) {
        bits |= 1 << UInt64(known)
        continue
      }
      let settings = store.host.settings
      let isKeyword =
        !keyword.isEmpty && keyword.utf8.count <= settings.keywordBytes
        && keyword.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f && !"(){%*\"\\]".utf8.contains($0) }
      guard isKeyword, view.keywords.count < min(64, settings.keywordsPerMailbox) else {
        if droppedKeywords.count < 100 { droppedKeywords.insert(keyword) }
        continue
      }
      view.keywords.append(keyword)
      bits |= 1 << UInt64(view.keywords.count - 1)
    }
    return bits
  }

  private func dovecotKeywords(_ name: MailboxName) throws -> DovecotKeywords {
    if let known = keywordLetters, known.name == name { return known.letters }
    let way = source.folders.first { $0.name == name }?.way ?? []
    let letters = try DovecotKeywords(root.directory(way) ?? root)
    keywordLetters = (name, letters)
    return letters
  }
}

extension Index {
  /// The UID up to which the backup allows; 0 for no backup.
  func backupLimit(_ folder: Int64) throws -> Int64? {
    let statement = try database.statement("SELECT backup_limit FROM folder WHERE id = ?1").bind(1, folder)
    defer { statement.reset() }
    return try statement.step() ? statement.integer(0) : nil
  }

  /// Adds what a page holds already to a view.
  func loadPage(_ page: UInt32, of row: FolderRow, into view: FolderView) throws {
    let statement = try database.statement("SELECT records FROM page WHERE id = ?1").bind(1, row.id << 32 | Int64(page))
    defer { statement.reset() }
    guard try statement.step() else { return }
    guard statement.withBlob(0, { PageCodec.decode($0, page: page, into: view) }) else {
      throw DatabaseError(code: 11, text: "a page of \(row.name) makes no sense; see: martinet mailbox rebuild")
    }
  }
}
