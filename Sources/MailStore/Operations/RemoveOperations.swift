import Basics
import Glibc

/// EXPUNGE and POP3's deletions.
extension AccountStore {
  /// Removes messages: those marked `\Deleted` among `uids` (all when `nil`), or every one named when `flagged` is off.
  func removeMessages(_ key: FolderKey, uids: [UInt32]?, flagged: Bool, limit: QuotaLimit) throws -> [UInt32] {
    try perform { index in
      let view = try view(key, index)
      try sync(view, index)
      return try change(index) { try remove(uids, from: view, index, flagged: flagged, limit: limit) }
    }
  }

  private func remove(
    _ uids: [UInt32]?, from view: FolderView, _ index: Index, flagged: Bool, limit: QuotaLimit
  ) throws -> [UInt32] {
    var wanted: Set<UInt32> = []
    if let uids {
      for uid in uids {
        guard let position = view.position(of: uid) else { continue }
        if !flagged || view.records[position].flags.contains(.deleted) { wanted.insert(uid) }
      }
    } else {
      for record in view.records where record.flags.contains(.deleted) { wanted.insert(record.uid) }
    }
    var removed: [UInt32] = []
    var freed = QuotaUse()
    // Also when the rest fails: those files are gone.
    defer { ledger.add(bytes: -freed.bytes, messages: -freed.messages, limit: limit) }
    var notes: [(key: String, keywords: [String])] = []
    for attempt in 0..<2 where !wanted.isEmpty {
      var vanished = false
      for uid in wanted.sorted() {
        guard let position = view.position(of: uid) else {
          wanted.remove(uid)
          continue
        }
        let path = view.filePath(position)
        let size = Int64(fileSize(view, position))
        if let key = try keepForUndelete(view, position, size: size), view.records[position].keywords != 0 {
          notes.append((key, view.keywordNames(view.records[position].keywords)))
        }
        if unlink(path) == 0 {
          freed.bytes += size
          freed.messages += 1
        } else if errno == ENOENT {
          // Renamed or removed by another program; the second turn knows which.
          vanished = true
          continue
        } else {
          throw FileSystem.failure("unlink", path)
        }
        wanted.remove(uid)
        removed.append(uid)
      }
      if vanished, attempt == 0 {
        let before = removed.compactMap { view.position(of: $0) }.sorted()
        let modSeq = LazyModSeq(view: view, now: host.time.now.milliseconds)
        if !before.isEmpty { view.remove(before, modSeq: modSeq.value()) }
        try reconcile(view, index)
      }
    }
    let positions = removed.compactMap { view.position(of: $0) }.sorted()
    if !positions.isEmpty {
      view.remove(positions, modSeq: view.nextModSeq(now: host.time.now.milliseconds))
    }
    do { try index.noteKept(notes, seconds: host.time.now.seconds) } catch let error as DatabaseError
      where !error.isCorruption
    {
      host.log.warning("keywords of expunged messages not kept", metadata: ["error": "\(error)"])
    }
    try save(view, index)
    announce(view)
    return removed.sorted()
  }

  /// Octets of a message's file.
  func fileSize(_ view: FolderView, _ position: Int) -> Int {
    let record = view.records[position]
    if record.fileBytes > 0 { return Int(record.fileBytes) }
    return Int(clamping: FileSystem.facts(view.filePath(position))?.size ?? 0)
  }
  private func keepForUndelete(_ view: FolderView, _ position: Int, size: Int64) throws -> String? {
    guard kept.isOn else { return nil }
    let directoryName =
      view.path == maildir ? "" : String(decoding: view.path.utf8.dropFirst(maildir.utf8.count + 1), as: UTF8.self)
    return try kept.keep(
      view.filePath(position), fileName: view.fileName(position), label: KeptMail.label(directoryName), size: size)
  }
}
