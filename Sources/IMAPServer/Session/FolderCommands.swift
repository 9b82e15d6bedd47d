import MailStore

/// CREATE, DELETE, RENAME, SUBSCRIBE, UNSUBSCRIBE, STATUS and NAMESPACE.
extension IMAPSession {
  func runFolderCommand(_ command: Command, tag: [UInt8]) async throws {
    let known = try currentUser()
    let store = service.store
    switch command {
    case .create(let name, let uses): try await create(name, uses, known, tag)
    case .delete(let octets):
      let name = try mailboxName(octets)
      guard !name.isInbox else { throw Refusal.no(.cannot, "INBOX cannot be deleted") }
      if selected?.name == name { selected = nil }
      try await store.deleteFolder(known.mail, name: name)
      tagged(tag, "OK", nil, "DELETE completed")
    case .rename(let from, let to):
      let old = try mailboxName(from)
      try await store.renameFolder(known.mail, from: old, to: try newMailboxName(to))
      tagged(tag, "OK", nil, "RENAME completed")
    case .subscribe(let name):
      try await store.subscribe(known.mail, name: try mailboxName(name))
      tagged(tag, "OK", nil, "SUBSCRIBE completed")
    case .unsubscribe(let name):
      try await store.unsubscribe(known.mail, name: try mailboxName(name))
      tagged(tag, "OK", nil, "UNSUBSCRIBE completed")
    case .status(let octets, let items):
      let name = try mailboxName(octets)
      try await writeStatus(name, items, known)
      tagged(tag, "OK", nil, "STATUS completed")
    default:
      // RFC 2342: one personal namespace, none of others and none shared.
      out.text("* NAMESPACE ((\"\" \"/\")) NIL NIL\r\n")
      tagged(tag, "OK", nil, "NAMESPACE completed")
    }
  }

  private func create(_ octets: [UInt8], _ uses: [String], _ known: User, _ tag: [UInt8]) async throws {
    let name = try newMailboxName(octets)
    guard !name.isInbox else { throw Refusal.no(.alreadyExists, "INBOX exists already") }
    var use: SpecialUse?
    if let wanted = uses.first {
      use = SpecialUse.allCases.first { $0.attribute.uppercased() == wanted.uppercased() }
      // RFC 6154 section 3: \All and \Flagged would be views, which these folders are not.
      guard uses.count == 1, let use, use != .all, use != .flagged else {
        throw Refusal.no(.useAttr, "This special use is not supported")
      }
    }
    try await service.store.createFolder(known.mail, name: name, specialUse: use)
    // RFC 8474 section 4.1.
    let id = try await service.store.status(known.mail, name: name).objectID
    tagged(tag, "OK", .withText("MAILBOXID (\(id))"), "CREATE completed")
  }

  /// `* STATUS …`, also for LIST's RETURN (STATUS …) (RFC 5819).
  func writeStatus(_ name: MailboxName, _ items: [StatusItem], _ known: User) async throws {
    if items.contains(.size) || items.contains(.deletedStorage) {
      // Sizes must be exact (RFC 8438); a folder that was never measured is measured now.
      _ = try await service.store.mailbox(known.mail, name: name).measuredSnapshot()
    }
    let status = try await service.store.status(known.mail, name: name)
    if items.contains(.highestModSeq) { enabled.condStore = true }
    out.text("* STATUS ")
    writeMailbox(name)
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
      case .deletedStorage: out.number(try await deletedOctets(name, known))
      }
    }
    out.text(")\r\n")
  }

  /// DELETED-STORAGE (RFC 9208 section 5): what EXPUNGE would give back.
  private func deletedOctets(_ name: MailboxName, _ known: User) async throws -> Int {
    try await service.store.mailbox(known.mail, name: name).snapshot().messages.reduce(0) { sum, message in
      message.flags.contains(.deleted) ? sum + message.fileSize : sum
    }
  }
}
