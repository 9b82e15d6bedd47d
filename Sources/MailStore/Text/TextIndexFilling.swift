import Basics

/// Entering messages and letting them go.
extension TextIndex {
  /// Up to which UID a folder's messages are entered; lets folders go that are not among those the index has.
  func mark(identity: Int64, folder: Int64, of folders: Set<Int64>? = nil) -> UInt32? {
    write(identity: identity) { database in
      let kept = try database.statement("SELECT id FROM folder")
      var gone: [Int64] = []
      while try folders != nil && kept.step() {
        if folders?.contains(kept.integer(0)) == false { gone.append(kept.integer(0)) }
      }
      kept.reset()
      for folder in gone { try Self.retain(folder, [], database) }
      let statement = try database.statement("SELECT done FROM folder WHERE id = ?1").bind(1, folder)
      defer { statement.reset() }
      return try statement.step() ? UInt32(clamping: statement.integer(0)) : 0
    }
  }

  /// Of these EMAILIDs, those whose text is here.
  func known(identity: Int64, _ emailIDs: [String]) -> Set<String> {
    write(identity: identity) { database in
      try Set(emailIDs.filter { try Self.document($0, database) != nil })
    } ?? []
  }

  static func document(_ emailID: String, _ database: Database) throws -> Int64? {
    let statement = try database.statement("SELECT id FROM document WHERE email_id = ?1").bind(1, emailID)
    defer { statement.reset() }
    return try statement.step() ? statement.integer(0) : nil
  }

  /// Enters messages of a folder, up to a UID.
  ///
  /// - Returns: whether it is done; if not, the messages stay to be looked at in their files.
  func add(identity: Int64, folder: Int64, _ entries: [Entry], upTo uid: UInt32) -> Bool {
    write(identity: identity) { database in
      let isFull = try isFull(database)
      for entry in entries {
        var document = try Self.document(entry.emailID, database)
        if document == nil, let text = entry.text, !isFull { document = try Self.insert(text, entry.emailID, database) }
        guard let document else { continue }
        try database.statement("INSERT OR REPLACE INTO message(id, document) VALUES(?1, ?2)")
          .bind(1, Index.key(folder, entry.uid)).bind(2, document).run()
      }
      try database.statement("INSERT OR REPLACE INTO folder(id, done) VALUES(?1, ?2)")
        .bind(1, folder).bind(2, Int64(uid)).run()
      return true
    } ?? false
  }

  private static func insert(_ text: SearchText, _ emailID: String, _ database: Database) throws -> Int64? {
    try database.statement(
      "INSERT INTO document(email_id, is_whole, header, parts, body) VALUES(?1, ?2, ?3, ?4, ?5)"
    ).bind(1, emailID).bind(2, text.isWhole ? 1 : 0).bind(3, text.header).bind(4, text.parts).bind(5, text.body).run()
    return try document(emailID, database)
  }

  /// Whether the file has reached the size it may have.
  private func isFull(_ database: Database) throws -> Bool {
    let pages = try database.integer("PRAGMA page_count") ?? 0
    let free = try database.integer("PRAGMA freelist_count") ?? 0
    return (pages - free) * 8192 >= settings.textIndexBytes
  }

  /// Lets the messages of a folder go that are not in it any more, with the text nobody else has.
  func retain(identity: Int64, folder: Int64, _ uids: [UInt32]) {
    _ = write(identity: identity) { try Self.retain(folder, uids, $0) }
  }

  private static func retain(_ folder: Int64, _ uids: [UInt32], _ database: Database) throws {
    let rows = try database.statement("SELECT id, document FROM message WHERE id BETWEEN ?1 AND ?2 ORDER BY id")
      .bind(1, folder << 32).bind(2, folder << 32 | 0xffff_ffff)
    var gone: [(id: Int64, document: Int64)] = []
    var next = 0
    while try rows.step() {
      let uid = UInt32(truncatingIfNeeded: rows.integer(0))
      while next < uids.count, uids[next] < uid { next += 1 }
      if next >= uids.count || uids[next] != uid { gone.append((rows.integer(0), rows.integer(1))) }
    }
    rows.reset()
    if uids.isEmpty { try database.statement("DELETE FROM folder WHERE id = ?1").bind(1, folder).run() }
    for row in gone { try database.statement("DELETE FROM message WHERE id = ?1").bind(1, row.id).run() }
    for document in Set(gone.map(\.document)) { try Self.removeUnused(document, database) }
  }

  private static func removeUnused(_ document: Int64, _ database: Database) throws {
    let users = try database.statement("SELECT 1 FROM message WHERE document = ?1 LIMIT 1").bind(1, document)
    defer { users.reset() }
    guard try !users.step() else { return }
    if document <= (try database.integer("SELECT value FROM meta WHERE key = 'grams_done'") ?? 0),
      let text = try gramText(document, database)
    {
      // A table without content must be told what it is to forget.
      try database.statement("INSERT INTO grams(grams, rowid, text) VALUES('delete', ?1, ?2)")
        .bind(1, document).bind(2, text: text).run()
    }
    try database.statement("DELETE FROM document WHERE id = ?1").bind(1, document).run()
  }

  /// Splits the next documents into sequences of three characters, some hundred kilobytes at a time.
  ///
  /// - Returns: whether more are waiting.
  func splitNext(identity: Int64, octets: Int = 256 << 10) -> Bool {
    write(identity: identity) { database in
      let done = try database.integer("SELECT value FROM meta WHERE key = 'grams_done'") ?? 0
      var last = done
      var left = octets
      while left > 0, let next = try Self.next(after: last, database) {
        last = next
        guard let text = try Self.gramText(next, database) else { continue }
        try database.statement("INSERT INTO grams(rowid, text) VALUES(?1, ?2)").bind(1, next).bind(2, text: text).run()
        left -= max(1, text.count)
      }
      guard last > done else { return false }
      try database.statement("UPDATE meta SET value = ?1 WHERE key = 'grams_done'").bind(1, last).run()
      return try Self.next(after: last, database) != nil
    } ?? false
  }

  private static func next(after document: Int64, _ database: Database) throws -> Int64? {
    let statement = try database.statement("SELECT min(id) FROM document WHERE id > ?1").bind(1, document)
    defer { statement.reset() }
    guard try statement.step() else { return nil }
    let next = statement.integer(0)
    return next > document ? next : nil
  }

  /// What a document's sequences are made from; NUL would end it for SQLite.
  private static func gramText(_ document: Int64, _ database: Database) throws -> [UInt8]? {
    let statement = try database.statement("SELECT header, parts, body FROM document WHERE id = ?1").bind(1, document)
    defer { statement.reset() }
    guard try statement.step() else { return nil }
    var text: [UInt8] = []
    for column in Int32(0)..<3 { statement.withBlob(column) { text.append(contentsOf: $0) } }
    for index in text.indices where text[index] == 0 { text[index] = 1 }
    return text
  }
}
