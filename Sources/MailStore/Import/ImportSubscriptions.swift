/// Subscriptions and special uses of a source.
extension MailImport {
  /// The folders to subscribe to: what the source's lists name and it has; all where there is no list.
  func subscriptions() throws -> [MailboxName] {
    let known = Dictionary(source.folders.map { ($0.storageName, $0.name) }, uniquingKeysWith: { first, _ in first })
    var found: [MailboxName] = []
    var hasList = false
    for file in ["subscriptions", "courierimapsubscribed"] {
      guard let lines = try SourceLines(root, file) else { continue }
      hasList = true
      var isSecondVersion = false
      var count = 0
      while let line = try lines.next(), count < store.host.settings.foldersPerAccount {
        count += 1
        let text = String(decoding: line, as: UTF8.self)
        if count == 1, text == "V\t2" { isSecondVersion = true }
        let name = isSecondVersion ? Self.unescaped(text, separator: source.separator) : text
        if let folder = Self.folder(name, known, separator: source.separator) { found.append(folder) }
      }
    }
    if !hasList { found = source.folders.map(\.name) }
    var seen: Set<MailboxName> = []
    return found.filter { seen.insert($0).inserted }
  }

  /// The folder a list means: Courier writes `INBOX.` before each name, and so do namespaces of that prefix.
  private static func folder(
    _ name: String, _ known: [String: MailboxName], separator: Character
  ) -> MailboxName? {
    if name.uppercased() == "INBOX" { return .inbox }
    if let folder = known[name] { return folder }
    let prefix = "INBOX\(separator)"
    guard name.uppercased().hasPrefix(prefix) else { return nil }
    return known[String(name.dropFirst(prefix.count))]
  }

  /// Levels are separated by tabs; octets that would be read as something else follow 0x01.
  private static func unescaped(_ line: String, separator: Character) -> String {
    line.split(separator: "\t", omittingEmptySubsequences: false).map { level in
      level.replacing("\u{1}t", with: "\t").replacing("\u{1}n", with: "\n").replacing("\u{1}1", with: "\u{1}")
    }.joined(separator: String(separator))
  }
}

extension AccountStore {
  /// What other servers and mail programs call the folders that every mailbox has.
  private static let usualNames: [(use: SpecialUse, names: Set<String>)] = [
    (.sent, ["sent", "sent items", "sent messages", "sent mail", "gesendet", "envoyés"]),
    (.drafts, ["drafts", "draft", "entwürfe", "brouillons"]),
    (.trash, ["trash", "deleted items", "deleted messages", "papierkorb", "corbeille"]),
    (.junk, ["junk", "spam", "junk e-mail", "junk email", "bulk mail"]),
    (.archive, ["archive", "archives", "archiv"]),
  ]

  /// Gives imported folders of usual names their use, unless another folder with mail has it.
  func takeSpecialUses(_ imported: [MailboxName]) throws {
    let uses = try specialUses()
    for (use, names) in Self.usualNames {
      let holder = uses.first { $0.value == use }?.key
      if let holder, imported.contains(holder) { continue }
      let found = imported.first { name in
        let level = name.path.hasPrefix("INBOX/") ? String(name.path.dropFirst(6)) : name.path
        return uses[name] == nil && names.contains(level.lowercased())
      }
      guard let found else { continue }
      if let holder {
        guard try status(holder).messages == 0 else { continue }
        try removeSpecialUse(of: holder)
      }
      try setSpecialUse(use, of: found)
    }
  }
}
