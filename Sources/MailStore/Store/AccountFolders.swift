import Basics
import Glibc

/// Folders by name: making, finding, renaming, removing.
extension AccountStore {
  /// Opens a folder: its row is made at first sight, its view loaded, a broken index found and replaced now.
  func openFolder(_ name: MailboxName) throws -> FolderKey {
    try perform { index in
      let key = try folderKey(name, index)
      _ = try view(key, index)
      return key
    }
  }

  /// Opens a folder, takes its `\Recent` messages when asked to, and says what it holds.
  func select(
    _ name: MailboxName, claimsRecent: Bool
  ) throws -> (key: FolderKey, recent: Range<UInt32>, snapshot: MailboxSnapshot) {
    let key = try openFolder(name)
    let recent = claimsRecent ? try claimRecent(key) : 0..<0
    return (key, recent, try snapshot(key))
  }

  /// The number of a folder that exists on disk.
  func folderKey(_ name: MailboxName, _ index: Index) throws -> FolderKey {
    let path = try path(name)
    if name.isInbox, !FileSystem.exists(path + "/cur") || !FileSystem.exists(path + "/new") {
      isPrepared.store(false, ordering: .releasing)
      try prepareMaildir(key: nil)
    }
    guard name.isInbox || FileSystem.exists(path + "/cur") else {
      throw StoreError(.noSuchFolder, "there is no folder \(name)")
    }
    if let id = folderIDs[name] { return FolderKey(id: id, epoch: epoch) }
    let id = try row(name, index).id
    if folderIDs.count > 4096 { folderIDs = [:] }
    folderIDs[name] = id
    return FolderKey(id: id, epoch: epoch)
  }

  func row(_ name: MailboxName, _ index: Index) throws -> FolderRow {
    if let row = try index.folder(name) { return row }
    let validity = try nextUIDValidity(index)
    let modSeq = UInt64(clamping: max(1, host.time.now.milliseconds))
    let object = "F" + String(UInt64.random(in: 0...UInt64.max), radix: 36) + String(validity, radix: 36)
    if let row = try index.addFolder(name, uidValidity: validity, modSeq: modSeq, objectID: object) { return row }
    throw StoreError(.temporary, "the folder's row is not there")
  }

  /// A UIDVALIDITY above all that this account ever had, whatever the clock or the index say.
  ///
  /// The file beside the index holds the highest one that may have been given, and is on disk before one is.
  private func nextUIDValidity(_ index: Index) throws -> UInt32 {
    let path = directory + "/uidvalidity"
    let stored =
      try FileSystem.contents(path, limit: 64).flatMap {
        UInt32(String(decoding: $0.prefix { $0 != 0x0a }, as: UTF8.self))
      } ?? 0
    let known = UInt32(clamping: try index.highestUIDValidity())
    let wall = UInt32(clamping: max(1, host.time.now.seconds))
    if let reserved = validities, reserved.lowerBound > known, stored == reserved.upperBound - 1, !reserved.isEmpty {
      validities = (reserved.lowerBound + 1)..<reserved.upperBound
      return reserved.lowerBound
    }
    let floor = max(stored, known)
    guard floor < UInt32.max - 2048 else { throw StoreError(.limit, "no UIDVALIDITY left") }
    let next = max(floor + 1, wall)
    // Blocks grow with the account, so that ten thousand folders at first sight wait for the disk some forty times.
    let folders = UInt32(clamping: try index.database.integer("SELECT count(*) FROM folder") ?? 0)
    let end = next.addingReportingOverflow(min(1024, max(16, folders / 4)))
    let last = end.overflow ? UInt32.max - 1 : end.partialValue
    try FileSystem.replace(path, with: Array("\(last)\n".utf8), durable: true)
    validities = (next + 1)..<(last + 1)
    return next
  }

  /// All folder directories: INBOX, and those whose name this program could have written.
  ///
  /// Known from the last time while the Maildir's own date has not changed, and was old enough then to tell.
  nonisolated func folderDirectories() -> [(name: MailboxName, path: String)] {
    let stamp = FileSystem.facts(maildir)?.modified ?? 0
    let listedAt = Self.nanoseconds()
    if let known = knownFolders.withLock({ $0 }), stamp != 0, known.stamp == stamp { return known.folders }
    let folders = listFolderDirectories()
    // A date as young as the file system's clock step may stand for two states of the directory.
    let isSettled = listedAt - stamp > 20_000_000
    knownFolders.withLock { $0 = isSettled ? KnownFolders(stamp: stamp, folders: folders) : nil }
    return folders
  }

  private nonisolated func listFolderDirectories() -> [(name: MailboxName, path: String)] {
    var result: [(name: MailboxName, path: String)] = [(.inbox, maildir)]
    for directoryName in FileSystem.names(maildir) where directoryName.utf8.first == UInt8(ascii: ".") {
      guard let name = FolderNameCodec.name(ofDirectory: directoryName), !name.isInbox else { continue }
      let path = "\(maildir)/\(directoryName)"
      if FileSystem.exists(path + "/cur") { result.append((name, path)) }
    }
    return result
  }

  func createFolder(_ name: MailboxName, specialUse: SpecialUse?) throws {
    try perform { index in
      let path = try path(name)
      if name.isInbox || FileSystem.exists(path + "/cur") {
        throw StoreError(.folderExists, "there is a folder \(name) already")
      }
      // A directory's links count its subdirectories where the file system keeps them; some say 1 always.
      let links = FileSystem.facts(maildir)?.links ?? 0
      let count = links > 4 ? links - 5 : FileSystem.names(maildir).count { $0.utf8.first == UInt8(ascii: ".") }
      guard count < host.settings.foldersPerAccount else { throw StoreError(.limit, "too many folders") }
      if let stale = try index.folder(name) { try forget(stale.id, index) }
      try Self.makeFolder(path, isSubfolder: true)
      try FileSystem.syncDirectory(maildir)
      if let specialUse { try setSpecialUse(specialUse, of: name) }
      _ = try row(name, index)
    }
    accountEvents.post(.created(name))
  }

  func deleteFolder(_ name: MailboxName) throws {
    guard !name.isInbox else { throw StoreError(.notAllowed, "INBOX cannot be deleted") }
    try perform { index in
      let path = try path(name)
      guard FileSystem.exists(path + "/cur") else {
        throw StoreError(.noSuchFolder, "there is no folder \(name)")
      }
      var taken = QuotaUse()
      if let listing = try? MaildirListing(folder: path, expecting: 64) {
        for entry in listing.entries {
          taken.bytes += listing.fileBytes(entry)
          taken.messages += 1
        }
      }
      // One rename makes it vanish for everyone; what follows may be interrupted and is swept at the next start.
      let grave = "\(maildir)/tmp/deleted.\(UInt64.random(in: 0...UInt64.max))"
      if rename(path, grave) != 0 { throw FileSystem.failure("rename", path) }
      try FileSystem.syncDirectory(maildir)
      if let row = try index.folder(name) { try forget(row.id, index) }
      ledger.add(bytes: -taken.bytes, messages: -taken.messages, limit: .unlimited)
      keepFolder(grave, name)
      try? FileSystem.removeTree(grave)
      try removeSpecialUse(of: name)
    }
    accountEvents.post(.deleted(name))
  }

  /// Takes the messages of a folder that is about to be removed over to those kept for undelete.
  nonisolated private func keepFolder(_ grave: String, _ name: MailboxName) {
    guard kept.isOn, let listing = try? MaildirListing(folder: grave, expecting: 64) else { return }
    let label = KeptMail.label(FolderNameCodec.directoryName(name))
    for entry in listing.entries {
      let (path, size) = (listing.path(entry), listing.fileBytes(entry))
      do { _ = try kept.keep(path, fileName: listing.fileName(entry), label: label, size: size, moving: true) } catch {
        host.log.warning("not kept for undelete", metadata: ["file": "\(path)", "error": "\(error)"])
      }
    }
  }

  /// Drops a folder's row, view and seat; sessions on it are told.
  func forget(_ id: Int64, _ index: Index) throws {
    try index.removeFolder(id: id)
    views[id] = nil
    removedFolders.append(id)
    if wantsFill { host.filler.note(self) }
    folderIDs = folderIDs.filter { $0.value != id }
    let seat = seats.removeValue(forKey: id)
    if let seat { arrivals.withLock { all in all = all.filter { $0.value !== seat.notices } } }
    seat?.wakeAll()
  }

  func renameFolder(_ old: MailboxName, to new: MailboxName) throws {
    guard old != new, !new.isInbox else { throw StoreError(.folderExists, "there is a folder \(new) already") }
    guard !new.isBelow(old) || old.isInbox else {
      throw StoreError(.notAllowed, "a folder cannot move below itself")
    }
    if old.isInbox { return try renameInbox(to: new) }
    try perform { index in
      let source = try path(old)
      guard FileSystem.exists(source + "/cur") || folderDirectories().contains(where: { $0.name.isBelow(old) }) else {
        throw StoreError(.noSuchFolder, "there is no folder \(old)")
      }
      let moves = folderDirectories().filter { $0.name == old || $0.name.isBelow(old) }
        .map { (from: $0.name, to: $0.name.moving(old, to: new)) }
      for move in moves where FileSystem.exists(try path(move.to) + "/cur") {
        throw StoreError(.folderExists, "there is a folder \(move.to) already")
      }
      try move(moves, index)
      try FileSystem.syncDirectory(maildir)
      folderIDs = [:]
      try moveSpecialUses(from: old, to: new)
    }
    accountEvents.post(.renamed(from: old, to: new))
  }

  /// Moves folders and their rows in one step; when that fails, those moved go back.
  private func move(_ moves: [(from: MailboxName, to: MailboxName)], _ index: Index) throws {
    var done: [(from: String, to: String)] = []
    var rows: [Int64] = []
    do {
      try index.write {
        for move in moves {
          let (from, target) = (try path(move.from), try path(move.to))
          if rename(from, target) != 0 { throw FileSystem.failure("rename", from) }
          done.append((from, target))
          if let stale = try index.folder(move.to) { try forget(stale.id, index) }
          guard let row = try index.folder(move.from) else { continue }
          try index.renameFolder(id: row.id, to: move.to)
          rows.append(row.id)
        }
        try index.forgetBackups(rows)
      }
    } catch {
      for move in done.reversed() where rename(move.to, move.from) != 0 {
        host.log.warning("folder not moved back", metadata: ["from": "\(move.to)", "to": "\(move.from)"])
      }
      throw error
    }
    for row in rows { reseat(row) }
  }

  /// Lets a renamed folder's view be loaded anew from its new place; sessions on it go on.
  private func reseat(_ id: Int64) {
    views[id] = nil
    guard let seat = seats[id] else { return }
    seat.watch = nil
    arrivals.withLock { all in all = all.filter { $0.value !== seat.notices } }
    seat.wakeAll()
  }

  /// RFC 9051 section 6.3.6: INBOX's messages move, INBOX stays, its children stay.
  private func renameInbox(to new: MailboxName) throws {
    try createFolder(new, specialUse: nil)
    try perform { index in
      let inbox = try view(folderKey(.inbox, index), index)
      try sync(inbox, index)
      let target = try view(folderKey(new, index), index)
      _ = try transfer(inbox.records.map(\.uid), from: inbox, to: target, index, moving: true, limit: .unlimited)
    }
  }
}
