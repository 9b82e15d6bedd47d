/// Importing, for `martinet mailbox import`.
extension MailStore {
  /// Takes the mail of another server's Maildir over: messages with flags, dates and keywords, and, where the source's
  /// lists tell them, UIDVALIDITY, UIDs and POP3's unique ids with their order; folders, subscriptions, special uses.
  ///
  /// Memory does not grow with the mail. May run beside a server. An interrupted import is gone on with by another
  /// call; later calls take what came since, and the flags that changed.
  ///
  /// - Throws: `overQuota` before anything is taken; `temporary` when interrupted or another program changed the
  ///   account; `noSuchFolder` or `notAllowed` when the source is no Maildir.
  package func importMail(_ account: MailAccount, _ options: MailImportOptions) async throws -> ImportOutcome {
    let store = try registry.account(account.directory)
    if !options.isDryRun {
      try await create(account)
      try await store.prepareForImport(.inbox)
    }
    let work = try await host.onFiles {
      let work = try MailImport(store, account, options)
      try work.survey()
      return work
    }
    defer { work.release() }
    let needed = work.needed
    let fits = try await host.onFiles {
      try store.ledger.fits(bytes: Int(clamping: needed.bytes), messages: needed.messages, limit: account.quota)
    }
    guard !options.isDryRun else {
      var outcome = try await host.onFiles { try work.plan() }
      outcome.fitsQuota = fits
      return outcome
    }
    guard fits || options.ignoresQuota else {
      throw StoreError(
        .overQuota, "\(needed.messages) messages of \(needed.bytes) octets do not fit the quota; nothing was taken")
    }
    try await host.onFiles { try work.prepareStaging() }
    for position in work.folders.indices {
      let name = work.folders[position].name
      do { try await store.prepareForImport(name) } catch let error as StoreError where error.code == .badName {
        work.leaveOut(position, error.text)
        continue
      }
      try await host.onFiles { try work.take(position) }
    }
    let subscribed = try await host.onFiles { try work.subscriptions() }
    for name in subscribed { try await store.subscribe(name) }
    try await store.takeSpecialUses(work.folders.map(\.name))
    var outcome = try await host.onFiles { work.result() }
    outcome.fitsQuota = fits
    return outcome
  }
}

extension MailImport {
  /// What is to be added that the quota does not count yet.
  var needed: QuotaUse {
    folders.reduce(into: QuotaUse()) {
      $0.bytes += $1.addedBytes
      $0.messages += $1.added
    }
  }

  /// What would be done.
  func plan() throws -> ImportOutcome {
    do {
      for position in folders.indices {
        folders[position].uids = try plannedUIDs(folders[position].name)
        folders[position].uidValidity =
          folders[position].uids == .kept
          ? numbers[folders[position].name]?.uidValidity ?? 0
          : try index?.folder(folders[position].name)?.uidValidity ?? 0
      }
    } catch let error as DatabaseError { throw error.asStoreError }
    return result()
  }

  /// Leaves a folder out whose name the disk cannot take.
  func leaveOut(_ position: Int, _ reason: String) {
    warn("\(folders[position].name): \(reason); rename it at the source and import again")
    folders[position].refused += folders[position].added
    (folders[position].added, folders[position].addedBytes) = (0, 0)
  }
}
