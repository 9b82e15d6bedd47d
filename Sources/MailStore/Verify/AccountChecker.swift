import Basics
import Glibc

/// Looks at one account's files and index without changing anything; may run beside a server.
struct AccountChecker {
  let directory: String
  let temporaryFileAge: Duration
  let now: Timestamp
  private(set) var report = StoreReport()
  private var maildir: String { directory + "/Maildir" }

  init(directory: String, temporaryFileAge: Duration, now: Timestamp) {
    self.directory = directory
    self.temporaryFileAge = temporaryFileAge
    self.now = now
  }

  mutating func run() -> StoreReport {
    report.accounts = 1
    guard FileSystem.facts(maildir)?.isDirectory == true else {
      report.add(.note, maildir, "there is no Maildir", remedy: "it is made from the template at first use")
      return report
    }
    var bases: [String: Int] = [:]
    checkFolder(maildir, name: .inbox, counts: &bases)
    for directoryName in FileSystem.names(maildir).sorted() where directoryName.utf8.first == UInt8(ascii: ".") {
      let path = "\(maildir)/\(directoryName)"
      guard FileSystem.facts(path)?.isDirectory == true else { continue }
      guard let name = FolderNameCodec.name(ofDirectory: directoryName) else {
        report.add(
          .warning, path, "the directory's name is no folder name in modified UTF-7; clients do not see it",
          remedy: "rename it, for instance .Entw&APw-rfe for Entwürfe")
        continue
      }
      checkFolder(path, name: name, counts: &bases)
    }
    checkQuota()
    checkIndex(messages: bases)
    return report
  }

  private mutating func checkFolder(_ path: String, name: MailboxName, counts: inout [String: Int]) {
    report.folders += 1
    for part in ["cur", "new", "tmp"] where FileSystem.facts("\(path)/\(part)")?.isDirectory != true {
      report.add(.error, "\(path)/\(part)", "the directory is missing", remedy: "make it, owned by the server's user")
    }
    guard let listing = try? MaildirListing(folder: path, expecting: 1024) else { return }
    counts[name.path] = listing.entries.count
    report.messages += listing.entries.count
    var seen: Set<String> = []
    for entry in listing.entries {
      let file = listing.fileName(entry)
      let whole = "\(path)/\(entry.inNew ? "new" : "cur")/\(file)"
      let base = listing.withName(entry) { String(decoding: $0[..<entry.name.baseCount], as: UTF8.self) }
      if !seen.insert(base).inserted {
        report.add(.warning, whole, "two files have this base name", remedy: "rename one; only one is shown")
      }
      guard let facts = FileSystem.facts(whole) else { continue }
      if facts.isDirectory {
        report.add(.warning, whole, "a directory among the messages", remedy: "move it away")
      } else if facts.size == 0 {
        report.add(.error, whole, "the message is empty", remedy: "remove it, or restore it from a backup")
      } else if let size = entry.name.fileBytes, Int64(size) != facts.size {
        report.add(
          .error, whole, "the file has \(facts.size) octets, its name says \(size)",
          remedy: "restore it from a backup, or rename it without ,S= if another program changed it")
      }
    }
    let oldest = now.seconds - temporaryFileAge.wholeMilliseconds / 1000
    for name in FileSystem.names(path + "/tmp") {
      guard let facts = FileSystem.facts("\(path)/tmp/\(name)"), facts.seconds < oldest else { continue }
      report.add(
        .note, "\(path)/tmp/\(name)", "left behind by an interrupted delivery", remedy: "removed at the next start")
    }
  }

  private mutating func checkQuota() {
    let path = maildir + "/maildirsize"
    guard let bytes = try? FileSystem.contents(path, limit: 1 << 20) else { return }
    let counted = QuotaLedger.count(maildir)
    guard let parsed = QuotaLedger.parse(bytes) else {
      report.add(.note, path, "the file makes no sense", remedy: "it is counted anew at the next use")
      return
    }
    if parsed.use != counted {
      report.add(
        .note, path,
        "it adds up to \(parsed.use.bytes) octets in \(parsed.use.messages) messages, the files to \(counted.bytes) in \(counted.messages)",
        remedy: "martinet quota recount; it is counted anew by itself before anything is refused")
    }
  }

  private mutating func checkIndex(messages: [String: Int]) {
    let path = directory + "/index.db"
    guard FileSystem.exists(path) else {
      report.add(.note, path, "there is no index", remedy: "it is made at first use")
      return
    }
    do {
      let index = try Index(path: path, busy: .seconds(5))
      let verdict = try index.database.statement("PRAGMA integrity_check(1)")
      let text = try verdict.step() ? verdict.text(0) : "no answer"
      verdict.reset()
      if text != "ok" {
        report.add(.error, path, "the database says: \(text)", remedy: "martinet mailbox rebuild; mail is not touched")
        return
      }
      var highest: UInt32 = 0
      for row in try index.folders() {
        highest = max(highest, row.uidValidity)
        try checkRow(row, index, path: path)
      }
      let file = try FileSystem.contents(directory + "/uidvalidity", limit: 64) ?? []
      let kept = UInt32(String(decoding: file.prefix { $0 != 0x0a }, as: UTF8.self)) ?? 0
      if kept < highest {
        report.add(
          .warning, directory + "/uidvalidity", "it says \(kept), the index has \(highest)",
          remedy: "write \(highest) into it, so that a lost index does not go back")
      }
    } catch {
      report.add(
        .error, path, "\(error)", remedy: "it is replaced by itself at first use; clients load the mailbox anew")
    }
  }

  private mutating func checkRow(_ row: FolderRow, _ index: Index, path: String) throws {
    let view = FolderView(row: row, path: "")
    guard try index.loadPages(into: view, expecting: row.totals.messages) else {
      report.add(.error, path, "the messages of \(row.name) make no sense", remedy: "martinet mailbox rebuild")
      return
    }
    if let last = view.records.last, last.uid >= row.uidNext {
      report.add(
        .error, path, "\(row.name) has UID \(last.uid), but UIDs are reserved to \(row.uidNext) only",
        remedy: "martinet mailbox rebuild")
    }
    if view.records.contains(where: { $0.modSeq > row.modSeq }) {
      report.add(
        .warning, path, "\(row.name) has a message above its HIGHESTMODSEQ", remedy: "martinet mailbox rebuild")
    }
  }
}
