/// Exporting, for `martinet mailbox export`.
extension MailStore {
  /// Writes an account's mail as a Maildir++ that Dovecot serves on without a client loading it again.
  ///
  /// UIDVALIDITY, UIDs, flags, keywords, unique ids and their order come along, and the subscriptions. Nothing here
  /// changes, and memory does not grow with the mail.
  ///
  /// - Parameters:
  ///   - target: an empty directory, or one that is not there yet.
  ///   - links: hard links where the file system allows.
  ///   - mustStop: asked now and then; the export ends with `temporary` when it says so.
  /// - Throws: `folderExists` when the target is not empty; `temporary`.
  package func exportMail(
    _ account: MailAccount, to target: String, links: Bool, mustStop: @escaping @Sendable () -> Bool = { false }
  ) async throws -> ExportOutcome {
    let store = try registry.account(account.directory)
    let folders = try await folders(account)
    for folder in folders where folder.isSelectable { try await store.prepareForImport(folder.name) }
    return try await host.onFiles {
      let work = try MailExport(store, to: target, links: links, mustStop: mustStop)
      for folder in folders where folder.isSelectable { try work.write(folder.name) }
      try work.finish(folders.filter(\.isSubscribed).map(\.name))
      return work.outcome
    }
  }
}
