import Basics
import MailSyntax

/// A message to put into a folder, by APPEND or import.
package struct NewMessage: Sendable {
  /// The octets; lines should end with CRLF.
  package var content: MessageContent
  /// System flags it gets.
  package var flags: MessageFlags
  /// Keywords it gets.
  package var keywords: [String]
  /// INTERNALDATE; `nil` is now.
  package var internalDate: Timestamp?
  /// A POP3 UIDL brought along from another server; `nil` derives it from the file name.
  package var uidl: String?

  /// Makes a message.
  package init(
    content: MessageContent, flags: MessageFlags = [], keywords: [String] = [], internalDate: Timestamp? = nil,
    uidl: String? = nil
  ) {
    self.content = content
    self.flags = flags
    self.keywords = keywords
    self.internalDate = internalDate
    self.uidl = uidl
  }
}

/// A message that lies durably in its folder.
package struct DeliveredMessage: Hashable, Sendable {
  /// The account's key.
  package var account: String
  /// The folder it went to.
  package var folder: MailboxName
  /// Its file name, for logs and traces.
  package var fileName: String
  /// Octets as stored, prefix included.
  package var size: Int
}

/// What APPEND, COPY and MOVE gave (RFC 4315 APPENDUID, COPYUID).
package struct UIDAssignment: Hashable, Sendable {
  /// UIDVALIDITY of the folder that got the messages.
  package var uidValidity: UInt32
  /// UIDs in the source folder; empty for APPEND.
  package var source: [UInt32]
  /// UIDs given, in the order of `source` or of the messages appended.
  package var assigned: [UInt32]

  /// Makes a value, for what is put together from several steps.
  package init(uidValidity: UInt32, source: [UInt32], assigned: [UInt32]) {
    self.uidValidity = uidValidity
    self.source = source
    self.assigned = assigned
  }
}

/// One message's precomputed answers.
package struct IndexedMessage: Sendable {
  /// The UID.
  package var uid: UInt32
  /// ENVELOPE, ready to send.
  package var envelope: [UInt8]
  /// BODY, ready to send.
  package var body: [UInt8]
  /// BODYSTRUCTURE, ready to send.
  package var bodyStructure: [UInt8]
}

/// What a message is known by besides its UID, and how it begins.
package struct MessageDetails: Hashable, Sendable {
  /// The UID.
  package var uid: UInt32
  /// EMAILID (RFC 8474): the same for every copy of the message in the account.
  package var emailID: String
  /// THREADID (RFC 8474): the same for messages that name the same oldest ancestor.
  package var threadID: String
  /// PREVIEW (RFC 8970): the beginning of the text, at most 200 characters; empty when there is none.
  package var preview: String
}

/// A message's octets as they go over the wire.
package struct MessageContents: Sendable {
  /// The UID.
  package var uid: UInt32
  /// The octets, CRLF line ends.
  package var bytes: [UInt8]
}

/// What SORT, THREAD and date searches need of one message.
package struct MessageKeys: Sendable {
  /// The UID.
  package var uid: UInt32
  /// The `Date:` header's moment; `nil` when it has none (RFC 5256 then takes INTERNALDATE).
  package var sentDate: Timestamp?
  /// The header's zone in minutes east of UTC; SENTON and its kin compare the date as written.
  package var sentZoneMinutes: Int?
  /// The base subject of RFC 5256 section 2.1.
  package var baseSubject: String
  /// Local part of the first From, To and Cc address.
  package var from: String
  /// Local part of the first To address.
  package var to: String
  /// Local part of the first Cc address.
  package var cc: String
  /// SORT=DISPLAY keys (RFC 5957).
  package var displayFrom: String
  /// SORT=DISPLAY key of To.
  package var displayTo: String
  /// `Message-ID:` without brackets, normalised; empty when none.
  package var messageID: String
  /// `In-Reply-To:`'s first id; empty when none.
  package var inReplyTo: String
  /// `References:` ids in order.
  package var references: [String]
  /// Whether the subject was a reply or forward (RFC 5256).
  package var isReply: Bool
  /// Whether a part is an attachment by its disposition.
  package var hasAttachment: Bool
}

/// One message as POP3 lists it.
package struct POPMessage: Hashable, Sendable {
  /// The UID.
  package var uid: UInt32
  /// Exactly the octets RETR sends.
  package var size: Int
  /// The unique id: 1–70 characters of 0x21–0x7E, stable over index loss.
  package var uidl: String
}

/// A text condition of SEARCH, decided on decoded text without regard to case.
package enum TextCondition: Hashable, Sendable {
  /// A header field contains the text; an empty text asks only whether the field is there.
  case header(name: String, text: String)
  /// The addresses of From, To, Cc or Bcc in the envelope's form, `name <local@host>`, contain the text.
  case addresses(name: String, text: String)
  /// The body's text parts contain the text.
  case body(String)
  /// Header or body contain the text.
  case text(String)
}

/// UIDs expunged since a MODSEQ (RFC 7162 VANISHED (EARLIER)).
package struct ExpungedSince: Hashable, Sendable {
  /// Whether the record reaches back that far; if not, every UID below UIDNEXT not in the mailbox counts as vanished.
  package var isComplete: Bool
  /// The UIDs, rising.
  package var uids: [UInt32]
}
