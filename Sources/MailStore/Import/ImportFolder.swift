import Basics
import Glibc

/// Taking one folder over.
extension MailImport {
  /// Messages of one step.
  var batch: Int { max(1, store.host.settings.importBatch) }

  /// Takes what the survey found in the folder at `position` of `folders`.
  func take(_ position: Int) throws {
    do {
      try takeFolder(position)
    } catch let error as DatabaseError {
      throw error.asStoreError
    }
  }

  private func takeFolder(_ position: Int) throws {
    var report = folders[position]
    defer { folders[position] = report }
    let folder = source.folders[position]
    let planned = (added: report.added, known: report.known)
    (report.added, report.addedBytes) = (0, 0)
    let number = try catalog.number(of: folder.name)
    guard let index = try openIndex(), let directory = root.directory(folder.way) else {
      throw StoreError(.temporary, "\(folder.name) cannot be opened; import again to go on")
    }
    let path = try store.path(folder.name)
    let isInPlace = FileSystem.facts(path)?.inode == FileSystem.facts(descriptor: directory.descriptor)?.inode
    let (row, uids) = try claim(folder.name, index)
    (report.uidValidity, report.uids) = (row.uidValidity, uids)
    if planned.added > 0 {
      let cursor = try catalog.startCandidates(number, floor: try index.importFloor(row))
      while true {
        let candidates = try catalog.next(batch, octets: store.host.settings.importBatchBytes, cursor)
        if candidates.isEmpty { break }
        if options.mustStop() { throw StoreError(.temporary, "interrupted; import again to go on") }
        let staged = try stage(candidates, directory, folder: number, path: path, &report)
        let placed = try place(staged, folder: row, path: path, index)
        try settle(placed, number, directory, isInPlace: isInPlace, &report)
      }
    }
    report.keptUniqueIDs += try keepUniqueIDsOfIndexed(number, row, index)
    try catalog.rememberIndexed(number)
    try bringFlags(number, path, &report)
    if options.expungesGone { try expungeGone(number, path, &report) }
    if report.uids == .kept, report.keptUIDs < report.added { report.uids = .partlyKept }
  }

  private func openIndex() throws -> Index? {
    if let index { return index }
    try reopenIndex()
    return index
  }

  /// Remembers a batch that lies in its folder, and removes the source's files if they were to move.
  private func settle(
    _ messages: [StagedMessage], _ number: Int64, _ directory: SourceDirectory, isInPlace: Bool,
    _ report: inout ImportedFolder
  ) throws {
    try catalog.remember(taken: messages.map { ($0.candidate.base, $0.flags) }, number)
    var bytes: Int64 = 0
    for message in messages {
      report.added += 1
      report.addedBytes += message.fileBytes
      // A UID of the folder's own may be the same number by chance.
      if report.uids == .kept, message.uid == message.candidate.uid { report.keptUIDs += 1 }
      if report.name.isInbox, hasUniqueID(message.candidate) { report.keptUniqueIDs += 1 }
      if message.isOurs { bytes += message.fileBytes }
    }
    let count = messages.count { $0.isOurs }
    store.ledger.add(bytes: bytes, messages: count, limit: account.quota)
    guard options.transfer == .move, !isInPlace else { return }
    for message in messages {
      let part = message.candidate.inNew ? "new" : "cur"
      guard let files = directory.directory(part) else { continue }
      files.remove(message.candidate.fileName)
    }
  }

  /// Gives messages of earlier runs the flags that changed at the source since; what changed here stays.
  private func bringFlags(_ number: Int64, _ path: String, _ report: inout ImportedFolder) throws {
    var last: [UInt8] = []
    while true {
      let changes = try catalog.reflagged(number, after: last, most: batch)
      guard let end = changes.last else { return }
      last = end.base
      var done: [(base: [UInt8], flags: MessageFlags)] = []
      for change in changes {
        let name = change.fileName.withUnsafeBytes { MaildirName($0, inNew: change.inNew) }
        let flags = name.flags.subtracting(change.before.subtracting(change.now))
          .union(change.now.subtracting(change.before))
        let fileName = String(decoding: change.fileName, as: UTF8.self)
        let letters = MaildirName.otherLetters(fileName)
        let info = ":2," + String((MaildirName.info(flags).dropFirst(3) + letters).sorted())
        let base = String(decoding: change.fileName.prefix(name.baseCount), as: UTF8.self)
        let old = "\(path)/\(change.inNew ? "new" : "cur")/\(fileName)"
        let target = "\(path)/cur/\(base)\(info)"
        // Another program renamed or removed it meanwhile: its word is the newer one.
        if old != target, rename(old, target) != 0 { continue }
        done.append((change.base, change.now))
      }
      report.reflagged += done.count
      try catalog.remember(taken: done, number)
    }
  }

  /// Removes messages of earlier runs that are gone from the source.
  private func expungeGone(_ number: Int64, _ path: String, _ report: inout ImportedFolder) throws {
    var last: Int64 = 0
    while true {
      let files = try catalog.gone(number, after: last, most: batch)
      guard let end = files.last else { return }
      last = end.row
      var taken = QuotaUse()
      for file in files {
        let target = "\(path)/\(file.inNew ? "new" : "cur")/\(String(decoding: file.fileName, as: UTF8.self))"
        let size = FileSystem.facts(target)?.size ?? 0
        guard unlink(target) == 0 else { continue }
        taken.bytes += size
        taken.messages += 1
      }
      report.expunged += taken.messages
      store.ledger.add(bytes: -taken.bytes, messages: -taken.messages, limit: account.quota)
    }
  }
}
