/// What an export wrote of one folder.
package struct ExportedFolder: Hashable, Sendable {
  /// The folder.
  package var name: MailboxName
  /// Messages written.
  package var messages = 0
  /// Octets of their files.
  package var bytes: Int64 = 0
  /// Of these, the ones with a UID in the list; the others came and nobody has looked yet.
  package var listed = 0
  /// UIDVALIDITY in the list.
  package var uidValidity: UInt32 = 0
}

/// What an export wrote.
package struct ExportOutcome: Sendable {
  /// The folders, by name.
  package var folders: [ExportedFolder] = []
  /// What another server may take otherwise.
  package var warnings: [String] = []
}
