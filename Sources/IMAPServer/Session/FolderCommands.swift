import MailStore

/// CREATE, DELETE, RENAME, SUBSCRIBE, UNSUBSCRIBE, STATUS and NAMESPACE.
extension IMAPSession {
  func runFolderCommand(_ command: Command, tag: [UInt8]) async throws {
    let known = try currentUser()
    let store = service.store
    switch command {
    case .create(let name, let uses): try await create(name, uses, known, tag)
    case .delete(let octets):
      let place = try await place(octets, .deleteMailbox)
      guard !place.name.isInbox else { throw Refusal.no(.cannot, "INBOX cannot be deleted") }
      if selected?.name == place.shown { selected = nil }
      try await store.deleteFolder(place.mail, name: place.name)
      tagged(tag, "OK", nil, "DELETE completed")
    case .rename(let from, let to): try await rename(from, to, tag)
    case .subscribe(let octets):
      let name = try mailboxName(octets)
      if isOthers(name) { _ = try await place(name, .lookup) }
      try await store.subscribe(known.mail, name: name)
      tagged(tag, "OK", nil, "SUBSCRIBE completed")
    case .unsubscribe(let name):
      try await store.unsubscribe(known.mail, name: try mailboxName(name))
      tagged(tag, "OK", nil, "UNSUBSCRIBE completed")
    case .status(let octets, let items):
      try await writeStatus(try await place(octets, .read), items)
      tagged(tag, "OK", nil, "STATUS completed")
    default:
      // RFC 2342: one personal namespace, one of others, and none shared.
      out.text("* NAMESPACE ((\"\" \"/\")) ((\"")
      out.raw(Self.othersRoot)
      out.text("/\" \"/\")) NIL\r\n")
      tagged(tag, "OK", nil, "NAMESPACE completed")
    }
  }

  /// Where a new mailbox of this name would be: the owner's right counts that is on the level above.
  private func newPlace(_ name: MailboxName) async throws -> MailboxPlace {
    let known = try currentUser()
    guard isOthers(name) else {
      return MailboxPlace(mail: known.mail, name: name, shown: name, rights: .all, isOwn: true)
    }
    guard let parent = name.parent, let last = name.levels.last else {
      throw Refusal.no(.cannot, "Invalid mailbox name")
    }
    var place = try await place(parent, .create)
    place.name = try MailboxName("\(place.name.path)/\(last)")
    place.shown = try MailboxName("\(place.shown.path)/\(last)")
    return place
  }

  private func rename(_ from: [UInt8], _ to: [UInt8], _ tag: [UInt8]) async throws {
    let old = try await place(from, .deleteMailbox)
    let new = try await newPlace(try newMailboxName(to))
    guard old.mail.directory == new.mail.directory else {
      throw Refusal.no(.cannot, "A mailbox cannot be given to another user; copy its messages instead")
    }
    guard old.isOwn || !old.name.isInbox else { throw Refusal.no(.noPermission, "This INBOX stays its owner's") }
    try await service.store.renameFolder(old.mail, from: old.name, to: new.name)
    tagged(tag, "OK", nil, "RENAME completed")
  }

  /// RFC 4314 section 3: who has rights to the level above has them to what is made below it.
  private func inheritRights(_ place: MailboxPlace) async throws {
    guard let parent = place.name.parent else { return }
    do {
      let rights = try await service.store.attributes(.rights, of: place.mail, folder: parent)
      guard !rights.isEmpty else { return }
      try await service.store.setAttributes(
        .rights, of: place.mail, folder: place.name, rights.mapValues { $0 }, limits: rightsLimits)
    } catch let error as StoreError where error.code == .noSuchFolder {
      // The level above is none.
    }
  }

  private func create(_ octets: [UInt8], _ uses: [String], _ known: User, _ tag: [UInt8]) async throws {
    let place = try await newPlace(try newMailboxName(octets))
    let name = place.name
    guard !name.isInbox else { throw Refusal.no(.alreadyExists, "INBOX exists already") }
    var use: SpecialUse?
    if let wanted = uses.first {
      use = SpecialUse.allCases.first { $0.attribute.uppercased() == wanted.uppercased() }
      // RFC 6154 section 3: \All and \Flagged would be views, which these folders are not.
      guard uses.count == 1, let use, use != .all, use != .flagged else {
        throw Refusal.no(.useAttr, "This special use is not supported")
      }
    }
    guard place.isOwn || use == nil else { throw Refusal.no(.useAttr, "Only the owner says what a mailbox is for") }
    try await service.store.createFolder(place.mail, name: name, specialUse: use)
    try await inheritRights(place)
    // RFC 8474 section 4.1.
    let id = try await service.store.status(place.mail, name: name).objectID
    tagged(tag, "OK", .withText("MAILBOXID (\(id))"), "CREATE completed")
  }

  /// `* STATUS …`, also for LIST's RETURN (STATUS …) (RFC 5819).
  func writeStatus(_ place: MailboxPlace, _ items: [StatusItem]) async throws {
    let name = place.name
    let needsSize = items.contains(.size) || items.contains(.deletedStorage)
    let status =
      try await needsSize
      ? service.store.measuredStatus(place.mail, name: name) : service.store.status(place.mail, name: name)
    if items.contains(.highestModSeq) { enableCondStore() }
    out.text("* STATUS ")
    writeMailbox(place.shown)
    out.text(" (")
    for (index, item) in items.enumerated() {
      if index > 0 { out.space() }
      out.raw(item.rawValue)
      out.space()
      switch item {
      case .messages: out.number(status.messages)
      case .recent: out.number(status.recent)
      case .uidNext: out.number(status.uidNext)
      case .uidValidity: out.number(status.uidValidity)
      case .unseen: out.number(status.unseen)
      case .deleted: out.number(status.deleted)
      case .size: out.number(Int(clamping: status.size))
      case .highestModSeq: out.number(status.highestModSeq)
      case .mailboxID:
        out.octet(UInt8(ascii: "("))
        out.raw(status.objectID)
        out.octet(UInt8(ascii: ")"))
      case .deletedStorage: out.number(status.deleted > 0 ? try await deletedOctets(place) : 0)
      case .appendLimit: out.number(limits.appendSize)
      }
    }
    out.text(")\r\n")
  }

  /// DELETED-STORAGE (RFC 9208 section 5): what EXPUNGE would give back.
  private func deletedOctets(_ place: MailboxPlace) async throws -> Int {
    try await service.store.mailbox(place.mail, name: place.name).snapshot().messages.reduce(0) { sum, message in
      message.flags.contains(.deleted) ? sum + message.fileSize : sum
    }
  }
}
