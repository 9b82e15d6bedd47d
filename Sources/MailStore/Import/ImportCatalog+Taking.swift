/// What is to be done, some thousands at a time.
extension ImportCatalog {
  /// Begins to give the messages to be taken: those with a UID of at least `floor` by UID, then the others by arrival.
  func startCandidates(_ folder: Int64, floor: UInt32) throws -> ImportCursor {
    let statement = try database.statement(
      """
      SELECT base, info, in_new, size, uid, uidl, guid, pop_order, keywords, target, target_new, clash FROM entry
      WHERE folder = ?1 AND state IN (0, 3) ORDER BY uid IS NULL OR uid < ?2, iif(uid < ?2, NULL, uid), arrival, base
      """
    ).bind(1, folder).bind(2, Int64(floor))
    return ImportCursor(statement)
  }

  /// The next messages to be taken.
  func next(_ most: Int, octets: Int64, _ reading: ImportCursor) throws -> [ImportCandidate] {
    let cursor = reading.statement
    var candidates: [ImportCandidate] = []
    var total: Int64 = 0
    while candidates.count < most, total < octets, try reading.step() {
      let keywords = cursor.text(8)
      candidates.append(
        ImportCandidate(
          base: cursor.blob(0), info: cursor.blob(1), inNew: cursor.integer(2) != 0, size: cursor.integer(3),
          uid: cursor.isNull(4) ? nil : UInt32(clamping: cursor.integer(4)),
          uniqueID: cursor.isNull(5) ? nil : cursor.blob(5), guid: cursor.isNull(6) ? nil : cursor.blob(6),
          popOrder: cursor.isNull(7) ? nil : UInt32(clamping: cursor.integer(7)),
          keywords: keywords.isEmpty ? [] : keywords.split(separator: "\n").map(String.init),
          placedName: cursor.isNull(9) ? nil : cursor.blob(9), isPlacedInNew: cursor.integer(10) != 0,
          clashes: cursor.integer(11) != 0))
      total += candidates.last?.size ?? 0
    }
    return candidates
  }

  /// Remembers the names of files that are about to get another one here.
  func remember(aliases: [(target: [UInt8], base: [UInt8])], _ folder: Int64) throws {
    guard !aliases.isEmpty else { return }
    try database.transaction {
      for alias in aliases {
        try database.statement("INSERT OR REPLACE INTO memory.alias(folder, target, base) VALUES(?1, ?2, ?3)")
          .bind(1, folder).bind(2, alias.target).bind(3, alias.base).run()
      }
    }
  }

  /// Remembers messages that are taken, with the flags the source gave them.
  func remember(taken: [(base: [UInt8], flags: MessageFlags)], _ folder: Int64) throws {
    try database.transaction {
      for message in taken {
        try database.statement("INSERT OR REPLACE INTO memory.taken(folder, base, flags) VALUES(?1, ?2, ?3)")
          .bind(1, folder).bind(2, message.base).bind(3, Int64(message.flags.rawValue)).run()
      }
    }
  }

  /// Remembers messages that lie here anyway.
  func rememberIndexed(_ folder: Int64) throws {
    try database.transaction {
      try database.statement(
        "INSERT OR IGNORE INTO memory.taken(folder, base, flags) SELECT folder, base, flags FROM entry "
          + "WHERE folder = ?1 AND state = 2"
      ).bind(1, folder).run()
    }
  }

  /// A message whose flags changed at the source since it was taken.
  struct Reflagged {
    var base: [UInt8]
    var fileName: [UInt8]
    var inNew: Bool
    var before: MessageFlags
    var now: MessageFlags
  }

  /// The messages behind `last` whose flags changed.
  func reflagged(_ folder: Int64, after last: [UInt8], most: Int) throws -> [Reflagged] {
    let statement = try database.statement(
      """
      SELECT base, target, target_new, taken_flags, flags FROM entry
      WHERE folder = ?1 AND base > ?2 AND state = 1 AND target IS NOT NULL AND flags != taken_flags
      ORDER BY base LIMIT ?3
      """
    ).bind(1, folder).bind(2, last).bind(3, Int64(most))
    defer { statement.reset() }
    var found: [Reflagged] = []
    while try statement.step() {
      found.append(
        Reflagged(
          base: statement.blob(0), fileName: statement.blob(1), inNew: statement.integer(2) != 0,
          before: MessageFlags(rawValue: UInt8(truncatingIfNeeded: statement.integer(3))),
          now: MessageFlags(rawValue: UInt8(truncatingIfNeeded: statement.integer(4)))))
    }
    return found
  }

  /// Files here of messages that are gone from the source, behind a row.
  func gone(_ folder: Int64, after last: Int64, most: Int) throws -> [(row: Int64, fileName: [UInt8], inNew: Bool)] {
    let statement = try database.statement(
      "SELECT rowid, target, in_new FROM gone WHERE folder = ?1 AND rowid > ?2 ORDER BY rowid LIMIT ?3"
    ).bind(1, folder).bind(2, last).bind(3, Int64(most))
    defer { statement.reset() }
    var found: [(row: Int64, fileName: [UInt8], inNew: Bool)] = []
    while try statement.step() { found.append((statement.integer(0), statement.blob(1), statement.integer(2) != 0)) }
    return found
  }

  /// Messages that lie here under a UID of this server, whose unique ids are still to be kept.
  func startIndexed(_ folder: Int64) throws -> ImportCursor {
    let statement = try database.statement(
      """
      SELECT base, target_uid, uid, uidl, guid, pop_order FROM entry
      WHERE folder = ?1 AND state = 2 AND target_uid IS NOT NULL
      """
    ).bind(1, folder)
    return ImportCursor(statement)
  }
}

/// A query that is read on between other ones; past its end it stays there.
final class ImportCursor {
  let statement: Statement
  private var isAtEnd = false

  init(_ statement: Statement) { self.statement = statement }

  deinit { statement.reset() }

  /// Goes to the next row; `false` at the end.
  func step() throws -> Bool {
    if isAtEnd { return false }
    isAtEnd = try !statement.step()
    return !isAtEnd
  }
}
