import Basics

/// `special-use`: a small file in the Maildir that outlives a lost index; and folders as LIST tells them.
extension AccountStore {
  private nonisolated var specialUsePath: String { "\(maildir)/special-use" }

  private nonisolated func specialUseLines() throws -> [String] {
    let bytes = try FileSystem.contents(specialUsePath, limit: 8 << 20) ?? []
    return bytes.split(separator: 0x0a).map { String(decoding: $0.last == 0x0d ? $0.dropLast() : $0, as: UTF8.self) }
  }

  private func writeSpecialUses(_ lines: [String]) throws {
    try prepareMaildir(key: nil)
    try FileSystem.replace(specialUsePath, with: Array(lines.map { $0 + "\n" }.joined().utf8), durable: true)
  }

  /// What folders are for: as set, else by the names everybody uses.
  nonisolated func specialUses() throws -> [MailboxName: SpecialUse] {
    var result: [MailboxName: SpecialUse] = [:]
    for line in try specialUseLines() {
      let parts = line.split(separator: " ", maxSplits: 1)
      guard parts.count == 2, let use = SpecialUse.allCases.first(where: { $0.attribute == parts[0] }),
        let name = try? MailboxName(parts[1])
      else { continue }
      result[name] = use
    }
    for (name, use) in [
      ("Sent", SpecialUse.sent), ("Drafts", .drafts), ("Trash", .trash), ("Junk", .junk), ("Archive", .archive),
    ]
    where !result.values.contains(use) {
      if let name = try? MailboxName(name), result[name] == nil { result[name] = use }
    }
    return result
  }

  func setSpecialUse(_ use: SpecialUse, of name: MailboxName) throws {
    try writeSpecialUses(try specialUseLines() + ["\(use.attribute) \(name.path)"])
  }

  func removeSpecialUse(of name: MailboxName) throws {
    let known = try specialUseLines()
    let kept = known.filter { $0.split(separator: " ", maxSplits: 1).dropFirst().first.map(String.init) != name.path }
    if kept.count != known.count { try writeSpecialUses(kept) }
  }

  func moveSpecialUses(from old: MailboxName, to new: MailboxName) throws {
    let known = try specialUseLines()
    let moved = known.map { line -> String in
      let parts = line.split(separator: " ", maxSplits: 1)
      guard parts.count == 2, let name = try? MailboxName(parts[1]) else { return line }
      return "\(parts[0]) \(name.moving(old, to: new).path)"
    }
    if moved != known { try writeSpecialUses(moved) }
  }

  /// All folders and subscribed names, by name.
  nonisolated func folderInfos() throws -> [FolderInfo] {
    let existing = Set(folderDirectories().map(\.name))
    let subscribed = try subscriptions().names
    let uses = try specialUses()
    var parents: Set<MailboxName> = []
    for name in existing {
      var above = name.parent
      while let level = above, parents.insert(level).inserted { above = level.parent }
    }
    return existing.union(subscribed).union(parents).map { name in
      FolderInfo(
        name: name, specialUse: existing.contains(name) ? uses[name] : nil, isSubscribed: subscribed.contains(name),
        hasChildren: parents.contains(name), isSelectable: existing.contains(name), exists: existing.contains(name))
    }.sorted { $0.name.path < $1.name.path }
  }
}
