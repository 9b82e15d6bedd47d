import Basics
import Glibc

/// A message written and synced, with what the index alone will know of it.
struct PlacedMessage: Sendable {
  var written: WrittenMessage
  var flags: MessageFlags
  var keywords: [String]
  var uidl: String?
}

/// APPEND: files first, several at once, then one step in the actor that gives the UIDs.
extension AccountStore {
  /// Writes, syncs and names all messages, on the file threads; on failure none stays.
  nonisolated func place(_ messages: [NewMessage], at path: String, limit: QuotaLimit) throws -> [PlacedMessage] {
    guard FileSystem.exists(path + "/cur") else { throw StoreError(.noSuchFolder, "the folder is gone") }
    let bytes = messages.reduce(0) { $0 + $1.content.size }
    try ledger.admit(bytes: bytes, messages: messages.count, limit: limit)
    var placed: [PlacedMessage] = []
    var names: [String] = []
    do {
      for message in messages {
        let written = try host.writer.write(
          message.content, prefix: [], folder: path, date: message.internalDate, now: host.time.now,
          isOneOfMany: messages.count > 1)
        placed.append(
          PlacedMessage(written: written, flags: message.flags, keywords: message.keywords, uidl: message.uidl))
      }
      if messages.count > 1 { try host.writer.sync(placed.map(\.written)) }
      for message in placed {
        let name = "\(path)/cur/\(message.written.base)\(MaildirName.info(message.flags))"
        try host.writer.place(message.written, at: name)
        names.append(name)
      }
      try host.writer.syncDirectory(path + "/cur")
    } catch {
      for message in placed { message.written.discard() }
      for name in names { unlink(name) }
      ledger.settle(bytes: bytes, messages: messages.count, added: false, limit: limit)
      throw error
    }
    ledger.settle(bytes: bytes, messages: messages.count, added: true, limit: limit)
    return placed
  }

  /// Gives UIDs to placed messages and keeps what file names cannot say.
  func register(_ key: FolderKey, _ placed: [PlacedMessage]) throws -> UIDAssignment {
    startFilling()
    return try perform { index in
      let view = try view(key, index)
      if view.mustRescan { try reconcile(view, index) }
      let modSeq = LazyModSeq(view: view, now: host.time.now.milliseconds)
      var isStrict = false
      var uidls: [KeptUniqueID] = []
      let firstNew = view.uidNext
      func isNew(_ uid: UInt32) -> Bool { uid >= firstNew }
      let unknown = placed.filter { message in
        var base = message.written.base
        return base.withUTF8 { view.position(ofBase: UnsafeRawBufferPointer($0)) } == nil
      }
      try add(unknown.count, to: view, index, modSeq: modSeq) { number, body in
        let message = unknown[number]
        var name = message.written.base + MaildirName.info(message.flags)
        name.withUTF8 { octets in
          let parsed = MaildirName(UnsafeRawBufferPointer(octets), inNew: false)
          body(
            UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(octets)[..<parsed.baseCount]), parsed, false, nil)
        }
      }
      var assigned: [UInt32] = []
      for message in placed {
        var base = message.written.base
        guard let position = base.withUTF8({ view.position(ofBase: UnsafeRawBufferPointer($0)) }) else {
          throw StoreError(.noSuchMessage, "another program took the message away")
        }
        var record = view.records[position]
        record.internalSeconds = UInt32(clamping: message.written.date.seconds)
        record.fileBytes = UInt32(clamping: message.written.fileBytes)
        record.wireBytes = UInt32(clamping: message.written.wireBytes)
        record.state.formUnion([.measured, .wireKnown])
        if message.written.isOpenEnded { record.state.insert(.openEnded) }
        for keyword in message.keywords {
          if let bit = try keywordBit(keyword, in: view, create: true) { record.keywords |= 1 << UInt64(bit) }
        }
        // Another look at the folder may have found the file first and told of it without its keywords.
        if record.keywords != view.records[position].keywords, !isNew(record.uid) { record.modSeq = modSeq.value() }
        isStrict = isStrict || record.keywords != 0 || message.uidl != nil
        if let uidl = message.uidl { uidls.append(KeptUniqueID(uid: record.uid, text: uidl)) }
        view.set(position, record)
        assigned.append(record.uid)
      }
      try save(view, index, strictly: isStrict)
      if !uidls.isEmpty { try index.saveUIDLs(view.id, uidls) }
      announce(view)
      return UIDAssignment(uidValidity: view.uidValidity, source: [], assigned: assigned)
    }
  }

  /// Where a folder lies now.
  func folderPath(_ key: FolderKey) throws -> String { try perform { try view(key, $0).path } }

  /// Checks keywords before anything is written, so that a refused APPEND leaves nothing.
  func checkKeywords(_ key: FolderKey, _ keywords: Set<String>) throws {
    guard !keywords.isEmpty else { return }
    try perform { index in
      let view = try view(key, index)
      for keyword in keywords { _ = try keywordBit(keyword, in: view, create: true) }
    }
  }
}
