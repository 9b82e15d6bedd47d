import Basics

/// Reads what an index that is broken, replaced or only a backup still tells of folders and UIDs.
///
/// Nothing in it is believed that could make a UID stand for two messages: a folder whose row makes no sense is left
/// out, a page that cannot be read is left out, and its messages get new UIDs.
struct IndexSalvage {
  /// A folder with the messages that could be read.
  struct Folder {
    var row: FolderRow
    var view: FolderView
    var uidls: [KeptUniqueID]
  }

  private let database: Database?
  private let columns: String
  private let uidlColumns: String
  private let highestUIDValidity: UInt32
  /// The old index's own number, which the text index knows it by.
  let identity: Int64?

  init(path: String, busy: Duration, highestUIDValidity: UInt32) {
    self.highestUIDValidity = highestUIDValidity
    let opened = try? Database(path: path, busy: busy)
    // A newer program's index may mean other things by the same tables.
    let version = (try? opened?.integer("PRAGMA user_version")).flatMap { $0 } ?? 0
    database = (1...Int64(Index.migrations.count)).contains(version) ? opened : nil
    columns = Index.columns(ofVersion: version)
    uidlColumns = version < 6 ? "id, uidl, NULL" : "id, uidl, pop_order"
    identity = (try? database?.integer("SELECT value FROM meta WHERE key = 'identity'")).flatMap { $0 }
  }

  /// The folders whose row makes sense.
  func rows() -> [FolderRow] {
    guard let database, let statement = try? database.statement("SELECT \(columns) FROM folder") else { return [] }
    defer { statement.reset() }
    var rows: [FolderRow] = []
    while (try? statement.step()) == true {
      guard let row = Index.row(statement), row.id > 0, row.id < 1 << 31, row.uidNext > 0,
        (1...max(1, highestUIDValidity)).contains(row.uidValidity), !row.objectID.isEmpty
      else { continue }
      rows.append(row)
    }
    return rows
  }

  /// Keywords of expunged messages that undelete may bring back.
  func keptKeywords() -> [(key: String, seconds: Int64, keywords: String)] {
    guard let statement = try? database?.statement("SELECT name, seconds, keywords FROM kept_keywords") else {
      return []
    }
    defer { statement.reset() }
    var notes: [(key: String, seconds: Int64, keywords: String)] = []
    while (try? statement.step()) == true {
      notes.append((statement.text(0), statement.integer(1), statement.text(2)))
    }
    return notes
  }

  /// The folders with what can be read of their messages.
  func folders() -> [Folder] { rows().compactMap(folder) }

  private func folder(_ row: FolderRow) -> Folder? {
    guard let database else { return nil }
    let view = FolderView(row: row, path: "")
    if let pages = try? database.statement("SELECT id, records FROM page WHERE id BETWEEN ?1 AND ?2 ORDER BY id") {
      pages.bind(1, row.id << 32).bind(2, row.id << 32 | 0xffff_ffff)
      defer { pages.reset() }
      while (try? pages.step()) == true {
        let page = UInt32(truncatingIfNeeded: pages.integer(0))
        // What a page holds before it stops making sense is good: each record stands for itself.
        _ = pages.withBlob(1) { PageCodec.decode($0, page: page, into: view) }
      }
    }
    // A message above what was reserved means that the row is older than its pages: no UID can be trusted.
    if let last = view.records.last, last.uid >= row.uidNext { return nil }
    var uidls: [KeptUniqueID] = []
    if let statement = try? database.statement("SELECT \(uidlColumns) FROM message_uidl WHERE id BETWEEN ?1 AND ?2") {
      statement.bind(1, row.id << 32).bind(2, row.id << 32 | 0xffff_ffff)
      defer { statement.reset() }
      while (try? statement.step()) == true {
        uidls.append(
          KeptUniqueID(
            uid: UInt32(truncatingIfNeeded: statement.integer(0)), text: statement.text(1),
            order: statement.isNull(2) ? nil : UInt32(clamping: statement.integer(2))))
      }
    }
    return Folder(row: row, view: view, uidls: uidls)
  }
}

extension Index {
  /// Enters a folder that another index told of.
  func take(_ folder: IndexSalvage.Folder, now: Int64) throws {
    let row = folder.row
    let modSeq = max(row.modSeq &+ 1, UInt64(clamping: now))
    // What vanished before this moment is not known any more.
    try database.statement(
      """
      INSERT INTO folder(id, name, uid_validity, uid_next, mod_seq, recent_from, expunged_floor, keywords, object_id)
      VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?5, ?7, ?8)
      """
    ).bind(1, row.id).bind(2, row.name.path).bind(3, Int64(row.uidValidity)).bind(4, Int64(row.uidNext))
      .bind(5, Int64(clamping: modSeq)).bind(6, Int64(min(row.recentFrom, row.uidNext)))
      .bind(7, row.keywords.joined(separator: "\n")).bind(8, row.objectID).run()
    let view = folder.view
    for page in Set(view.records.map { $0.uid >> 6 }) {
      try database.statement("INSERT OR REPLACE INTO page(id, records) VALUES(?1, ?2)")
        .bind(1, row.id << 32 | Int64(page)).bind(2, PageCodec.encode(view, page: page)).run()
    }
    try saveUIDLs(row.id, folder.uidls)
  }

  /// Goes on under the number of the index it replaces.
  func take(identity: Int64) throws {
    try database.statement("UPDATE meta SET value = ?1 WHERE key = 'identity'").bind(1, identity).run()
  }
}
