/// How mail of another server's Maildir is to be taken over.
package struct MailImportOptions: Sendable {
  /// What becomes of the files.
  package enum Transfer: String, Sendable, CaseIterable {
    /// New files; the source stays as it is.
    case copy
    /// Hard links where the file system and the owners allow, else copies; the source stays as it is.
    case link
    /// As `link`, and the source's file is removed once the message lies safely in its folder.
    case move
  }
  /// The Maildir or Maildir++ directory, the one with `cur`.
  package var directory: String
  /// What becomes of the files.
  package var transfer = Transfer.copy
  /// Where the unique ids come from that POP3 clients know.
  package var uniqueIDs = UniqueIDOrigin.automatic
  /// Take everything, even when the quota does not allow it.
  package var ignoresQuota = false
  /// Remove messages that an earlier run took and that are gone from the source by now.
  package var expungesGone = false
  /// Only tell what would be done.
  package var isDryRun = false
  /// Octets above which a message is mentioned, though taken all the same; `nil` mentions none.
  package var largeMessage: Int64?
  /// Asked after each batch; the import ends with `temporary` when it says so.
  package var mustStop: @Sendable () -> Bool = { false }

  /// Options with defaults for one directory.
  package init(directory: String) { self.directory = directory }
}

/// What an import made of one folder, or would make.
package struct ImportedFolder: Hashable, Sendable {
  /// What became of UIDs and UIDVALIDITY.
  package enum UIDs: String, Hashable, Sendable {
    /// UIDVALIDITY and every UID are the source's.
    case kept
    /// UIDVALIDITY is the source's, some messages got new UIDs.
    case partlyKept = "partly-kept"
    /// The source tells no UIDs.
    case unknown = "new"
    /// The folder gave UIDs of its own already.
    case own = "new-own"
    /// The source's UIDVALIDITY was taken over before, by a folder that is gone or has another name.
    case spent = "new-spent"
    /// The source's numbers leave no room for later ones.
    case unusable = "new-unusable"
  }
  /// The folder.
  package var name: MailboxName
  /// Messages in the source.
  package var messages = 0
  /// Messages that came into the folder by this run.
  package var added = 0
  /// Octets of these.
  package var addedBytes: Int64 = 0
  /// Messages an earlier run took, or that lay in the folder already.
  package var known = 0
  /// Messages whose flags changed at the source since.
  package var reflagged = 0
  /// Messages that an earlier run took and that are gone from the source.
  package var gone = 0
  /// Of these, the ones removed here.
  package var expunged = 0
  /// Files that could not be taken; a warning tells why.
  package var refused = 0
  /// UIDVALIDITY now; 0 before a dry run's folder exists.
  package var uidValidity: UInt32 = 0
  /// Why UIDs are as they are.
  package var uids = UIDs.unknown
  /// Messages added under the source's UID.
  package var keptUIDs = 0
  /// Messages added whose POP3 unique id is the source's.
  package var keptUniqueIDs = 0

  /// Makes an empty account of a folder.
  package init(name: MailboxName) { self.name = name }
}

/// What an import did, or would do.
package struct ImportOutcome: Sendable {
  /// The folders of the source, by name.
  package var folders: [ImportedFolder] = []
  /// What was left out and why, bounded; and what else the owner should know.
  package var warnings: [String] = []
  /// The kind of unique ids that were taken: `qmail`, `courier`, `dovecot=FORMAT` or `none`.
  package var uniqueIDs = ""
  /// Octets to add.
  package var bytes: Int64 = 0
  /// Messages to add.
  package var messages = 0
  /// Whether they fit the quota.
  package var fitsQuota = true
  /// Whether something of the source was left out.
  package var isPartial = false

  /// Makes an empty outcome.
  package init() {}
}
