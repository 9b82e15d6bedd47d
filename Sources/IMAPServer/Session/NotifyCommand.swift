import MailStore

/// NOTIFY (RFC 5465): news of mailboxes unasked, during IDLE and between commands.
extension IMAPSession {
  func notify(_ argument: NotifyArgument?, _ tag: [UInt8]) async throws {
    let known = try currentUser()
    guard let argument else {
      watch = nil
      return tagged(tag, "OK", nil, "NOTIFY completed")
    }
    guard !argument.namesUnknownEvent else {
      throw Refusal.no(.withText("BADEVENT (\(NotifyArgument.Event.list))"), "An event is not supported")
    }
    let fresh = try NotifyWatch(
      argument, store: service.store, account: known.mail, wakeup: wakeup, name: { try? mailboxName($0) })
    let wanted = try await watched(fresh, known)
    guard wanted.count <= limits.notifiedMailboxes else {
      throw Refusal.no(.plain("NOTIFICATIONOVERFLOW"), "More than \(limits.notifiedMailboxes) mailboxes at once")
    }
    watch = fresh
    // RFC 5465 section 3.1: NOTIFY SET is a NOOP as well.
    try await sync(allowExpunge: true)
    try await refreshWatch()
    if argument.wantsStatus {
      for name in wanted.keys.sorted(by: { $0.path < $1.path }) {
        if let status = fresh.told[name] { writeWatchStatus(name, status, fresh) }
        try await sendIfLarge()
      }
    }
    tagged(tag, "OK", nil, "NOTIFY completed")
  }

  /// The first group that a mailbox other than the selected one belongs to (RFC 5465 section 6).
  private func group(_ name: MailboxName, _ watch: NotifyWatch, isSubscribed: Bool) -> NotifyArgument.Group? {
    watch.groups.first { group in
      switch group.argument.filter {
      case .selected, .selectedDelayed: false
      case .inboxes, .personal: !isOthers(name)
      case .subscribed: isSubscribed
      case .subtree: group.names.contains(name) || name.isBelow(anyOf: group.names)
      case .subtreeOne: group.names.contains(name) || name.parent.map(group.names.contains) == true
      case .mailboxes: group.names.contains(name)
      }
    }?.argument
  }

  /// The mailboxes besides the selected one whose messages are watched.
  private func watched(_ watch: NotifyWatch, _ known: User) async throws -> [MailboxName: MailboxPlace] {
    let groups = watch.argument.groups.filter { !$0.filter.isSelected && $0.events.contains(.messageNew) }
    guard !groups.isEmpty else { return [:] }
    let own = try await service.store.folders(known.mail)
    var folders = own.filter { $0.exists && $0.isSelectable }
    if groups.contains(where: { mayNameOthers($0.filter) }) {
      let subscribed = Set(own.lazy.filter(\.isSubscribed).map(\.name))
      folders += try await othersFolders(known, subscribed: subscribed).filter(\.exists)
    }
    var result: [MailboxName: MailboxPlace] = [:]
    for info in folders where info.name != selected?.name {
      guard group(info.name, watch, isSubscribed: info.isSubscribed)?.events.contains(.messageNew) == true else {
        continue
      }
      result[info.name] = try await readable(info.name)
    }
    return result
  }

  /// Whether other users' mailboxes may be among those a filter names.
  func mayNameOthers(_ filter: MailboxFilter) -> Bool {
    switch filter {
    case .subscribed: true
    default: filter.names.contains { (try? mailboxName($0)).map(isOthers) ?? false }
    }
  }

  /// Where a mailbox is that may be read; `nil` for one that may not, and is not told of (RFC 5465 section 6).
  private func readable(_ name: MailboxName) async throws -> MailboxPlace? {
    do { return try await place(name, .read) } catch is Refusal { return nil }
  }

  /// Sees to it that the right mailboxes are listened to; to be called when folders or the selection have changed.
  /// - Parameter tellsNew: Tell the state of mailboxes that are new to the watch and hold mail: it came before anybody
  ///   listened.
  func refreshWatch(tellsNew: Bool = false) async throws {
    guard let watch, let known = user else { return }
    let news = watch.news
    if watch.selected?.name != selected?.name {
      watch.selected?.token.cancel()
      watch.selected = nil
    }
    if let current = selected, watch.selected == nil, watch.selectedGroup != nil {
      watch.selected = (current.name, try await current.mailbox.addListener { news.addSelected() })
    }
    let wanted = try await watched(watch, known)
    guard wanted.count <= limits.notifiedMailboxes else { return overflow() }
    for name in Array(watch.listeners.keys) where wanted[name] == nil {
      watch.listeners.removeValue(forKey: name)?.cancel()
      watch.told[name] = nil
    }
    for (name, place) in wanted where watch.listeners[name] == nil {
      do {
        // First the listener, then the look: nothing falls between.
        if wanted.count > limits.notifiedClosely {
          watch.listeners[name] = try await service.store.addDistantListener(place.mail, name: place.name) {
            news.add(name)
          }
        } else {
          let mailbox = try await service.store.mailbox(place.mail, name: place.name)
          watch.listeners[name] = try await mailbox.addListener { news.add(name) }
        }
        let status = try await service.store.status(place.mail, name: place.name)
        watch.told[name] = status
        if tellsNew && status.messages > 0 { writeWatchStatus(name, status, watch) }
      } catch let error as StoreError where error.code == .noSuchFolder || error.code == .gone {
        watch.listeners.removeValue(forKey: name)?.cancel()
      }
    }
  }

  /// More has happened than can be told (RFC 5465 section 5.8): the client is on its own again.
  private func overflow() {
    watch = nil
    untagged("OK", .plain("NOTIFICATIONOVERFLOW"), "Too much has changed; ask for the state and send NOTIFY again")
  }

  // MARK: Telling

  /// Tells what has happened, outside of any command or during IDLE.
  func tellNews() async throws {
    guard let watch else { return }
    let news = watch.news.take()
    guard !news.hasOverflown else { return overflow() }
    if news.selectedChanged { try await tellSelected(watch) }
    for event in news.events { try await tell(event, watch) }
    if !news.events.isEmpty { try await refreshWatch(tellsNew: true) }
    guard !news.mailboxes.isEmpty, let known = user else { return }
    let subscribed = Set(try await service.store.folders(known.mail).lazy.filter(\.isSubscribed).map(\.name))
    for name in news.mailboxes.sorted(by: { $0.path < $1.path }) {
      try await tellStatus(name, watch, isSubscribed: subscribed.contains(name))
      try await sendIfLarge()
    }
  }

  /// As `tellNews`; a store that fails now is looked at again with the next command.
  func tellNewsBetweenCommands() async throws {
    guard watch != nil else { return }
    do {
      try await tellNews()
    } catch let error as StoreError {
      warn("news not told", error)
      endIfUnusable(error)
    }
    send()
  }

  private func tellSelected(_ watch: NotifyWatch) async throws {
    guard try await refreshRights() else { return }
    guard let group = watch.selectedGroup, let current = selected, !group.events.isEmpty else { return }
    let snapshot = try await current.mailbox.snapshot()
    let new = try await tell(
      snapshot, allowExpunge: group.filter == .selected, tellsFlags: group.events.contains(.flagChange))
    guard !group.items.isEmpty, !new.isEmpty else { return }
    try await fetchNew(new, group.items)
  }

  private func tellStatus(_ name: MailboxName, _ watch: NotifyWatch, isSubscribed: Bool) async throws {
    guard let before = watch.told[name], let place = try await readable(name) else { return }
    let now: FolderStatus
    do {
      // Looking takes in what has changed on disk.
      now = try await service.store.status(place.mail, name: place.name)
    } catch let error as StoreError where error.code == .noSuchFolder || error.code == .gone {
      return
    }
    guard let events = group(name, watch, isSubscribed: isSubscribed)?.events, now != before else { return }
    watch.told[name] = now
    let hasOtherMessages = now.uidNext != before.uidNext || now.messages != before.messages
    let isWanted =
      hasOtherMessages || now.uidValidity != before.uidValidity
      || (events.contains(.flagChange) && now.highestModSeq != before.highestModSeq)
    if isWanted { writeWatchStatus(name, now, watch) }
  }

  /// RFC 5465 sections 4 and 5.2: HIGHESTMODSEQ for clients that follow flags or it.
  private func writeWatchStatus(_ name: MailboxName, _ status: FolderStatus, _ watch: NotifyWatch) {
    out.text("* STATUS ")
    writeMailbox(name)
    out.raw(
      " (MESSAGES \(status.messages) UIDNEXT \(status.uidNext) UIDVALIDITY \(status.uidValidity) UNSEEN \(status.unseen)"
    )
    if enabled.condStore || watch.followsFlags { out.raw(" HIGHESTMODSEQ \(status.highestModSeq)") }
    out.text(")\r\n")
  }

  private func tell(_ event: AccountEvent, _ watch: NotifyWatch) async throws {
    guard let known = user else { return }
    switch event {
    case .created(let name):
      guard wants(.mailboxName, name, watch) else { return }
      try await writeFolder(name, known, oldName: nil)
    case .renamed(let old, let new):
      let folders = try await service.store.folders(known.mail)
      for info in folders where info.exists && (info.name == new || info.name.isBelow(new)) {
        let before = info.name.moving(new, to: old)
        guard wants(.mailboxName, info.name, watch) || wants(.mailboxName, before, watch) else { continue }
        writeFolderLine(info, oldName: before)
      }
    case .deleted(let name):
      guard wants(.mailboxName, name, watch) else { return }
      out.text("* LIST (\\NonExistent) \"/\" ")
      writeMailbox(name)
      out.endLine()
    case .subscription(let name, isSubscribed: _):
      guard wants(.subscriptionChange, name, watch) else { return }
      try await writeFolder(name, known, oldName: nil)
    case .metadata(let name, let entries):
      guard wants(name == nil ? .serverMetadata : .mailboxMetadata, name ?? .inbox, watch) else { return }
      out.text("* METADATA ")
      if let name { writeMailbox(name) } else { out.text("\"\"") }
      for entry in entries {
        out.space()
        out.aString(Array(entry.utf8))
      }
      out.endLine()
    }
  }

  private func wants(_ event: NotifyArgument.Event, _ name: MailboxName, _ watch: NotifyWatch) -> Bool {
    if event == .serverMetadata { return watch.argument.groups.contains { $0.events.contains(event) } }
    // Whether a name is subscribed is what its own event is about.
    return group(name, watch, isSubscribed: true)?.events.contains(event) == true
  }

  private func writeFolder(_ name: MailboxName, _ known: User, oldName: MailboxName?) async throws {
    let folders = try await service.store.folders(known.mail)
    if let info = folders.first(where: { $0.name == name }) { return writeFolderLine(info, oldName: oldName) }
    out.text("* LIST (\\NonExistent) \"/\" ")
    writeMailbox(name)
    out.endLine()
  }

  private func writeFolderLine(_ info: FolderInfo, oldName: MailboxName?) {
    var attributes = [info.hasChildren ? "\\HasChildren" : "\\HasNoChildren"]
    if !info.exists { attributes.append("\\NonExistent") }
    if info.isSubscribed { attributes.append("\\Subscribed") }
    if let use = info.specialUse { attributes.append(use.attribute) }
    out.raw("* LIST (\(attributes.joined(separator: " "))) \"/\" ")
    writeMailbox(info.name)
    if let oldName {
      out.text(" (\"OLDNAME\" (")
      writeMailbox(oldName)
      out.text("))")
    }
    out.endLine()
  }
}
