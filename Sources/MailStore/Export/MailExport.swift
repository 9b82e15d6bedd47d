import Basics
import CFiles
import Glibc

/// One export: an account's mail as a Maildir++ of Dovecot's, with `dovecot-uidlist` and `dovecot-keywords`.
///
/// Blocks; its steps follow each other, whatever thread each runs on. Files are found by listing, UIDs by reading the
/// index page by page; both meet in an SQLite file without a name, so that memory does not grow with the mail.
final class MailExport: @unchecked Sendable {
  private let store: AccountStore
  private let target: String
  private let links: Bool
  private let mustStop: @Sendable () -> Bool
  private let index: Index
  private let files: Database
  private(set) var outcome = ExportOutcome()

  /// Messages between two questions whether to stop.
  private static let rest = 1024
  /// Keywords that a Maildir has letters for.
  private static let letters = 26

  /// - Throws: `StoreError` when the target is there and not empty.
  init(_ store: AccountStore, to target: String, links: Bool, mustStop: @escaping @Sendable () -> Bool) throws {
    self.store = store
    self.target = target
    self.links = links
    self.mustStop = mustStop
    if mkdir(target, 0o700) != 0 {
      guard errno == EEXIST else { throw FileSystem.failure("mkdir", target) }
      guard FileSystem.facts(target)?.isDirectory == true, FileSystem.names(target).isEmpty else {
        throw StoreError(
          .folderExists, "\(target) is not an empty directory; name one that is empty, or is not there yet")
      }
    }
    do {
      index = try Index(path: store.indexPath, busy: store.host.settings.databaseBusy)
      files = try Database(path: "", busy: store.host.settings.databaseBusy)
      try files.execute(
        """
        PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-8192;
        CREATE TABLE file(base BLOB PRIMARY KEY, name BLOB NOT NULL, in_new INTEGER NOT NULL) WITHOUT ROWID;
        """)
    } catch let error as DatabaseError { throw error.asStoreError }
  }

  /// Writes one folder.
  func write(_ name: MailboxName) throws {
    do { try writeFolder(name) } catch let error as DatabaseError { throw error.asStoreError }
  }

  private func writeFolder(_ name: MailboxName) throws {
    let directoryName = FolderNameCodec.directoryName(name)
    let source = try store.path(name)
    let folder = directoryName.isEmpty ? target : "\(target)/\(directoryName)"
    if directoryName.contains("&AC4-") {
      outcome.warnings.append(
        "\(name): the dot in its name is written \(directoryName); Dovecot may not show the folder")
    }
    for part in ["", "/cur", "/new", "/tmp"] { try FileSystem.makeDirectory(folder + part) }
    if !name.isInbox { try BufferedFile(folder + "/maildirfolder").flush() }
    try list(source)
    // What is read below is one state of the index, whatever is delivered meanwhile.
    try index.database.execute("BEGIN")
    defer { try? index.database.execute("COMMIT") }
    guard let row = try index.folder(name) else { throw StoreError(.noSuchFolder, "\(name) was deleted meanwhile") }
    var report = ExportedFolder(name: name)
    report.uidValidity = row.uidValidity
    try writeKeywords(row, folder)
    let uids = try BufferedFile(folder + "/dovecot-uidlist")
    let identity = (0..<32).map { _ in String(Int.random(in: 0..<16), radix: 16) }.joined()
    try uids.write("3 V\(row.uidValidity) N\(row.uidNext) G\(identity)\n".utf8)
    try index.forEachPage(row) { view in
      for position in view.records.indices {
        let record = view.records[position]
        let base = view.names.withBase(position) { Array($0) }
        guard let file = try take(base) else { continue }
        try write(file, base: base, keywords: record.keywords, from: source, to: folder, &report)
        report.listed += 1
        try uids.write("\(record.uid)\(try fields(record.uid, base, row)) :".utf8)
        try uids.write(base)
        try uids.write([0x0a])
      }
    }
    try uids.flush()
    try writeUnlisted(from: source, to: folder, &report)
    outcome.folders.append(report)
  }

  /// A file of the folder that is being written.
  private struct FolderFile {
    var name: [UInt8]
    var inNew: Bool
  }

  private func list(_ source: String) throws {
    try files.transaction {
      try files.execute("DELETE FROM file")
      for (part, inNew) in [("new", true), ("cur", false)] {
        try SourceDirectory("\(source)/\(part)").forEachName { name in
          guard let first = name.first, first != UInt8(ascii: "."), first != UInt8(ascii: ":") else { return }
          try files.statement("INSERT OR REPLACE INTO file(base, name, in_new) VALUES(?1, ?2, ?3)")
            .bind(1, Array(name[...].base)).bind(2, name).bind(3, inNew ? 1 : 0).run()
        }
      }
    }
  }

  /// A message's file, taken off the list; `nil` when it is gone.
  private func take(_ base: [UInt8]) throws -> FolderFile? {
    let statement = try files.statement("DELETE FROM file WHERE base = ?1 RETURNING name, in_new").bind(1, base)
    defer { statement.reset() }
    guard try statement.step() else { return nil }
    let file = FolderFile(name: statement.blob(0), inNew: statement.integer(1) != 0)
    // RETURNING ends the deletion with its last row.
    while try statement.step() {}
    return file
  }

  private func writeUnlisted(from source: String, to folder: String, _ report: inout ExportedFolder) throws {
    while true {
      let statement = try files.statement("SELECT base FROM file LIMIT \(Self.rest)")
      var bases: [[UInt8]] = []
      while try statement.step() { bases.append(statement.blob(0)) }
      statement.reset()
      if bases.isEmpty { return }
      for base in bases {
        guard let file = try take(base) else { continue }
        try write(file, base: base, keywords: 0, from: source, to: folder, &report)
      }
    }
  }

  private func write(
    _ file: FolderFile, base: [UInt8], keywords: UInt64, from source: String, to folder: String,
    _ report: inout ExportedFolder
  ) throws {
    if report.messages.isMultiple(of: Self.rest), mustStop() {
      throw StoreError(.temporary, "interrupted; remove \(target) and export again")
    }
    let from = "\(source)/\(file.inNew ? "new" : "cur")/\(String(decoding: file.name, as: UTF8.self))"
    var place = "new/" + String(decoding: file.name, as: UTF8.self)
    if !file.inNew || keywords != 0 {
      let flags = file.name.withUnsafeBytes { MaildirName($0, inNew: file.inNew).flags }
      let letters = (0..<Self.letters).filter { keywords & (1 << UInt64($0)) != 0 }
        .map { Character(Unicode.Scalar(UInt8(ascii: "a") + UInt8($0))) }
      place = "cur/" + String(decoding: base, as: UTF8.self) + MaildirName.info(flags) + String(letters)
    }
    // Expunged since the folder was listed.
    guard let size = try copy(from, to: "\(folder)/\(place)") else { return }
    report.messages += 1
    report.bytes += size
  }

  /// - Returns: the file's octets; `nil` when it is not there.
  private func copy(_ path: String, to target: String) throws -> Int64? {
    if links, link(path, target) == 0 { return FileSystem.facts(target)?.size ?? 0 }
    let input = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC)
    guard input >= 0 else {
      if errno == ENOENT { return nil }
      throw FileSystem.failure("open", path)
    }
    defer { close(input) }
    var facts = stat()
    guard fstat(input, &facts) == 0 else { throw FileSystem.failure("fstat", path) }
    let output = open(target, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard output >= 0 else { throw FileSystem.failure("create", target) }
    defer { close(output) }
    var total = 0
    try withUnsafeTemporaryAllocation(byteCount: 256 << 10, alignment: 64) { buffer in
      while true {
        let count = try FileSystem.readFully(input, buffer, at: total)
        try FileSystem.writeAll(output, UnsafeRawBufferPointer(rebasing: buffer[..<count]), path: target)
        total += count
        if count < buffer.count { return }
      }
    }
    // The file's date is INTERNALDATE.
    _ = withUnsafePointer(to: (facts.st_mtim, facts.st_mtim)) { pair in
      pair.withMemoryRebound(to: timespec.self, capacity: 2) { futimens(output, $0) }
    }
    cfiles_start_writing(output)
    return Int64(total)
  }

  /// POP3's unique id and place of a message, as Dovecot's records P and O.
  private func fields(_ uid: UInt32, _ base: [UInt8], _ row: FolderRow) throws -> String {
    guard row.name.isInbox else { return "" }
    let kept = try index.uidl(row.id, uid)
    let id = kept?.text ?? base.withUnsafeBytes { AccountStore.uidl($0) }
    return (kept?.order.map { " O\($0)" } ?? "") + " P\(id)"
  }

  private func writeKeywords(_ row: FolderRow, _ folder: String) throws {
    guard !row.keywords.isEmpty else { return }
    let file = try BufferedFile(folder + "/dovecot-keywords")
    for (number, keyword) in row.keywords.prefix(Self.letters).enumerated() where !keyword.isEmpty {
      try file.write("\(number) \(keyword)\n".utf8)
    }
    try file.flush()
    let rest = row.keywords.dropFirst(Self.letters).filter { !$0.isEmpty }
    if !rest.isEmpty {
      outcome.warnings.append(
        "\(row.name): a Maildir has letters for 26 keywords; left out: \(rest.joined(separator: ", "))")
    }
  }

  /// Writes the subscriptions and sees everything to the disk.
  func finish(_ subscribed: [MailboxName]) throws {
    let file = try BufferedFile(target + "/subscriptions")
    for name in subscribed {
      let storageName = name.isInbox ? "INBOX" : String(FolderNameCodec.directoryName(name).dropFirst())
      try file.write("\(storageName)\n".utf8)
    }
    try file.flush()
    let descriptor = open(target, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw FileSystem.failure("open", target) }
    defer { close(descriptor) }
    if cfiles_syncfs(descriptor) != 0 { throw FileSystem.failure("syncfs", target) }
  }
}

extension Index {
  /// A unique id brought along from another server.
  func uidl(_ folder: Int64, _ uid: UInt32) throws -> KeptUniqueID? {
    let statement = try database.statement("SELECT uidl, pop_order FROM message_uidl WHERE id = ?1")
      .bind(1, Self.key(folder, uid))
    defer { statement.reset() }
    guard try statement.step() else { return nil }
    return KeptUniqueID(
      uid: uid, text: statement.text(0), order: statement.isNull(1) ? nil : UInt32(clamping: statement.integer(1)))
  }
}
