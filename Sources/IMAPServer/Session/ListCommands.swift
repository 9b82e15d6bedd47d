import MailStore

/// LIST and LSUB (RFC 3501 section 6.3.8, 6.3.9, RFC 5258, RFC 5819, RFC 6154, RFC 8440).
extension IMAPSession {
  /// One line of LIST to be.
  private struct Entry {
    var info: FolderInfo
    /// A subscribed folder lies below that the patterns do not show (RECURSIVEMATCH).
    var hasSubscribedBelow = false
  }

  /// Mailboxes matched without giving others their turn.
  private static let turn = 500

  func list(_ argument: ListArgument, _ tag: [UInt8]) async throws {
    let known = try currentUser()
    if argument.patterns == [[]], !argument.isExtended {
      // RFC 3501: an empty pattern asks for the hierarchy separator and the root of the reference.
      out.text("* LIST (\\Noselect) \"/\" \"\"\r\n")
      return tagged(tag, "OK", nil, "LIST completed")
    }
    let patterns = try compile(argument)
    let folders = try await allFolders(known)
    for entry in await entries(folders, argument, patterns) {
      write(entry, argument)
      if argument.returns.contains(.rights), entry.info.exists, entry.info.isSelectable {
        try await writeOwnRights(entry.info.name)
      }
      if let items = argument.status, entry.info.exists, entry.info.isSelectable {
        do {
          try await writeStatus(try await place(entry.info.name, .read), items)
        } catch is Refusal {
          // May be seen, but not read: RFC 5819 section 2 leaves the answer out.
        } catch let error as StoreError where error.code == .noSuchFolder {
          // Gone between the two looks: RFC 5819 allows the answer to be left out.
        }
      }
      if let entries = argument.metadata, entry.info.exists, entry.info.isSelectable {
        try await writeMetadata(entries, of: entry.info.name)
      }
      try await sendIfLarge()
    }
    tagged(tag, "OK", nil, "LIST completed")
  }

  /// The user's own mailboxes, and those that others let this user see.
  private func allFolders(_ known: User) async throws -> [FolderInfo] {
    let own = try await service.store.folders(known.mail)
    let subscribed = Set(own.filter(\.isSubscribed).map(\.name))
    let others = try await othersFolders(known, subscribed: subscribed)
    guard !others.isEmpty else { return own }
    let names = Set(others.map(\.name))
    return own.filter { !names.contains($0.name) } + others
  }

  private func compile(_ argument: ListArgument) throws -> [MailboxPattern] {
    var octets = 0
    return try argument.patterns.map { pattern in
      let whole = argument.reference + pattern
      octets += whole.count
      guard whole.count <= limits.patternLength else { throw Refusal.no(.limit, "Mailbox pattern too long") }
      guard octets <= limits.patternsLength else { throw Refusal.no(.limit, "Mailbox patterns too long together") }
      return MailboxPattern(whole)
    }
  }

  private func entries(
    _ folders: [FolderInfo], _ argument: ListArgument, _ patterns: [MailboxPattern]
  ) async -> [Entry] {
    var shown: [FolderInfo] = []
    var hidden: [FolderInfo] = []
    for (number, info) in folders.enumerated() {
      // Wildcards on long names can take their time, which other sessions of the loop need not.
      if number % Self.turn == Self.turn - 1 { await Task.yield() }
      let name = encoded(info.name)
      if patterns.contains(where: { $0.matches(name) }) { shown.append(info) } else { hidden.append(info) }
    }
    // RFC 5258 section 3.5: CHILDINFO is not for children that are told of themselves.
    let isRecursive = argument.selection.contains(.recursiveMatch)
    let withChildren = isRecursive ? levelsAbove(hidden.filter { isSelected($0, argument) }) : []
    return shown.compactMap { info in
      let below = withChildren.contains(info.name)
      return isSelected(info, argument) || below ? Entry(info: info, hasSubscribedBelow: below) : nil
    }
  }

  /// Whether the selection options want this folder.
  private func isSelected(_ info: FolderInfo, _ argument: ListArgument) -> Bool {
    if argument.selection.contains(.specialUse), info.specialUse == nil { return false }
    if argument.selection.contains(.subscribed) { return info.isSubscribed }
    return info.exists || info.hasChildren
  }

  private func levelsAbove(_ folders: [FolderInfo]) -> Set<MailboxName> {
    var result: Set<MailboxName> = []
    for folder in folders {
      var parent = folder.name.parent
      while let name = parent, result.insert(name).inserted { parent = name.parent }
    }
    return result
  }

  private func write(_ entry: Entry, _ argument: ListArgument) {
    let info = entry.info
    var attributes: [String] = []
    if !info.exists, argument.isExtended || enabled.rev2 {
      attributes.append("\\NonExistent")
    } else if !info.isSelectable || !info.exists {
      attributes.append("\\Noselect")
    }
    attributes.append(info.hasChildren ? "\\HasChildren" : "\\HasNoChildren")
    let tellsSubscribed =
      argument.selection.contains(.subscribed) || argument.returns.contains(.subscribed)
    if info.isSubscribed, tellsSubscribed { attributes.append("\\Subscribed") }
    if let use = info.specialUse { attributes.append(use.attribute) }
    out.text("* LIST (")
    out.raw(attributes.joined(separator: " "))
    out.text(") \"/\" ")
    writeMailbox(info.name)
    if entry.hasSubscribedBelow, argument.selection.contains(.subscribed) {
      out.text(" (CHILDINFO (\"SUBSCRIBED\"))")
    } else if entry.hasSubscribedBelow {
      out.text(" (CHILDINFO (\"SPECIAL-USE\"))")
    }
    out.endLine()
  }

  /// LSUB: subscribed names, and with `%` the levels above those it hides, marked `\Noselect`.
  func lsub(_ argument: ListArgument, _ tag: [UInt8]) async throws {
    let known = try currentUser()
    let patterns = try compile(argument)
    let subscribed = try await service.store.folders(known.mail).filter(\.isSubscribed)
    var lines: [(name: MailboxName, isLevel: Bool)] = []
    for info in subscribed where patterns.contains(where: { $0.matches(encoded(info.name)) }) {
      lines.append((info.name, false))
    }
    if argument.patterns.contains(where: { $0.last == UInt8(ascii: "%") }) {
      let names = Set(subscribed.map(\.name))
      for level in levelsAbove(subscribed) where !names.contains(level) {
        if patterns.contains(where: { $0.matches(encoded(level)) }) { lines.append((level, true)) }
      }
      lines.sort { $0.name.path < $1.name.path }
    }
    for line in lines {
      out.text(line.isLevel ? "* LSUB (\\Noselect) \"/\" " : "* LSUB () \"/\" ")
      writeMailbox(line.name)
      out.endLine()
      try await sendIfLarge()
    }
    tagged(tag, "OK", nil, "LSUB completed")
  }
}
