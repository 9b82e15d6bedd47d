import Basics
import Glibc

/// EXPUNGE and POP3's deletions.
extension AccountStore {
  /// Removes messages: those marked `\Deleted` among `uids` (all when `nil`), or every one named when `flagged` is off.
  func removeMessages(_ key: FolderKey, uids: [UInt32]?, flagged: Bool, limit: QuotaLimit) throws -> [UInt32] {
    try perform { index in
      let view = try view(key, index)
      try sync(view, index)
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
      for attempt in 0..<2 where !wanted.isEmpty {
        var vanished = false
        for uid in wanted.sorted() {
          guard let position = view.position(of: uid) else {
            wanted.remove(uid)
            continue
          }
          let path = view.filePath(position)
          let size = Int64(fileSize(view, position))
          try keepForUndelete(path, folderPath: view.path)
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
      try save(view, index)
      ledger.add(bytes: -freed.bytes, messages: -freed.messages, limit: limit)
      announce(view)
      return removed.sorted()
    }
  }

  /// Octets of a message's file.
  func fileSize(_ view: FolderView, _ position: Int) -> Int {
    let record = view.records[position]
    if record.fileBytes > 0 { return Int(record.fileBytes) }
    return Int(clamping: FileSystem.facts(view.filePath(position))?.size ?? 0)
  }

  private func keepForUndelete(_ path: String, folderPath: String) throws {
    guard host.settings.undelete != nil else { return }
    let grave = directory + "/expunged"
    try FileSystem.makeDirectory(grave)
    // The folder's directory name stands in front, so that undelete knows where the message was.
    let folder = folderPath == maildir ? "INBOX" : String(folderPath.utf8.dropFirst(maildir.utf8.count + 2)) ?? "INBOX"
    let name = String(path.utf8.dropFirst(folderPath.utf8.count + 5)) ?? ""
    let target = "\(grave)/\(host.time.now.seconds) \(folder) \(name)"
    if link(path, target) != 0, errno != EEXIST, errno != ENOENT, errno != ENAMETOOLONG {
      throw FileSystem.failure("link", target)
    }
  }

  /// Removes kept messages whose time is over.
  nonisolated func sweepExpunged() {
    guard let keep = host.settings.undelete else { return }
    let oldest = host.time.now.seconds - keep.wholeMilliseconds / 1000
    for name in FileSystem.names(directory + "/expunged") {
      if let time = Int64(name.prefix { $0 != " " }), time < oldest { unlink("\(directory)/expunged/\(name)") }
    }
  }
}
