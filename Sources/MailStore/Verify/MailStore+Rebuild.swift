/// Rebuilding, for `martinet mailbox rebuild`; looking without touching is ``MailInspection``'s.
extension MailStore {
  /// Replaces an account's index by a new one made from the files and what the old index still tells; sessions end.
  ///
  /// UIDs, UIDVALIDITY, keywords and dates stay where the old index or its backup can be read; a folder that neither
  /// tells of gets a greater UIDVALIDITY. Flags always come from the files. May run beside a server.
  package func rebuild(_ account: MailAccount) async throws -> [RebuiltFolder] {
    let store = try registry.account(account.directory)
    let before = try await store.replaceIndexOnRequest()
    var result: [RebuiltFolder] = []
    for folder in try await folders(account) where folder.isSelectable {
      result.append(try await store.rebuilt(folder.name, uidValidityBefore: before[folder.name]))
    }
    return result
  }

  /// Keeps a copy of what only the index knows of an account's UIDs, for the day it is lost.
  package func backUpIndex(_ account: MailAccount) async throws {
    try await registry.account(account.directory).backUpIndex()
  }
}

/// What a rebuild made of one folder.
package struct RebuiltFolder: Hashable, Sendable {
  /// The folder.
  package var name: MailboxName
  /// Messages in it.
  package var messages: Int
  /// Of these, the ones that kept their UID.
  package var keptUIDs: Int
  /// Whether the old index or its backup told of the folder; if not, its UIDVALIDITY is new.
  package var isKnown: Bool
  /// UIDVALIDITY of before, where the old index told it.
  package var uidValidityBefore: UInt32?
  /// UIDVALIDITY now.
  package var uidValidity: UInt32
}
