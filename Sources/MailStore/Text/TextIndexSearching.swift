/// What the text index says of messages.
struct TextVerdicts: Sendable {
  /// Messages that match, rising.
  var hits: [UInt32] = []
  /// Messages whose file decides.
  var undecided: [UInt32] = []
  /// Whether all documents met are split into sequences; if not, the filler has something to do.
  var isSplit = true
}

extension TextIndex {
  /// Decides on messages of a folder as exactly as their files would; `nil` when there is no text index.
  ///
  /// - Parameter uids: the messages, rising.
  func search(_ needle: TextNeedle, identity: Int64, folder: Int64, among uids: [UInt32]) -> TextVerdicts? {
    read(identity: identity) { database in
      let (documents, unknown) = try Self.documents(folder, uids, database)
      return try Self.decide(needle, documents, unknown, database)
    }
  }

  /// As `search`, of messages known by their EMAILID alone; `nil` when there is no text index.
  func search(_ needle: TextNeedle, among messages: [(uid: UInt32, emailID: String)]) -> TextVerdicts? {
    read(identity: nil) { database in
      var documents: [(uid: UInt32, document: Int64)] = []
      var unknown: [UInt32] = []
      for (uid, emailID) in messages {
        // Where none of many is here, the rest is hardly worth the looks.
        let isPromising = !documents.isEmpty || unknown.count < Self.looksWithoutResult
        if isPromising, let document = try Self.document(emailID, database) {
          documents.append((uid, document))
        } else {
          unknown.append(uid)
        }
      }
      return try Self.decide(needle, documents, unknown, database)
    }
  }

  private static let looksWithoutResult = 128

  private static func decide(
    _ needle: TextNeedle, _ documents: [(uid: UInt32, document: Int64)], _ unknown: [UInt32], _ database: Database
  ) throws -> TextVerdicts {
    var verdicts = TextVerdicts(undecided: unknown)
    guard !documents.isEmpty else { return verdicts }
    let candidates = try candidates(needle, database)
    var known: [Int64: Bool?] = [:]
    // By document, not by UID: that is the order in which they lie in the file.
    for (uid, document) in documents.sorted(by: { $0.document < $1.document }) {
      if let candidates {
        if document > candidates.upTo {
          verdicts.isSplit = false
        } else if !candidates.documents.contains(document) {
          continue
        }
      }
      let verdict: Bool?
      if let before = known[document] {
        verdict = before
      } else {
        verdict = try Self.verdict(needle, document, database)
        known[document] = .some(verdict)
      }
      switch verdict {
      case true?: verdicts.hits.append(uid)
      case false?: break
      case nil: verdicts.undecided.append(uid)
      }
    }
    verdicts.hits.sort()
    verdicts.undecided.sort()
    return verdicts
  }

  private static func documents(
    _ folder: Int64, _ uids: [UInt32], _ database: Database
  ) throws -> (known: [(uid: UInt32, document: Int64)], unknown: [UInt32]) {
    guard let first = uids.first, let last = uids.last else { return ([], []) }
    var known: [(uid: UInt32, document: Int64)] = []
    known.reserveCapacity(uids.count)
    var unknown: [UInt32] = []
    let rows = try database.statement("SELECT id, document FROM message WHERE id BETWEEN ?1 AND ?2 ORDER BY id")
      .bind(1, Index.key(folder, first)).bind(2, Index.key(folder, last))
    defer { rows.reset() }
    var next = 0
    while try rows.step() {
      let uid = UInt32(truncatingIfNeeded: rows.integer(0))
      while next < uids.count, uids[next] < uid {
        unknown.append(uids[next])
        next += 1
      }
      guard next < uids.count, uids[next] == uid else { continue }
      known.append((uid, rows.integer(1)))
      next += 1
    }
    unknown += uids[next...]
    return (known, unknown)
  }

  /// Documents that hold the needle's sequences of three characters, and those of which it is not known what is in
  /// what was left out; `nil` when the needle is too short to tell.
  private static func candidates(
    _ needle: TextNeedle, _ database: Database
  ) throws -> (documents: Set<Int64>, upTo: Int64)? {
    let scalars = Array(String(decoding: needle.folded, as: UTF8.self).unicodeScalars)
    guard scalars.count >= 3, !needle.folded.contains(0) else { return nil }
    // Some that do not overlap are enough: what they let through is compared.
    var starts = Array(stride(from: 0, through: scalars.count - 3, by: 3).prefix(5))
    if starts.last != scalars.count - 3 { starts.append(scalars.count - 3) }
    let terms = starts.map { start in
      var text = String.UnicodeScalarView()
      for scalar in scalars[start..<start + 3] {
        text.append(scalar)
        // A quotation mark is written twice inside a string of FTS5's grammar.
        if scalar == "\"" { text.append(scalar) }
      }
      return "\"\(String(text))\""
    }
    let upTo = try database.integer("SELECT value FROM meta WHERE key = 'grams_done'") ?? 0
    var documents: Set<Int64> = []
    let rows = try database.statement("SELECT rowid FROM grams WHERE grams MATCH ?1")
      .bind(1, terms.joined(separator: " AND "))
    defer { rows.reset() }
    while try rows.step() { documents.insert(rows.integer(0)) }
    let cut = try database.statement("SELECT id FROM document WHERE is_whole = 0")
    defer { cut.reset() }
    while try cut.step() { documents.insert(cut.integer(0)) }
    return (documents, upTo)
  }

  private static func verdict(_ needle: TextNeedle, _ document: Int64, _ database: Database) throws -> Bool? {
    let statement = try database.statement("SELECT is_whole, header, parts, body FROM document WHERE id = ?1")
      .bind(1, document)
    defer { statement.reset() }
    guard try statement.step() else { return nil }
    return needle.matches(statement)
  }
}

extension TextNeedle {
  /// Decides on a document's row, where it lies.
  fileprivate func matches(_ row: Statement) -> Bool? {
    func found(_ column: Int32) -> Bool { row.withBlob(column) { Self.contains($0, folded) } }
    let isFound =
      switch condition {
      case .header: row.withBlob(1, isInField)
      case .addresses: false
      case .body: found(3)
      case .text: found(1) || found(2) || found(3)
      }
    return isFound || row.integer(0) != 0 ? isFound : nil
  }
}
