import MailStore

/// GETMETADATA and SETMETADATA (RFC 5464), and LIST's METADATA (RFC 9590).
extension IMAPSession {
  func getMetadata(_ query: MetadataQuery, _ tag: [UInt8]) async throws {
    let place = try await metadataPlace(query.mailbox)
    let all = try await entries(place)
    var longest = 0
    var shown: [(entry: String, value: [UInt8]?)] = []
    for (entry, value) in all.sorted(by: { $0.key < $1.key }) where query.wants(entry) {
      if let most = query.maximumSize, value.count > Int(most) {
        longest = max(longest, value.count)
      } else {
        shown.append((entry, value))
      }
    }
    if !shown.isEmpty { try await writeMetadata(shown, of: place?.shown) }
    // RFC 5464 section 4.2.1: what was too long is told of by the size of the largest.
    let code: ResponseCode? = longest > 0 ? .withText("METADATA LONGENTRIES \(longest)") : nil
    tagged(tag, "OK", code, "GETMETADATA completed")
  }

  func setMetadata(_ octets: [UInt8], _ changes: [MetadataChange], _ tag: [UInt8]) async throws {
    let place = try await metadataPlace(octets)
    for change in changes {
      try checkShared(change, place)
      guard (change.value?.count ?? 0) <= limits.metadataValue else {
        throw Refusal.no(.withText("METADATA MAXSIZE \(limits.metadataValue)"), "The value is too long")
      }
    }
    let values = Dictionary(changes.map { ($0.entry, $0.value) }) { _, last in last }
    do {
      try await change(values, place)
    } catch let error as StoreError where error.code == .limit {
      throw Refusal.no(.plain("METADATA TOOMANY"), "There is no room for more entries")
    }
    tagged(tag, "OK", nil, "SETMETADATA completed")
  }

  /// For LIST: every entry asked for, NIL where there is none (RFC 9590 section 4).
  func writeMetadata(_ wanted: [String], of name: MailboxName) async throws {
    do {
      let place = try await metadataPlace(encoded(name))
      let all = try await entries(place)
      try await writeMetadata(wanted.map { ($0, all[$0]) }, of: name)
    } catch is Refusal {
      // May be seen, but no more.
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

/// Whose entries they are: those of a mailbox are its owner's, but each user has private ones of their own.
extension IMAPSession {
  /// Where the entries are; `nil` for the account's own.
  ///
  /// - Throws: `Refusal` for a mailbox with which this user may do too little (RFC 5464 section 3.3).
  private func metadataPlace(_ octets: [UInt8]) async throws -> MailboxPlace? {
    guard !octets.isEmpty else { return nil }
    let place = try await place(octets, .lookup)
    guard !place.rights.isDisjoint(with: [.read, .seen, .write, .insert, .post]) else {
      throw Refusal.no(.noPermission, "The owner of this mailbox has not given you the right to do that")
    }
    return place
  }

  /// What all see is changed by the owner, and by those who may change flags; for all accounts of the host, it is the
  /// administrator's.
  private func checkShared(_ change: MetadataChange, _ place: MailboxPlace?) throws {
    guard !change.entry.hasPrefix(Self.privateEntries) else { return }
    guard let place else {
      throw Refusal.no(.noPermission, "Only the administrator sets the server's shared entries")
    }
    guard place.rights.contains(.write) else {
      throw Refusal.no(.noPermission, "The owner of this mailbox has not given you the right to change shared entries")
    }
  }

  private static let privateEntries = "/private"

  /// The entries this user may see.
  private func entries(_ place: MailboxPlace?) async throws -> [String: [UInt8]] {
    let known = try currentUser()
    guard let place else { return try await service.store.attributes(.metadata, of: known.mail, folder: nil) }
    let all = try await service.store.attributes(.metadata, of: place.mail, folder: place.name)
    guard !place.isOwn else { return all }
    let prefix = try await guestPrefix(place)
    var result = all.filter { !$0.key.hasPrefix(Self.privateEntries) }
    for (name, value) in try await service.store.attributes(.guestMetadata, of: known.mail, folder: nil)
    where name.hasPrefix(prefix) {
      result[String(name.dropFirst(prefix.count))] = value
    }
    return result
  }

  private func change(_ values: [String: [UInt8]?], _ place: MailboxPlace?) async throws {
    let known = try currentUser()
    let bounds = AttributeLimits(entries: limits.metadataEntries, octets: limits.metadataOctets)
    var shared = values
    if let place, !place.isOwn {
      let prefix = try await guestPrefix(place)
      let own = values.filter { $0.key.hasPrefix(Self.privateEntries) }
      shared = values.filter { !$0.key.hasPrefix(Self.privateEntries) }
      try await service.store.setAttributes(
        .guestMetadata, of: known.mail, folder: nil,
        Dictionary(own.map { (prefix + $0.key, $0.value) }) { first, _ in first }, limits: bounds)
    }
    guard !shared.isEmpty else { return }
    try await service.store.setAttributes(
      .metadata, of: place?.mail ?? known.mail, folder: place?.name, shared, limits: bounds)
  }

  /// What stands before the names of private entries about another's mailbox: they go with the mailbox, not its name.
  private func guestPrefix(_ place: MailboxPlace) async throws -> String {
    let id = try await service.store.status(place.mail, name: place.name).objectID
    return "\(place.mail.key) \(id) "
  }
}
