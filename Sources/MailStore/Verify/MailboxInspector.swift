import Basics
import Glibc
import Inspection

/// Looks at one account's files and quota; its index is ``IndexInspector``'s.
struct MailboxInspector {
  let directory: String
  /// `user@domain`; empty when no account is known.
  let key: String
  let temporaryFileAge: Duration
  let now: Timestamp
  let depth: InspectionDepth
  private(set) var report = InspectionReport()
  private(set) var folders = 0
  private(set) var messages = 0
  private var counted = QuotaUse()
  /// When the directories of messages last changed, in nanoseconds.
  private var lastChange: Int64 = 0
  private var maildir: String { directory + "/Maildir" }

  init(directory: String, key: String, temporaryFileAge: Duration, now: Timestamp, depth: InspectionDepth) {
    self.directory = directory
    self.key = key
    self.temporaryFileAge = temporaryFileAge
    self.now = now
    self.depth = depth
  }

  mutating func run() {
    guard FileSystem.facts(maildir)?.isDirectory == true else {
      let owner = key.isEmpty ? "" : " of \(key)"
      report.add(
        .warning, maildir, "the mailbox\(owner) is missing",
        remedy: "restore it from a backup; else an empty one is made at the next use")
      return
    }
    var paths: [MailboxName: String] = [.inbox: maildir]
    for directoryName in FileSystem.names(maildir).sorted() where directoryName.utf8.first == UInt8(ascii: ".") {
      let path = "\(maildir)/\(directoryName)"
      guard FileSystem.facts(path)?.isDirectory == true else { continue }
      guard let name = FolderNameCodec.name(ofDirectory: directoryName) else {
        report.add(
          .warning, path, "the directory's name is no folder name in modified UTF-7; clients do not see it",
          remedy: "rename it, for instance .Entw&APw-rfe for Entwürfe")
        continue
      }
      paths[name] = path
    }
    for (name, path) in paths.sorted(by: { $0.value < $1.value }) where !checkFolder(path) { paths[name] = nil }
    checkQuota()
    var index = IndexInspector(directory: directory, folders: paths, depth: depth)
    index.run()
    report.add(index.report)
  }

  /// Whether the folder's messages could be listed.
  private mutating func checkFolder(_ path: String) -> Bool {
    folders += 1
    for part in ["cur", "new", "tmp"] where FileSystem.facts("\(path)/\(part)")?.isDirectory != true {
      report.add(.error, "\(path)/\(part)", "the directory is missing", remedy: "make it, owned by the server's user")
    }
    for part in ["cur", "new"] {
      lastChange = max(lastChange, FileSystem.facts("\(path)/\(part)")?.modified ?? 0)
    }
    let listing: MaildirListing
    do { listing = try MaildirListing(folder: path, expecting: 1024) } catch {
      report.add(.error, path, "\(error)", remedy: "run this as the server's user; else look at the disk")
      return false
    }
    messages += listing.entries.count
    var seen = NameTable()
    for entry in listing.entries {
      let file = "\(path)/\(entry.inNew ? "new" : "cur")/\(listing.fileName(entry))"
      let name = listing.name(entry)
      let isFirst = listing.withName(entry) { octets in
        let base = UnsafeRawBufferPointer(rebasing: octets[..<name.baseCount])
        guard seen.find(base) == nil else { return false }
        seen.append(base)
        return true
      }
      guard isFirst else {
        // Beside a server a message may move from new/ to cur/ between the two listings.
        guard FileSystem.exists(file), !depth.isServing else { continue }
        report.add(.warning, file, "two files have this base name", remedy: "rename one; only one is shown")
        continue
      }
      checkMessage(file, name)
    }
    checkTemporaries(path)
    return true
  }

  private mutating func checkMessage(_ file: String, _ name: MaildirName) {
    // Gone since the directory was listed: somebody expunged it or changed its flags.
    guard let facts = FileSystem.facts(file) else { return }
    guard !facts.isDirectory else {
      report.add(.warning, file, "a directory among the messages", remedy: "move it away")
      return
    }
    counted.messages += 1
    counted.bytes += name.fileBytes.map(Int64.init) ?? facts.size
    if facts.size == 0 {
      report.add(.error, file, "the message is empty", remedy: "remove it, or restore it from a backup")
    } else if let size = name.fileBytes, Int64(size) != facts.size {
      report.add(
        .error, file, "the file has \(facts.size) octets, its name says \(size)",
        remedy: "restore it from a backup, or rename it without ,S= if another program changed it")
    } else if !depth.isQuick {
      checkContents(file, name)
    }
  }

  /// Reads a message, which finds what the disk lost, and compares its size on the wire with the name's.
  private mutating func checkContents(_ file: String, _ name: MaildirName) {
    let descriptor = open(file, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      guard errno != ENOENT else { return }
      let why = String(cString: strerror(errno))
      report.add(.error, file, "the message cannot be read: \(why)", remedy: "make it readable for the server's user")
      return
    }
    defer { close(descriptor) }
    var ends = LineEndCounter()
    var total = 0
    do {
      try withUnsafeTemporaryAllocation(byteCount: 256 << 10, alignment: 64) { buffer in
        while true {
          let count = try FileSystem.readFully(descriptor, buffer, at: total)
          ends.count(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
          total += count
          if count < buffer.count { return }
        }
      }
    } catch {
      report.add(.error, file, "\(error)", remedy: "the disk fails: restore the message from a backup")
      return
    }
    if let wire = name.wireBytes, Int(wire) != total + ends.bareLineFeeds {
      report.add(
        .warning, file, "on the wire it has \(total + ends.bareLineFeeds) octets, its name says \(wire)",
        remedy: "rename it without ,W= and rebuild the index: martinet mailbox rebuild \(key)")
    }
  }

  private mutating func checkTemporaries(_ folder: String) {
    let oldest = now.seconds - temporaryFileAge.wholeMilliseconds / 1000
    for name in FileSystem.names(folder + "/tmp") {
      guard let facts = FileSystem.facts("\(folder)/tmp/\(name)"), facts.seconds < oldest else { continue }
      report.add(
        .note, "\(folder)/tmp/\(name)", "left behind by an interrupted delivery", remedy: "removed at the next start")
    }
  }

  private mutating func checkQuota() {
    let path = maildir + "/maildirsize"
    guard let facts = FileSystem.facts(path), let bytes = try? FileSystem.contents(path, limit: 1 << 20) else { return }
    guard let parsed = QuotaLedger.parse(bytes), parsed.use.bytes >= 0, parsed.use.messages >= 0 else {
      report.add(.warning, path, "the file makes no sense", remedy: "martinet quota recount \(key)")
      return
    }
    guard parsed.use != counted else { return }
    // The sum is written after the message: a kill, or a delivery that is under way, leaves it behind by a moment.
    let isBehind = lastChange > facts.modified - 1_000_000_000
    report.add(
      isBehind ? .note : .warning, path,
      "it adds up to \(parsed.use.bytes) octets in \(parsed.use.messages) messages, "
        + "the files to \(counted.bytes) in \(counted.messages)",
      remedy: "martinet quota recount \(key); it is counted anew by itself before anything is refused")
  }
}
