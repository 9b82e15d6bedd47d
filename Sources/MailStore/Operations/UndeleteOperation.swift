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
  /// When it fails on the way, what was moved already goes back; when it is killed, it can be run again, and the next
  /// `sweep` counts the mail.
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
  var file: KeptFile
  var path: String
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
    let mark = try kept.beginRestoring()
    defer { mark.end() }
    if mark.wasInterrupted { _ = try ledger.recount(account.quota) }
    try ledger.admit(bytes: bytes, messages: outcome.messages, limit: account.quota)
    let charged = QuotaUse(bytes: Int64(bytes), messages: outcome.messages)
    ledger.charge(bytes: charged.bytes, messages: charged.messages, limit: account.quota)
    ledger.settle(bytes: bytes, messages: outcome.messages, added: false, limit: account.quota)
    var restored: [RestoredFile] = []
    defer {
      kept.recount()
      let taken = restored.reduce(0) { $0 + $1.file.size }
      ledger.add(
        bytes: taken - charged.bytes, messages: restored.count - charged.messages, limit: account.quota)
    }
    do {
      for number in outcome.folders.indices {
        let name = outcome.folders[number].name
        let before = restored.count
        try restore(groups[KeptMail.label(FolderNameCodec.directoryName(name))] ?? [], into: name, &restored)
        outcome.folders[number].messages = restored.count - before
        outcome.folders[number].bytes = restored[before...].reduce(0) { $0 + $1.file.size }
      }
    } catch {
      restored = putBack(restored)
      throw error
    }
    return (outcome, restored)
  }

  /// Moves kept files into a folder under new names; one that somebody else took meanwhile is left out.
  private nonisolated func restore(
    _ files: [KeptFile], into name: MailboxName, _ restored: inout [RestoredFile]
  ) throws {
    let path = try path(name)
    if !FileSystem.exists(path + "/cur") {
      try Self.makeFolder(path, isSubfolder: !name.isInbox)
      try FileSystem.syncDirectory(maildir)
    }
    for file in files.sorted(by: { ($0.name.order, $0.fileName) < ($1.name.order, $1.fileName) }) {
      var base = host.writer.names.stem(now: host.time.now, dated: true) + ",S=\(file.size)"
      if let wireBytes = file.name.wireBytes { base += ",W=\(wireBytes)" }
      let target = "\(path)/cur/\(base)\(MaildirName.info(file.name.flags.subtracting(.deleted)))"
      if rename(kept.path(file), target) != 0 {
        guard errno == ENOENT, FileSystem.exists(path + "/cur") else { throw FileSystem.failure("rename", target) }
        continue
      }
      restored.append(RestoredFile(folder: name, base: base, file: file, path: target))
    }
    try host.writer.syncDirectory(path + "/cur")
  }

  /// Takes back what was begun; gives what stays in its folder because somebody has renamed it there meanwhile.
  private nonisolated func putBack(_ restored: [RestoredFile]) -> [RestoredFile] {
    let stays = restored.filter { rename($0.path, kept.path($0.file)) != 0 }
    for path in Set(restored.map { kept.directory(of: $0.file) }) { try? FileSystem.syncDirectory(path) }
    return stays
  }

  /// Gives restored messages the keywords they had.
  func restoreKeywords(folderNamed name: MailboxName, _ messages: [RestoredFile]) throws {
    try perform { index in
      let known = messages.compactMap { message in
        (try? index.keptKeywords(message.file.key)).flatMap { $0 }.map { (base: message.base, keywords: $0) }
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
      try index.forgetKept(messages.map(\.file.key))
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
