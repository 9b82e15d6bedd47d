import Basics
import Glibc

/// STORE: system flags into file names, keywords into the index.
extension AccountStore {
  func changeFlags(
    _ key: FolderKey, _ change: FlagChange, uids: [UInt32], unchangedSince: UInt64?
  ) throws -> StoreResult {
    try perform { index in
      let view = try view(key, index)
      try sync(view, index)
      return try self.change(index) {
        try changeFlags(view, index, change, uids: uids, unchangedSince: unchangedSince)
      }
    }
  }

  private func changeFlags(
    _ view: FolderView, _ index: Index, _ change: FlagChange, uids: [UInt32], unchangedSince: UInt64?
  ) throws -> StoreResult {
    var mask: UInt64 = 0
    for keyword in change.keywords {
      if let bit = try keywordBit(keyword, in: view, create: change.mode != .remove) { mask |= 1 << UInt64(bit) }
    }
    let modSeq = LazyModSeq(view: view, now: host.time.now.milliseconds)
    var modified: [UInt32] = []
    var touched: [UInt32] = []
    var keywordsChanged = false
    for uid in uids {
      guard let position = view.position(of: uid) else { continue }
      if let limit = unchangedSince, view.records[position].modSeq > limit {
        modified.append(uid)
        continue
      }
      touched.append(uid)
      let record = view.records[position]
      let flags = Self.meet(record.flags, change.flags, change.mode)
      let keywords = Self.meet(record.keywords, mask, change.mode)
      guard flags != record.flags || keywords != record.keywords else { continue }
      if flags != record.flags, try !setFlags(flags, of: uid, view, index) {
        touched.removeLast()
        continue
      }
      guard let now = view.position(of: uid) else { continue }
      keywordsChanged = keywordsChanged || keywords != record.keywords
      var changed = view.records[now]
      changed.keywords = keywords
      changed.modSeq = modSeq.value()
      view.set(now, changed)
    }
    try save(view, index, strictly: keywordsChanged)
    announce(view)
    let snapshot = view.snapshot(keywordLimit: host.settings.keywordsPerMailbox)
    return StoreResult(
      messages: touched.sorted().compactMap { uid in view.position(of: uid).map { view.records[$0] } },
      modified: modified.sorted(), snapshot: snapshot)
  }

  private static func meet(_ old: MessageFlags, _ named: MessageFlags, _ mode: FlagChange.Mode) -> MessageFlags {
    switch mode {
    case .add: old.union(named)
    case .remove: old.subtracting(named)
    case .replace: named
    }
  }

  private static func meet(_ old: UInt64, _ named: UInt64, _ mode: FlagChange.Mode) -> UInt64 {
    switch mode {
    case .add: old | named
    case .remove: old & ~named
    case .replace: named
    }
  }

  /// The bit of a keyword, made when it is new and `create` says so.
  func keywordBit(_ keyword: String, in view: FolderView, create: Bool) throws -> Int? {
    let folded = keyword.lowercased()
    if let known = view.keywords.firstIndex(where: { $0.lowercased() == folded }) { return known }
    guard create else { return nil }
    guard !keyword.isEmpty, keyword.utf8.count <= host.settings.keywordBytes,
      keyword.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7f })
    else { throw StoreError(.limit, "not a keyword this server can keep") }
    if let free = view.keywords.firstIndex(of: "") {
      view.keywords[free] = keyword
    } else {
      guard view.keywords.count < min(64, host.settings.keywordsPerMailbox) else {
        // A keyword no message has any more makes room.
        let used = view.records.reduce(UInt64(0)) { $0 | $1.keywords }
        guard let free = view.keywords.indices.first(where: { used & (1 << UInt64($0)) == 0 }) else {
          throw StoreError(.limit, "the mailbox has its \(view.keywords.count) keywords already")
        }
        view.keywords[free] = keyword
        return free
      }
      view.keywords.append(keyword)
    }
    view.rowChanged = true
    view.touch()
    return view.keywords.firstIndex(of: keyword)
  }

  /// Renames a message's file to what its flags are to be; one renamed meanwhile by another program is looked up again.
  ///
  /// - Returns: `false` when the message is gone.
  func setFlags(_ flags: MessageFlags, of uid: UInt32, _ view: FolderView, _ index: Index) throws -> Bool {
    for attempt in 0..<3 {
      guard let position = view.position(of: uid) else { return false }
      let record = view.records[position]
      let letters = record.state.contains(.oddName) ? MaildirName.otherLetters(view.fileName(position)) : ""
      let info =
        letters.isEmpty
        ? MaildirName.info(flags) : ":2," + String((MaildirName.info(flags).dropFirst(3) + letters).sorted())
      let name = view.names.base(position) + info
      let old = view.filePath(position)
      let new = "\(view.path)/cur/\(name)"
      if old != new, rename(old, new) != 0 {
        guard errno == ENOENT, attempt < 2 else { throw FileSystem.failure("rename", old) }
        try reconcile(view, index)
        continue
      }
      var changed = record
      changed.flags = flags
      changed.state.remove(.inNew)
      if letters.isEmpty {
        changed.state.remove(.oddName)
        view.oddNames[uid] = nil
      } else {
        changed.state.insert(.oddName)
        view.oddNames[uid] = name
        view.dirtyPages.insert(uid >> 6)
      }
      view.set(position, changed)
      return true
    }
    return false
  }

  /// Takes `\Recent` for the caller and moves what lies in `new/` to `cur/`.
  func claimRecent(_ key: FolderKey) throws -> Range<UInt32> {
    startFilling()
    return try perform { index in
      let view = try view(key, index)
      try sync(view, index)
      let first = view.recentFrom
      let next = max(first, view.uidNext)
      // A mailbox with nothing new costs nothing here.
      if let last = view.records.last, last.uid >= first || last.state.contains(.inNew) {
        for position in view.records.indices.reversed() {
          let record = view.records[position]
          if record.uid < first, !record.state.contains(.inNew) { break }
          guard record.state.contains(.inNew) else { continue }
          let name = view.names.base(position) + MaildirName.info(record.flags)
          // A file that another program took meanwhile is found by the next look.
          guard rename(view.filePath(position), "\(view.path)/cur/\(name)") == 0 else { continue }
          var moved = record
          moved.state.subtract([.inNew, .oddName])
          view.oddNames[record.uid] = nil
          view.set(position, moved)
        }
      }
      guard next > first else { return first..<first }
      view.recentFrom = next
      view.rowChanged = true
      try save(view, index)
      announce(view)
      return first..<next
    }
  }
}
