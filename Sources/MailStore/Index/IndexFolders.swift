import Basics

/// Folder rows and message pages.
extension Index {
  static let columns = """
    id, name, uid_validity, uid_next, mod_seq, recent_from, expunged_floor, keywords, object_id, new_stamp, cur_stamp,
    messages, unseen, deleted, wire_bytes, file_bytes, recent, filled
    """

  /// As `columns`, from an index of an older version.
  static func columns(ofVersion version: Int64) -> String {
    version < 4 ? columns.replacing("filled", with: "0") : columns
  }

  func folder(_ name: MailboxName) throws -> FolderRow? {
    let statement = try database.statement("SELECT \(Self.columns) FROM folder WHERE name = ?1").bind(1, name.path)
    defer { statement.reset() }
    return try statement.step() ? Self.row(statement) : nil
  }

  func folder(id: Int64) throws -> FolderRow? {
    let statement = try database.statement("SELECT \(Self.columns) FROM folder WHERE id = ?1").bind(1, id)
    defer { statement.reset() }
    return try statement.step() ? Self.row(statement) : nil
  }

  func folders() throws -> [FolderRow] {
    let statement = try database.statement("SELECT \(Self.columns) FROM folder")
    defer { statement.reset() }
    var rows: [FolderRow] = []
    while try statement.step() { if let row = Self.row(statement) { rows.append(row) } }
    return rows
  }

  static func row(_ statement: Statement) -> FolderRow? {
    guard let name = try? MailboxName(statement.text(1)) else { return nil }
    let keywords = statement.text(7)
    return FolderRow(
      id: statement.integer(0), name: name, uidValidity: UInt32(clamping: statement.integer(2)),
      uidNext: UInt32(clamping: statement.integer(3)), modSeq: UInt64(clamping: statement.integer(4)),
      recentFrom: UInt32(clamping: statement.integer(5)), expungedFloor: UInt64(clamping: statement.integer(6)),
      keywords: keywords.isEmpty
        ? [] : keywords.split(separator: "\n", omittingEmptySubsequences: false).prefix(64).map(String.init),
      objectID: statement.text(8),
      stamps: FolderView.Stamps(new: statement.integer(9), cur: statement.integer(10)),
      totals: FolderTotals(
        messages: Int(statement.integer(11)), unseen: Int(statement.integer(12)), deleted: Int(statement.integer(13)),
        wireBytes: statement.integer(14), fileBytes: statement.integer(15)),
      recent: Int(statement.integer(16)), filled: UInt32(clamping: statement.integer(17)))
  }

  /// Makes a folder's row.
  func addFolder(_ name: MailboxName, uidValidity: UInt32, modSeq: UInt64, objectID: String) throws -> FolderRow? {
    try write {
      try database.statement(
        """
        INSERT INTO folder(name, uid_validity, uid_next, mod_seq, recent_from, expunged_floor, keywords, object_id)
        VALUES(?1, ?2, 1, ?3, 1, ?3, '', ?4)
        """
      ).bind(1, name.path).bind(2, Int64(uidValidity)).bind(3, Int64(clamping: modSeq)).bind(4, objectID).run()
      return try folder(name)
    }
  }

  /// The greatest UIDVALIDITY any folder of the account has.
  func highestUIDValidity() throws -> Int64 { try database.integer("SELECT max(uid_validity) FROM folder") ?? 0 }

  /// Gives a folder another name; its backup is to be forgotten with it.
  func renameFolder(id: Int64, to name: MailboxName) throws {
    try write {
      try database.statement("UPDATE folder SET name = ?2 WHERE id = ?1").bind(1, id).bind(2, name.path).run()
    }
  }

  /// Forgets a folder and all of its messages.
  func removeFolder(id: Int64) throws {
    try write {
      try forgetBackups([id])
      for table in ["page", "expunged", "message_index", "message_keys", "message_uidl"] {
        try database.statement("DELETE FROM \(table) WHERE id BETWEEN ?1 AND ?2")
          .bind(1, id << 32).bind(2, id << 32 | 0xffff_ffff).run()
      }
      try database.statement("DELETE FROM folder WHERE id = ?1").bind(1, id).run()
    }
  }

  /// Reads all pages into a view; `false` when one of them makes no sense.
  func loadPages(into view: FolderView, expecting count: Int) throws -> Bool {
    view.reserve(max(0, min(count, 1 << 22)))
    let statement = try database.statement("SELECT id, records FROM page WHERE id BETWEEN ?1 AND ?2 ORDER BY id")
      .bind(1, view.id << 32).bind(2, view.id << 32 | 0xffff_ffff)
    defer { statement.reset() }
    while try statement.step() {
      let page = UInt32(truncatingIfNeeded: statement.integer(0))
      guard statement.withBlob(1, { PageCodec.decode($0, page: page, into: view) }) else { return false }
    }
    return true
  }

  /// Takes a block of UIDs for a view; on return the disk knows, so that they are never given again.
  func reserve(_ view: FolderView, count: UInt32) throws {
    try write(durable: true) {
      let statement = try database.statement("SELECT uid_next, backup_limit FROM folder WHERE id = ?1")
        .bind(1, view.id)
      guard try statement.step() else { throw StoreError(.gone, "the folder was deleted") }
      let stored = UInt32(clamping: statement.integer(0))
      let bound = statement.integer(1)
      statement.reset()
      // Another process took UIDs meanwhile: ours left over lie below its and must not be used any more.
      if stored != view.reservedEnd { view.uidNext = max(view.uidNext, stored) }
      let (end, overflow) = max(view.uidNext, stored).addingReportingOverflow(count)
      guard !overflow else { throw StoreError(.limit, "no UIDs left") }
      if bound > 0, Int64(end) > bound { try moveBackupBound(view.id, reaching: Int64(end)) }
      try database.statement("UPDATE folder SET uid_next = ?2 WHERE id = ?1").bind(1, view.id).bind(2, Int64(end)).run()
      view.reservedEnd = end
    }
  }

  /// Returns UIDs that were reserved and not handed out; gives the new end of the reservation.
  func giveBack(_ view: FolderView) throws -> UInt32 {
    try write {
      try database.statement("UPDATE folder SET uid_next = ?2 WHERE id = ?1 AND uid_next = ?3")
        .bind(1, view.id).bind(2, Int64(view.uidNext)).bind(3, Int64(view.reservedEnd)).run()
      return try folder(id: view.id)?.uidNext ?? view.reservedEnd
    }
  }

  /// Writes what changed in a view.
  func save(_ view: FolderView, stamps: FolderView.Stamps, rememberedExpunges: Int) throws {
    for page in view.dirtyPages {
      let records = PageCodec.encode(view, page: page)
      let key = view.id << 32 | Int64(page)
      if records.isEmpty {
        try database.statement("DELETE FROM page WHERE id = ?1").bind(1, key).run()
      } else {
        try database.statement("INSERT OR REPLACE INTO page(id, records) VALUES(?1, ?2)").bind(1, key).bind(2, records)
          .run()
      }
    }
    for run in view.unsavedExpunges { try saveExpunge(view.id, run) }
    if !view.unsavedExpunges.isEmpty { try boundExpunges(view, most: rememberedExpunges) }
    try saveRow(view, stamps: stamps)
  }

  private func saveExpunge(_ folder: Int64, _ run: ExpungedRun) throws {
    try database.statement("INSERT OR REPLACE INTO expunged(id, last, mod_seq) VALUES(?1, ?2, ?3)")
      .bind(1, Self.key(folder, run.first)).bind(2, Int64(run.last)).bind(3, Int64(clamping: run.modSeq)).run()
    for table in ["message_index", "message_keys", "message_uidl"] {
      try database.statement("DELETE FROM \(table) WHERE id BETWEEN ?1 AND ?2")
        .bind(1, Self.key(folder, run.first)).bind(2, Self.key(folder, run.last)).run()
    }
  }

  private func boundExpunges(_ view: FolderView, most: Int) throws {
    let range = (view.id << 32, view.id << 32 | 0xffff_ffff)
    let count = try database.statement("SELECT count(*) FROM expunged WHERE id BETWEEN ?1 AND ?2")
      .bind(1, range.0).bind(2, range.1)
    defer { count.reset() }
    guard try count.step(), count.integer(0) > Int64(most) else { return }
    let middle = try database.statement(
      "SELECT mod_seq FROM expunged WHERE id BETWEEN ?1 AND ?2 ORDER BY mod_seq LIMIT 1 OFFSET ?3"
    ).bind(1, range.0).bind(2, range.1).bind(3, count.integer(0) / 2)
    defer { middle.reset() }
    guard try middle.step() else { return }
    let floor = middle.integer(0)
    try database.statement("DELETE FROM expunged WHERE id BETWEEN ?1 AND ?2 AND mod_seq <= ?3")
      .bind(1, range.0).bind(2, range.1).bind(3, floor).run()
    view.expungedFloor = max(view.expungedFloor, UInt64(clamping: floor))
  }

  private func saveRow(_ view: FolderView, stamps: FolderView.Stamps) throws {
    let recent = view.records.count - view.lowerBound(view.recentFrom)
    let totals = view.totals
    try database.statement(
      """
      UPDATE folder SET mod_seq = ?2, recent_from = ?3, expunged_floor = ?4, keywords = ?5, new_stamp = ?6,
      cur_stamp = ?7, messages = ?8, unseen = ?9, deleted = ?10, wire_bytes = ?11, file_bytes = ?12, recent = ?13,
      filled = ?14
      WHERE id = ?1
      """
    ).bind(1, view.id).bind(2, Int64(clamping: view.highestModSeq)).bind(3, Int64(view.recentFrom))
      .bind(4, Int64(clamping: view.expungedFloor)).bind(5, view.keywords.joined(separator: "\n"))
      .bind(6, stamps.new).bind(7, stamps.cur).bind(8, Int64(totals.messages)).bind(9, Int64(totals.unseen))
      .bind(10, Int64(totals.deleted)).bind(11, totals.wireBytes).bind(12, totals.fileBytes).bind(13, Int64(recent))
      .bind(14, Int64(view.filled)).run()
  }

  /// What vanished after a MODSEQ, as runs by rising UID.
  func expunged(_ folder: Int64, since modSeq: UInt64) throws -> [ExpungedRun] {
    let statement = try database.statement(
      "SELECT id, last, mod_seq FROM expunged WHERE id BETWEEN ?1 AND ?2 AND mod_seq > ?3 ORDER BY id"
    ).bind(1, folder << 32).bind(2, folder << 32 | 0xffff_ffff).bind(3, Int64(clamping: modSeq))
    defer { statement.reset() }
    var runs: [ExpungedRun] = []
    while try statement.step() {
      runs.append(
        ExpungedRun(
          first: UInt32(truncatingIfNeeded: statement.integer(0)), last: UInt32(clamping: statement.integer(1)),
          modSeq: UInt64(clamping: statement.integer(2))))
    }
    return runs
  }
}
