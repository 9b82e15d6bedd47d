import Basics
import Glibc

/// COPY and MOVE inside one account.
extension AccountStore {
  func transfer(_ uids: [UInt32], from source: FolderKey, to target: FolderKey, moving: Bool, limit: QuotaLimit) throws
    -> UIDAssignment
  {
    try perform { index in
      let from = try view(source, index)
      try sync(from, index)
      let to = source == target ? from : try view(target, index)
      if source != target { try sync(to, index) }
      return try transfer(uids, from: from, to: to, index, moving: moving, limit: limit)
    }
  }

  /// One file on its way.
  private struct Passage {
    var uid: UInt32
    var size: Int
    var base: String
    var target: String
  }

  func transfer(
    _ uids: [UInt32], from source: FolderView, to target: FolderView, _ index: Index, moving: Bool, limit: QuotaLimit
  ) throws -> UIDAssignment {
    let wanted = Set(uids).sorted().filter { source.position(of: $0) != nil }
    guard !wanted.isEmpty else { return UIDAssignment(uidValidity: target.uidValidity, source: [], assigned: []) }
    let bytes = wanted.reduce(0) { sum, uid in sum + (source.position(of: uid).map { fileSize(source, $0) } ?? 0) }
    if !moving { try ledger.admit(bytes: bytes, messages: wanted.count, limit: limit) }
    var done: [Passage] = []
    var taken = QuotaUse()
    defer {
      if !moving {
        ledger.settle(bytes: bytes, messages: wanted.count, added: false, limit: limit)
        ledger.add(bytes: taken.bytes, messages: taken.messages, limit: limit)
      }
    }
    do {
      try reserve(wanted.count, target, index)
      let result = try change(index) {
        try pass(wanted, source, target, index, moving: moving, &done)
        return try record(done, source, target, index, moving: moving)
      }
      if !moving { taken = QuotaUse(bytes: Int64(done.reduce(0) { $0 + $1.size }), messages: done.count) }
      announce(target)
      if moving { announce(source) }
      return result
    } catch {
      if !moving { for passage in done { unlink(passage.target) } }
      throw error
    }
  }

  /// Gives the files their new names.
  private func pass(
    _ uids: [UInt32], _ source: FolderView, _ target: FolderView, _ index: Index, moving: Bool, _ done: inout [Passage]
  ) throws {
    do {
      for uid in uids {
        if let passage = try pass(uid, source, target, index, moving: moving) { done.append(passage) }
      }
      try host.writer.syncDirectory(target.path + "/cur")
    } catch {
      // What has moved has moved: it is told, the rest stays where it was.
      guard moving, !done.isEmpty else { throw error }
    }
  }

  private func pass(
    _ uid: UInt32, _ source: FolderView, _ target: FolderView, _ index: Index, moving: Bool
  ) throws -> Passage? {
    for attempt in 0..<2 {
      guard let position = source.position(of: uid) else { return nil }
      let record = source.records[position]
      let path = source.filePath(position)
      let size = fileSize(source, position)
      // Sizes that are not known stay out of the name, and so does the trust in its date.
      var base = host.writer.names.stem(now: host.time.now, dated: true) + ",S=\(size)"
      if record.state.contains(.wireKnown), !record.state.contains(.openEnded) { base += ",W=\(record.wireBytes)" }
      let new = "\(target.path)/cur/\(base)\(MaildirName.info(record.flags))"
      if moving ? rename(path, new) == 0 : link(path, new) == 0 {
        return Passage(uid: uid, size: size, base: base, target: new)
      }
      if errno == ENOENT, attempt == 0 {
        guard FileSystem.exists(target.path + "/cur") else { throw StoreError(.noSuchFolder, "the folder is gone") }
        try reconcile(source, index)
        continue
      }
      if errno == EMLINK || errno == EXDEV || errno == EPERM, !moving {
        let written = try host.writer.write(
          .file(path: path, size: size), prefix: [], folder: target.path, date: record.internalDate, now: host.time.now)
        let name = "\(target.path)/cur/\(written.base)\(MaildirName.info(record.flags))"
        try host.writer.place(written, at: name)
        return Passage(uid: uid, size: size, base: written.base, target: name)
      }
      if errno == ENOENT { return nil }
      throw FileSystem.failure(moving ? "rename" : "link", path)
    }
    return nil
  }

  /// Enters what was passed into both views and the index.
  private func record(
    _ done: [Passage], _ source: FolderView, _ target: FolderView, _ index: Index, moving: Bool
  ) throws -> UIDAssignment {
    let modSeq = LazyModSeq(view: target, now: host.time.now.milliseconds)
    let now = UInt32(clamping: host.time.now.seconds)
    var result = UIDAssignment(uidValidity: target.uidValidity, source: [], assigned: [])
    for passage in done {
      guard let position = source.position(of: passage.uid) else { continue }
      var record = source.records[position]
      record.keywords = try translate(record.keywords, from: source, to: target)
      record.uid = target.uidNext
      record.modSeq = modSeq.value()
      record.saveSeconds = now
      record.fileBytes = UInt32(clamping: passage.size)
      record.state.subtract([.inNew, .oddName])
      var base = passage.base
      base.withUTF8 { target.append(record, base: UnsafeRawBufferPointer($0), isSaved: false) }
      target.uidNext += 1
      result.source.append(passage.uid)
      result.assigned.append(record.uid)
    }
    if moving {
      let positions = result.source.compactMap { source.position(of: $0) }
      source.remove(positions, modSeq: source.nextModSeq(now: host.time.now.milliseconds))
    }
    let pairs = Array(zip(result.source, result.assigned))
    do {
      try index.copyEntries(pairs, from: source.id, to: target.id)
      try save(target, index, strictly: true)
      if moving, source !== target { try save(source, index, strictly: true) }
    } catch let error as DatabaseError where !error.isCorruption {
      // Nothing is lost: the files are in place; views are written with the next change.
      host.log.warning("index not written", metadata: ["index": "\(indexPath)", "error": "\(error)"])
    }
    return result
  }

  private func translate(_ bits: UInt64, from source: FolderView, to target: FolderView) throws -> UInt64 {
    guard bits != 0, source !== target else { return bits }
    var result: UInt64 = 0
    for (bit, name) in source.keywords.enumerated() where bits & (1 << UInt64(bit)) != 0 && !name.isEmpty {
      // A full target keeps the message without the keyword, rather than refusing the message.
      if let found = try? keywordBit(name, in: target, create: true) { result |= 1 << UInt64(found) }
    }
    return result
  }
}
