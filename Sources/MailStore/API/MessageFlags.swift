/// The system flags of a message (RFC 9051 section 2.3.2), as a Maildir file name carries them.
package struct MessageFlags: OptionSet, Hashable, Sendable {
  /// One bit per flag.
  package let rawValue: UInt8
  /// Makes flags from bits.
  package init(rawValue: UInt8) { self.rawValue = rawValue }

  /// `\Seen`, letter S.
  package static let seen = MessageFlags(rawValue: 1)
  /// `\Answered`, letter R.
  package static let answered = MessageFlags(rawValue: 2)
  /// `\Flagged`, letter F.
  package static let flagged = MessageFlags(rawValue: 4)
  /// `\Deleted`, letter T.
  package static let deleted = MessageFlags(rawValue: 8)
  /// `\Draft`, letter D.
  package static let draft = MessageFlags(rawValue: 16)
}

/// A change of flags and keywords, as STORE asks for it.
package struct FlagChange: Hashable, Sendable {
  /// How the named flags meet those a message has.
  package enum Mode: Hashable, Sendable {
    /// `+FLAGS`.
    case add
    /// `-FLAGS`.
    case remove
    /// `FLAGS`: exactly these.
    case replace
  }
  /// How the change is applied.
  package var mode: Mode
  /// System flags.
  package var flags: MessageFlags
  /// Keywords, compared without regard to ASCII case; new ones are made as needed.
  package var keywords: [String]

  /// Makes a change.
  package init(_ mode: Mode, flags: MessageFlags = [], keywords: [String] = []) {
    self.mode = mode
    self.flags = flags
    self.keywords = keywords
  }
}

/// What `Mailbox.store` did.
package struct StoreResult: Sendable {
  /// The messages that were addressed and are as asked now, by rising UID, with their new state.
  package var messages: [MessageRecord]
  /// UIDs left alone because their MODSEQ was above `unchangedSince` (RFC 7162 section 3.1.3).
  package var modified: [UInt32]
  /// The mailbox after the change.
  package var snapshot: MailboxSnapshot
}
