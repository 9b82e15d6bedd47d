/// POP3's unique ids of imported messages, exactly as the source's server gave them.
extension MailImport {
  /// Keeps those of a batch, and the messages' places in POP3's list.
  func keepUniqueIDs(_ messages: [StagedMessage], _ row: FolderRow, _ index: Index) throws {
    guard row.name.isInbox, uniqueIDs != .none else { return }
    var ids: [KeptUniqueID] = []
    for message in messages {
      let candidate = message.candidate
      let known = Known(
        base: candidate.base, uid: candidate.uid, uniqueID: candidate.uniqueID, guid: candidate.guid,
        popOrder: candidate.popOrder)
      if let id = uniqueID(known, uid: message.uid, base: Array(message.base.utf8)) { ids.append(id) }
    }
    try index.saveUIDLs(row.id, ids)
  }

  /// Keeps those of messages that lay in the folder under UIDs of this server.
  ///
  /// - Returns: how many.
  func keepUniqueIDsOfIndexed(_ folder: Int64, _ row: FolderRow, _ index: Index) throws -> Int {
    guard row.name.isInbox, uniqueIDs != .none else { return 0 }
    let reading = try catalog.startIndexed(folder)
    let cursor = reading.statement
    var kept = 0
    while true {
      var ids: [KeptUniqueID] = []
      var rows = 0
      while rows < batch, try reading.step() {
        rows += 1
        let base = cursor.blob(0)
        let known = Known(
          base: base, uid: cursor.isNull(2) ? nil : UInt32(clamping: cursor.integer(2)),
          uniqueID: cursor.isNull(3) ? nil : cursor.blob(3), guid: cursor.isNull(4) ? nil : cursor.blob(4),
          popOrder: cursor.isNull(5) ? nil : UInt32(clamping: cursor.integer(5)))
        if let id = uniqueID(known, uid: UInt32(clamping: cursor.integer(1)), base: base) { ids.append(id) }
      }
      if rows == 0 { return kept }
      kept += ids.count
      guard !ids.isEmpty else { continue }
      try index.database.transaction {
        guard try index.folder(id: row.id) != nil else { return }
        try index.saveUIDLs(row.id, ids)
      }
    }
  }

  /// What the source knows of a message.
  private struct Known {
    var base: [UInt8]
    var uid: UInt32?
    var uniqueID: [UInt8]?
    var guid: [UInt8]?
    var popOrder: UInt32?
  }

  /// What is to be kept of a message; `nil` when its name tells the same anyway, or the source gave no id.
  private func uniqueID(_ message: Known, uid: UInt32, base: [UInt8]) -> KeptUniqueID? {
    guard let id = sourceID(message) else { return nil }
    let isValid = (1...70).contains(id.count) && id.allSatisfy { (0x21...0x7e).contains($0) }
    if !isValid { hashedIDs += 1 }
    let text = isValid ? String(decoding: id, as: UTF8.self) : AccountStore.hashed(id)
    let derived = base.withUnsafeBytes { AccountStore.uidl($0) }
    guard text != derived || message.popOrder != nil else { return nil }
    return KeptUniqueID(uid: uid, text: text, order: message.popOrder)
  }

  private func sourceID(_ message: Known) -> [UInt8]? {
    switch uniqueIDs {
    case .none, .automatic: return nil
    case .fileName: return message.base
    case .courier: return message.uniqueID
    case .dovecot(let format):
      if let id = message.uniqueID { return id.isEmpty ? message.base : id }
      guard let validity = numbers[.inbox]?.uidValidity else { return nil }
      let format = format ?? .standard
      // Dovecot never told an id of a message it has not seen.
      guard let uid = message.uid else { return format.needsUID ? nil : message.base }
      return format.id(uid: uid, uidValidity: validity, base: message.base, guid: message.guid)
    }
  }

  /// Whether the source's server gave a message an id, for the report.
  func hasUniqueID(_ candidate: ImportCandidate) -> Bool {
    sourceID(
      Known(
        base: candidate.base, uid: candidate.uid, uniqueID: candidate.uniqueID, guid: candidate.guid,
        popOrder: candidate.popOrder)) != nil
  }
}

/// A unique id brought along from another server.
struct KeptUniqueID {
  var uid: UInt32
  var text: String
  /// The message's place in POP3's list; those without come behind, by UID.
  var order: UInt32?
}
