import Basics
import Glibc

/// Making what must be on disk before mail can be.
extension AccountStore {
  /// Makes the Maildir from the template unless it is there.
  ///
  /// May run on any blocking thread, several at once.
  ///
  /// - Parameter key: the owner's address for the welcome message; `nil` sends none.
  nonisolated func prepareMaildir(key: String?) throws {
    if isPrepared.load(ordering: .acquiring) { return }
    if FileSystem.exists(maildir + "/cur"), FileSystem.exists(maildir + "/new"), FileSystem.exists(maildir + "/tmp") {
      isPrepared.store(true, ordering: .releasing)
      return
    }
    try FileSystem.makePath(directory)
    // Of several that come at once, the one whose mkdir succeeds fills the template in.
    let isNew = mkdir(maildir, 0o700) == 0
    try Self.makeFolder(maildir, isSubfolder: false)
    if isNew {
      let template = host.template
      for folder in template.folders { try Self.makeFolder("\(maildir)/\(folder)", isSubfolder: true) }
      for (name, text) in [("subscriptions", template.subscriptions), ("special-use", template.specialUses)]
      where !text.isEmpty && !FileSystem.exists("\(maildir)/\(name)") {
        try FileSystem.replace("\(maildir)/\(name)", with: Array(text.utf8), durable: false)
      }
      if let key, !template.welcome.isEmpty {
        let values = MaildirTemplate.values(key: key, hostname: host.settings.hostname, now: host.time.now)
        let message = MaildirTemplate.fill(template.welcome, values)
        let written = try host.writer.write(.bytes(message), prefix: [], folder: maildir, date: nil, now: host.time.now)
        try host.writer.place(written, at: "\(maildir)/new/\(written.base)")
        try host.writer.syncDirectory(maildir + "/new")
      }
      try FileSystem.syncDirectory(maildir)
      try FileSystem.syncDirectory(directory)
      try FileSystem.syncDirectory(Self.above(directory))
    }
    isPrepared.store(true, ordering: .releasing)
  }

  private static func above(_ path: String) -> String {
    path.lastIndex(of: "/").map { String(path[..<$0]) } ?? path
  }

  /// Makes a folder's directories; does no harm when they are there.
  static func makeFolder(_ path: String, isSubfolder: Bool) throws {
    try FileSystem.makePath(path)
    for part in ["tmp", "new", "cur"] { try FileSystem.makeDirectory("\(path)/\(part)") }
    guard isSubfolder else { return }
    let mark = Glibc.open(path + "/maildirfolder", O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
    guard mark >= 0 else { throw FileSystem.failure("create", path + "/maildirfolder") }
    close(mark)
  }

  /// The folder's directory after checking that its name fits the disk.
  nonisolated func path(_ name: MailboxName) throws -> String {
    let directoryName = FolderNameCodec.directoryName(name)
    guard directoryName.utf8.count <= host.settings.folderNameBytes, name.levels.count <= host.settings.folderDepth
    else {
      throw StoreError(.badName, "the name is too long or too deep")
    }
    return directoryName.isEmpty ? maildir : "\(maildir)/\(directoryName)"
  }

  /// Removes files in `tmp/` that no delivery of this process can still be writing (maildir(5)).
  nonisolated func sweepTemporaryFiles() {
    let oldest = host.time.now.seconds - host.settings.temporaryFileAge.wholeMilliseconds / 1000
    for folder in [maildir] + FileSystem.names(maildir).filter({ $0.hasPrefix(".") }).map({ "\(maildir)/\($0)" }) {
      for name in FileSystem.names(folder + "/tmp") {
        let path = "\(folder)/tmp/\(name)"
        guard let facts = FileSystem.facts(path) else { continue }
        if facts.isDirectory {
          // A deleted folder whose removal was interrupted.
          if name.hasPrefix("deleted.") { try? FileSystem.removeTree(path) }
        } else if facts.seconds < oldest {
          unlink(path)
        }
      }
    }
  }
}
