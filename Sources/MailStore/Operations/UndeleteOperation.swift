import Basics
import Glibc

/// What undelete brought back into one folder, or would.
package struct UndeletedFolder: Hashable, Sendable {
  /// The folder.
  package var name: MailboxName
  /// Messages brought back.
  package var messages: Int
  /// Octets of their files.
  package var bytes: Int64
}

/// What undelete did, or would do.
package struct UndeleteOutcome: Sendable {
  /// Folders with something to bring back, by name.
  package var folders: [UndeletedFolder]
  /// Whether all of it fits the quota; always so when something was brought back.
  package var fitsQuota: Bool
  /// All messages together.
  package var messages: Int { folders.reduce(0) { $0 + $1.messages } }
}

extension MailStore {
  /// Brings expunged messages back into their folders, all or none; folders that are gone are made again.
  ///
  /// They get new UIDs and keep INTERNALDATE, flags (but for `\Deleted`) and keywords. May run beside a server.
  ///
  /// - Parameters:
  ///   - folder: the one folder that is looked at; `nil` for all.
  ///   - since: only what was expunged at this moment or later.
  ///   - dryRun: only tell.
  /// - Throws: `overQuota` when not all fits; `temporary`.
  package func undelete(
    _ account: MailAccount, folder: MailboxName? = nil, since: Timestamp? = nil, dryRun: Bool = false
  ) async throws -> UndeleteOutcome {
    let store = try registry.account(account.directory)
    let (outcome, restored) = try await host.onFiles {
      try store.undelete(account, folder: folder, since: since, dryRun: dryRun)
    }
    for (name, messages) in Dictionary(grouping: restored, by: \.folder) {
      try await store.restoreKeywords(folderNamed: name, messages)
    }
    return outcome
  }
}

/// A message that lies in its folder again.
struct RestoredFile: Sendable {
  var folder: MailboxName
  var base: String
  var key: String
}

extension AccountStore {
  /// The files' part of undelete; blocking.
  nonisolated func undelete(
    _ account: MailAccount, folder: MailboxName?, since: Timestamp?, dryRun: Bool
  ) throws -> (UndeleteOutcome, [RestoredFile]) {
    let files = kept.files(folder).filter { since == nil || $0.seconds >= (since?.seconds ?? 0) }
    let groups = Dictionary(grouping: files, by: \.label)
    var outcome = UndeleteOutcome(folders: [], fitsQuota: true)
    for (label, files) in groups {
      guard let name = KeptMail.folder(label) else { continue }
      outcome.folders.append(
        UndeletedFolder(name: name, messages: files.count, bytes: files.reduce(0) { $0 + $1.size }))
    }
    outcome.folders.sort { $0.name.path < $1.name.path }
    let bytes = Int(clamping: outcome.folders.reduce(0) { $0 + $1.bytes })
    guard !dryRun, outcome.messages > 0 else {
      outcome.fitsQuota = try ledger.fits(bytes: bytes, messages: outcome.messages, limit: account.quota)
      return (outcome, [])
    }
    try prepareMaildir(key: account.key)
    try ledger.admit(bytes: bytes, messages: outcome.messages, limit: account.quota)
    var restored: [RestoredFile] = []
    var taken = QuotaUse()
    defer {
      kept.recount()
      ledger.settle(bytes: bytes, messages: outcome.messages, added: false, limit: account.quota)
      ledger.add(bytes: taken.bytes, messages: taken.messages, limit: account.quota)
    }
    for number in outcome.folders.indices {
      let name = outcome.folders[number].name
      let label = KeptMail.label(FolderNameCodec.directoryName(name))
      let done = try restore(groups[label] ?? [], into: name)
      outcome.folders[number].messages = done.count
      outcome.folders[number].bytes = done.reduce(0) { $0 + $1.file.size }
      taken.bytes += outcome.folders[number].bytes
      taken.messages += done.count
      restored += done.map { RestoredFile(folder: name, base: $0.base, key: $0.file.key) }
    }
    return (outcome, restored)
  }

  /// Moves kept files into a folder under new names; one that somebody else took meanwhile is left out.
  private nonisolated func restore(
    _ files: [KeptFile], into name: MailboxName
  ) throws -> [(file: KeptFile, base: String)] {
    let path = try path(name)
    if !FileSystem.exists(path + "/cur") {
      try Self.makeFolder(path, isSubfolder: !name.isInbox)
      try FileSystem.syncDirectory(maildir)
    }
    var done: [(file: KeptFile, base: String)] = []
    for file in files.sorted(by: { ($0.name.order, $0.fileName) < ($1.name.order, $1.fileName) }) {
      var base = host.writer.names.stem(now: host.time.now, dated: true) + ",S=\(file.size)"
      if let wireBytes = file.name.wireBytes { base += ",W=\(wireBytes)" }
      let target = "\(path)/cur/\(base)\(MaildirName.info(file.name.flags.subtracting(.deleted)))"
      if rename(kept.path(file), target) != 0 {
        guard errno == ENOENT, FileSystem.exists(path + "/cur") else { throw FileSystem.failure("rename", target) }
        continue
      }
      done.append((file, base))
    }
    try host.writer.syncDirectory(path + "/cur")
    return done
  }

  /// Gives restored messages the keywords they had.
  func restoreKeywords(folderNamed name: MailboxName, _ messages: [RestoredFile]) throws {
    try perform { index in
      let known = messages.compactMap { message in
        (try? index.keptKeywords(message.key)).flatMap { $0 }.map { (base: message.base, keywords: $0) }
      }
      guard !known.isEmpty else { return }
      let view = try view(folderKey(name, index), index)
      try sync(view, index)
      let modSeq = LazyModSeq(view: view, now: host.time.now.milliseconds)
      for message in known {
        var base = message.base
        guard let position = base.withUTF8({ view.position(ofBase: UnsafeRawBufferPointer($0)) }) else { continue }
        var record = view.records[position]
        for keyword in message.keywords {
          // A mailbox that is full of keywords keeps the message without.
          if let bit = try? keywordBit(keyword, in: view, create: true) { record.keywords |= 1 << UInt64(bit) }
        }
        record.modSeq = modSeq.value()
        view.set(position, record)
      }
      try save(view, index, strictly: true)
      try index.forgetKept(messages.map(\.key))
      announce(view)
    }
  }

  /// Drops notes about messages that are kept no longer.
  func forgetKept(before seconds: Int64) throws { try perform { try $0.forgetKept(before: seconds) } }
}

/// Keywords of expunged messages, which no file name can hold.
extension Index {
  func noteKept(_ notes: [(key: String, keywords: [String])], seconds: Int64) throws {
    for note in notes {
      try database.statement("INSERT OR REPLACE INTO kept_keywords(name, seconds, keywords) VALUES(?1, ?2, ?3)")
        .bind(1, note.key).bind(2, seconds).bind(3, note.keywords.joined(separator: "\n")).run()
    }
  }

  func keptKeywords(_ key: String) throws -> [String]? {
    let statement = try database.statement("SELECT keywords FROM kept_keywords WHERE name = ?1").bind(1, key)
    defer { statement.reset() }
    return try statement.step() ? statement.text(0).split(separator: "\n").map(String.init) : nil
  }

  func forgetKept(_ keys: [String]) throws {
    try write {
      for key in keys { try database.statement("DELETE FROM kept_keywords WHERE name = ?1").bind(1, key).run() }
    }
  }

  func forgetKept(before seconds: Int64) throws {
    try write {
      try database.statement("DELETE FROM kept_keywords WHERE seconds < ?1").bind(1, seconds).run()
    }
  }
}
