import Basics
import Glibc

/// Checks and rebuilding, for `martinet verify` and `martinet mailbox check|rebuild`.
extension MailStore {
  /// Looks at one account's files, index and quota; changes nothing.
  package func verify(_ account: MailAccount) async throws -> StoreReport {
    let (age, now) = (settings.temporaryFileAge, host.time.now)
    return try await host.onFiles {
      var checker = AccountChecker(directory: account.directory, temporaryFileAge: age, now: now)
      return checker.run()
    }
  }

  /// Looks at every account below a mail root (`<root>/<domain>/<user>`), a few at a time.
  package func verify(root: String) async throws -> StoreReport {
    let directories = try await host.onFiles {
      FileSystem.names(root).sorted().flatMap { domain in
        FileSystem.names("\(root)/\(domain)").sorted().map { "\(root)/\(domain)/\($0)" }
      }.filter { FileSystem.facts($0)?.isDirectory == true }
    }
    let (age, now) = (settings.temporaryFileAge, host.time.now)
    let reports = try await host.parallel(directories, chunk: 1) { directory in
      var checker = AccountChecker(directory: directory, temporaryFileAge: age, now: now)
      return checker.run()
    }
    var whole = StoreReport()
    for report in reports { whole.add(report) }
    return whole
  }

  /// Replaces an account's index by a new one made from the files; open sessions end.
  ///
  /// Flags, dates and UIDLs come back from the files, keywords do not. Every folder gets a greater UIDVALIDITY.
  /// - Returns: the folders and their numbers of messages afterwards.
  package func rebuild(_ account: MailAccount) async throws -> [MailboxName: Int] {
    let store = try registry.account(account.directory)
    try await store.replaceIndexOnRequest()
    var counts: [MailboxName: Int] = [:]
    for folder in try await folders(account) where folder.isSelectable {
      counts[folder.name] = try await status(account, name: folder.name).messages
    }
    return counts
  }
}

extension AccountStore {
  /// Moves the index aside as if it were broken.
  func replaceIndexOnRequest() throws {
    try replaceIndex(because: DatabaseError(code: 11, text: "asked to rebuild"))
  }
}
