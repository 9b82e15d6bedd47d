import Basics
import Glibc

/// Delivery: one piece of blocking work from tmp/ to a synced new/, without the actor and without the index.
extension AccountStore {
  nonisolated func deliver(
    _ content: MessageContent, prefix: [UInt8], to account: MailAccount, folder: MailboxName, flags: MessageFlags,
    internalDate: Timestamp?
  ) throws -> DeliveredMessage {
    let path = try path(folder)
    let directoryName = FolderNameCodec.directoryName(folder)
    try prepareMaildir(key: account.key)
    if !folder.isInbox, !FileSystem.exists(path + "/cur") {
      try Self.makeFolder(path, isSubfolder: true)
      try FileSystem.syncDirectory(maildir)
    }
    let size = prefix.count + content.size
    try ledger.admit(bytes: size, messages: 1, limit: account.quota)
    var isPlaced = false
    defer {
      let change = ledger.settle(bytes: size, messages: 1, added: isPlaced, limit: account.quota)
      if let change { warn(account, before: change.before, after: change.after) }
    }
    let written = try writeOnce(content, prefix: prefix, path: path, date: internalDate, account: account)
    let inNew = flags.isEmpty
    let name = inNew ? written.base : written.base + MaildirName.info(flags)
    let target = "\(path)/\(inNew ? "new" : "cur")"
    try host.writer.place(written, at: "\(target)/\(name)")
    do { try host.writer.syncDirectory(target) } catch {
      unlink("\(target)/\(name)")
      throw error
    }
    isPlaced = true
    arrivals.withLock { $0[directoryName] }?
      .add(FolderEvent(inNew: inNew, name: name, appeared: true, byRename: false))
    return DeliveredMessage(account: account.key, folder: folder, fileName: name, size: written.fileBytes)
  }

  private nonisolated func writeOnce(
    _ content: MessageContent, prefix: [UInt8], path: String, date: Timestamp?, account: MailAccount
  ) throws -> WrittenMessage {
    do {
      return try host.writer.write(content, prefix: prefix, folder: path, date: date, now: host.time.now)
    } catch {
      // The Maildir was taken away after it was prepared: once more from the template.
      guard !FileSystem.exists(path + "/tmp") else { throw error }
      isPrepared.store(false, ordering: .releasing)
      try prepareMaildir(key: account.key)
      try Self.makeFolder(path, isSubfolder: path != maildir)
      return try host.writer.write(content, prefix: prefix, folder: path, date: date, now: host.time.now)
    }
  }

  /// Tells the owner once when the quota is nearly full; at most once in the interval, by a file's date.
  private nonisolated func warn(_ account: MailAccount, before: QuotaUse, after: QuotaUse) {
    let settings = host.settings
    guard settings.quotaWarningPercent > 0, !host.template.quotaWarning.isEmpty,
      let percent = Self.crossing(settings.quotaWarningPercent, account.quota, before: before, after: after)
    else { return }
    let stamp = directory + "/quota-warned"
    let last = (try? FileSystem.contents(stamp, limit: 64)).flatMap { $0 }.flatMap {
      Int64(String(decoding: $0, as: UTF8.self))
    }
    let now = host.time.now
    if let last, now.milliseconds - last < settings.quotaWarningInterval.wholeMilliseconds, now.milliseconds >= last {
      return
    }
    var values = MaildirTemplate.values(key: account.key, hostname: settings.hostname, now: now)
    values["percent"] = "\(percent)"
    values["used"] = ByteSize(after.bytes / 1024 * 1024).description
    values["limit"] = account.quota.bytes.map { ByteSize($0).description } ?? "\(account.quota.messages ?? 0) messages"
    do {
      try FileSystem.replace(stamp, with: Array("\(now.milliseconds)".utf8), durable: false)
      let message = MaildirTemplate.fill(host.template.quotaWarning, values)
      let written = try host.writer.write(.bytes(message), prefix: [], folder: maildir, date: nil, now: now)
      try host.writer.place(written, at: "\(maildir)/new/\(written.base)")
      ledger.add(bytes: Int64(written.fileBytes), messages: 1, limit: account.quota)
      arrivals.withLock { $0[""] }?
        .add(FolderEvent(inNew: true, name: written.base, appeared: true, byRename: false))
    } catch {
      host.log.warning("quota warning not written", metadata: ["account": "\(account.key)", "error": "\(error)"])
    }
  }

  /// The percentage now, if the bound was crossed.
  static func crossing(_ percent: Int, _ limit: QuotaLimit, before: QuotaUse, after: QuotaUse) -> Int? {
    func share(_ use: QuotaUse) -> Int {
      var share = 0.0
      if let most = limit.bytes, most > 0 { share = max(share, Double(use.bytes) / Double(most)) }
      if let most = limit.messages, most > 0 { share = max(share, Double(use.messages) / Double(most)) }
      return Int(min(share, 1000) * 100)
    }
    return share(before) < percent && share(after) >= percent ? share(after) : nil
  }
}
