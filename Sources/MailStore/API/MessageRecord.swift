import Basics

/// One message in a mailbox view: 40 octets, so that a view of 100,000 messages is 4 MB.
package struct MessageRecord: Hashable, Sendable {
  /// Keyword bits; bit n stands for `MailboxSnapshot.keywords[n]`.
  package var keywords: UInt64 = 0
  /// MODSEQ of the last change (RFC 7162).
  package var modSeq: UInt64 = 0
  /// The UID.
  package var uid: UInt32
  var internalSeconds: UInt32 = 0
  var saveSeconds: UInt32 = 0
  var fileBytes: UInt32 = 0
  var wireBytes: UInt32 = 0
  /// System flags.
  package var flags: MessageFlags = []
  var state: State = []

  /// Facts about the file behind a record.
  struct State: OptionSet, Hashable, Sendable {
    let rawValue: UInt8
    /// The file lies in `new/`.
    static let inNew = State(rawValue: 1)
    /// File size and internal date are known.
    static let measured = State(rawValue: 2)
    /// The size on the wire is known.
    static let wireKnown = State(rawValue: 4)
    /// The file's name is not what flags and base name would give; see `FolderView.oddNames`.
    static let oddName = State(rawValue: 8)
    /// The index has envelope and structure.
    static let indexed = State(rawValue: 16)
    /// The message does not end with a line end, so that POP3 has to send one more (RFC 1939 section 3).
    static let openEnded = State(rawValue: 32)
  }

  init(uid: UInt32) { self.uid = uid }

  /// INTERNALDATE; exact once `isMeasured`.
  package var internalDate: Timestamp { Timestamp(seconds: Int64(internalSeconds)) }
  /// SAVEDATE (RFC 8514): when the message came into this mailbox.
  package var saveDate: Timestamp { Timestamp(seconds: Int64(saveSeconds)) }
  /// Octets on the wire, with CRLF line ends (RFC822.SIZE, POP3 LIST); exact once `isMeasured`.
  package var size: Int { Int(wireBytes) }
  /// Octets of the file, which the quota counts.
  package var fileSize: Int { Int(fileBytes) }
  /// Whether `size` and `internalDate` are exact; `Mailbox.measuredSnapshot()` sees to it for all.
  package var isMeasured: Bool { state.isSuperset(of: [.measured, .wireKnown]) }
}
