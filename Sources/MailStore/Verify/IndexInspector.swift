import Inspection

/// Looks at one account's index and compares it with the files.
struct IndexInspector {
  let directory: String
  /// The folders whose files could be listed, and where they lie.
  let folders: [MailboxName: String]
  let depth: InspectionDepth
  private(set) var report = InspectionReport()
  private var path: String { directory + "/index.db" }
  private static let remedy = "nothing is lost: the server replaces it at the next use, clients load the mailbox anew"

  init(directory: String, folders: [MailboxName: String], depth: InspectionDepth) {
    self.directory = directory
    self.folders = folders
    self.depth = depth
  }

  mutating func run() {
    // No index, or one whose making was interrupted: it is made at the first use.
    guard let size = DatabaseFile(path: path).size, size > 0,
      let database = report.inspectDatabase(path, remedy: Self.remedy, depth: depth)
    else { return }
    do {
      let version = try database.integer("PRAGMA user_version") ?? 0
      guard version > 0 else { return }
      let newest = Int64(Index.migrations.count)
      guard version <= newest else {
        report.add(.error, path, "it has version \(version), this martinet reads \(newest)", remedy: Self.remedy)
        return
      }
      var highest: UInt32 = 0
      for row in try rows(database) {
        highest = max(highest, row.uidValidity)
        try check(row, database)
      }
      try checkValidity(highest)
    } catch {
      report.add(.error, path, "\(error)", remedy: Self.remedy)
    }
  }

  private func rows(_ database: ReadOnlyDatabase) throws -> [FolderRow] {
    var rows: [FolderRow] = []
    try database.forEach("SELECT id, name, uid_validity, uid_next, mod_seq FROM folder ORDER BY id") { row in
      guard let name = try? MailboxName(row.text(1)) else {
        throw DatabaseError(code: 11, text: "a folder's name makes no sense")
      }
      rows.append(
        FolderRow(
          id: row.integer(0), name: name, uidValidity: UInt32(clamping: row.integer(2)),
          uidNext: UInt32(clamping: row.integer(3)), modSeq: UInt64(clamping: row.integer(4)), recentFrom: 0,
          expungedFloor: 0, keywords: [], objectID: "", stamps: FolderView.Stamps(), totals: FolderTotals(), recent: 0,
          filled: 0))
    }
    return rows
  }

  private mutating func check(_ row: FolderRow, _ database: ReadOnlyDatabase) throws {
    let view = FolderView(row: row, path: folders[row.name] ?? "")
    var isSound = true
    try database.forEach(
      "SELECT id, records FROM page WHERE id BETWEEN ?1 AND ?2 ORDER BY id", [row.id << 32, row.id << 32 | 0xffff_ffff]
    ) { page in
      let number = UInt32(truncatingIfNeeded: page.integer(0))
      isSound = isSound && page.withBlob(1) { PageCodec.decode($0, page: number, into: view) }
    }
    // Pages are decoded by rising UID, so one that is there twice does not decode.
    guard isSound else {
      report.add(.error, path, "the messages of \(row.name) make no sense", remedy: Self.remedy)
      return
    }
    if row.uidValidity == 0 {
      report.add(.error, path, "\(row.name) has no UIDVALIDITY", remedy: rebuild)
    }
    if let last = view.records.last, last.uid >= row.uidNext {
      report.add(
        .error, path, "\(row.name) has UID \(last.uid), but UIDs are reserved to \(row.uidNext) only", remedy: rebuild)
    }
    if view.records.contains(where: { $0.modSeq > row.modSeq }) {
      report.add(.warning, path, "\(row.name) has a message above its HIGHESTMODSEQ", remedy: rebuild)
    }
    if folders[row.name] != nil { checkSizes(view, row) }
  }

  /// Compares what the index says of each message with its file.
  ///
  /// A file without a record is mail that no session has seen yet, and a record without a file is mail that was
  /// expunged since: the next look takes both in, so neither is a fault.
  private mutating func checkSizes(_ view: FolderView, _ row: FolderRow) {
    guard let listing = try? MaildirListing(folder: view.path, expecting: view.records.count) else { return }
    var faults = 0
    var example = ""
    for entry in listing.entries {
      let baseCount = listing.name(entry).baseCount
      let position = listing.withName(entry) {
        view.position(ofBase: UnsafeRawBufferPointer(rebasing: $0[..<baseCount]))
      }
      guard let position, view.records[position].state.contains(.measured) else { continue }
      let record = view.records[position]
      let file = "\(view.path)/\(entry.inNew ? "new" : "cur")/\(listing.fileName(entry))"
      guard let facts = FileSystem.facts(file), facts.size != Int64(record.fileBytes) else { continue }
      faults += 1
      example = "UID \(record.uid) has \(facts.size) octets on disk, \(record.fileBytes) in the index"
    }
    guard faults > 0 else { return }
    report.add(
      .error, path, "\(faults) messages of \(row.name) have another size than their files: \(example)", remedy: rebuild)
  }

  /// The file that keeps UIDVALIDITY from going back when the index is lost.
  private mutating func checkValidity(_ highest: UInt32) throws {
    let file = directory + "/uidvalidity"
    let bytes = try FileSystem.contents(file, limit: 64) ?? []
    let kept = UInt32(String(decoding: bytes.prefix { $0 != 0x0a }, as: UTF8.self)) ?? 0
    guard kept < highest else { return }
    report.add(
      .warning, file, bytes.isEmpty ? "it is missing" : "it says \(kept), the index has \(highest)",
      remedy: "write \(highest) into it, so that a lost index does not go back")
  }

  private var rebuild: String { "martinet mailbox rebuild, with the account's name; mail is not touched" }
}
