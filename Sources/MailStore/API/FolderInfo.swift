/// What a folder is for (RFC 6154, RFC 8457).
package enum SpecialUse: String, Hashable, Sendable, CaseIterable {
  /// `\All`.
  case all
  /// `\Archive`.
  case archive
  /// `\Drafts`.
  case drafts
  /// `\Flagged`.
  case flagged
  /// `\Important`.
  case important
  /// `\Junk`.
  case junk
  /// `\Sent`.
  case sent
  /// `\Trash`.
  case trash

  /// The attribute as IMAP writes it, for instance `\Sent`.
  package var attribute: String {
    let name = rawValue
    return "\\" + name.prefix(1).uppercased() + name.dropFirst()
  }
}

/// One folder as LIST shows it.
package struct FolderInfo: Hashable, Sendable {
  /// The folder's name.
  package var name: MailboxName
  /// What it is for, if that is set.
  package var specialUse: SpecialUse?
  /// Whether it is in the subscription list.
  package var isSubscribed: Bool
  /// Whether folders lie below it.
  package var hasChildren: Bool
  /// Whether it can be selected; `false` for a level that only has children, or a subscribed name without folder.
  package var isSelectable: Bool
  /// Whether it exists at all (only a subscribed name, or only a level above others, when `false`).
  package var exists: Bool

  /// Makes a line of LIST, for folders that are shown under another name than their own.
  package init(
    name: MailboxName, specialUse: SpecialUse?, isSubscribed: Bool, hasChildren: Bool, isSelectable: Bool, exists: Bool
  ) {
    self.name = name
    self.specialUse = specialUse
    self.isSubscribed = isSubscribed
    self.hasChildren = hasChildren
    self.isSelectable = isSelectable
    self.exists = exists
  }
}

/// What STATUS and POP's STAT ask of a folder; every item is cheap, no view is loaded when the directory is unchanged.
package struct FolderStatus: Hashable, Sendable {
  /// MESSAGES.
  package var messages: Int
  /// RECENT: messages no session has claimed yet.
  package var recent: Int
  /// UNSEEN.
  package var unseen: Int
  /// DELETED (RFC 9051).
  package var deleted: Int
  /// SIZE in octets on the wire (RFC 8438); file octets for messages not measured yet unless `measured` was asked.
  package var size: Int64
  /// UIDNEXT.
  package var uidNext: UInt32
  /// UIDVALIDITY.
  package var uidValidity: UInt32
  /// HIGHESTMODSEQ.
  package var highestModSeq: UInt64
  /// MAILBOXID.
  package var objectID: String
}
