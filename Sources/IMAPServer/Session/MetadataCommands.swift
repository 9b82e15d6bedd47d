import MailStore

/// GETMETADATA and SETMETADATA (RFC 5464), and LIST's METADATA (RFC 9590).
extension IMAPSession {
  /// The mailbox meant, or `nil` for the account's own entries.
  private func metadataFolder(_ octets: [UInt8]) throws -> MailboxName? {
    guard !octets.isEmpty else { return nil }
    let name = try mailboxName(octets)
    // Entries are the owner's.
    guard !isOthers(name) else { throw Refusal.no(.noPermission, "Only the owner of a mailbox has its metadata") }
    return name
  }

  func getMetadata(_ query: MetadataQuery, _ tag: [UInt8]) async throws {
    let known = try currentUser()
    let folder = try metadataFolder(query.mailbox)
    let all = try await service.store.attributes(.metadata, of: known.mail, folder: folder)
    var longest = 0
    var shown: [(entry: String, value: [UInt8]?)] = []
    for (entry, value) in all.sorted(by: { $0.key < $1.key }) where query.wants(entry) {
      if let most = query.maximumSize, value.count > Int(most) {
        longest = max(longest, value.count)
      } else {
        shown.append((entry, value))
      }
    }
    if !shown.isEmpty { try await writeMetadata(shown, of: folder) }
    // RFC 5464 section 4.2.1: what was too long is told of by the size of the largest.
    let code: ResponseCode? = longest > 0 ? .withText("METADATA LONGENTRIES \(longest)") : nil
    tagged(tag, "OK", code, "GETMETADATA completed")
  }

  func setMetadata(_ octets: [UInt8], _ changes: [MetadataChange], _ tag: [UInt8]) async throws {
    let known = try currentUser()
    let folder = try metadataFolder(octets)
    for change in changes {
      // What is shared by all accounts of the host is the administrator's.
      guard folder != nil || change.entry.hasPrefix("/private/") else {
        throw Refusal.no(.noPermission, "Only the administrator sets the server's shared entries")
      }
      guard (change.value?.count ?? 0) <= limits.metadataValue else {
        throw Refusal.no(.withText("METADATA MAXSIZE \(limits.metadataValue)"), "The value is too long")
      }
    }
    let values = Dictionary(changes.map { ($0.entry, $0.value) }) { _, last in last }
    do {
      try await service.store.setAttributes(
        .metadata, of: known.mail, folder: folder, values,
        limits: AttributeLimits(entries: limits.metadataEntries, octets: limits.metadataOctets))
    } catch let error as StoreError where error.code == .limit {
      throw Refusal.no(.plain("METADATA TOOMANY"), "There is no room for more entries")
    }
    tagged(tag, "OK", nil, "SETMETADATA completed")
  }

  /// For LIST: every entry asked for, NIL where there is none (RFC 9590 section 4).
  func writeMetadata(_ entries: [String], of name: MailboxName, _ known: User) async throws {
    do {
      let all = try await service.store.attributes(.metadata, of: known.mail, folder: name)
      try await writeMetadata(entries.map { ($0, all[$0]) }, of: name)
    } catch let error as StoreError where error.code == .noSuchFolder {
      // Gone between the two looks.
    }
  }

  private func writeMetadata(_ entries: [(entry: String, value: [UInt8]?)], of folder: MailboxName?) async throws {
    out.text("* METADATA ")
    if let folder { writeMailbox(folder) } else { out.text("\"\"") }
    out.text(" (")
    for (number, item) in entries.enumerated() {
      if number > 0 { out.space() }
      out.aString(Array(item.entry.utf8))
      out.space()
      if let value = item.value { out.string8(value) } else { out.text("NIL") }
      try await sendIfLarge()
    }
    out.text(")\r\n")
  }
}
