/// A mailbox at one moment; immutable and shared by all sessions that look at it.
package final class MailboxSnapshot: Sendable {
  /// Grows with every change of the view.
  package let version: UInt64
  /// UIDVALIDITY; if it differs from what a session showed, the session must end or reselect.
  package let uidValidity: UInt32
  /// The UID the next message will get, or a smaller number than it.
  package let uidNext: UInt32
  /// HIGHESTMODSEQ (RFC 7162).
  package let highestModSeq: UInt64
  /// All messages by rising UID; index + 1 is the sequence number.
  package let messages: [MessageRecord]
  /// Keyword names by bit number; an empty string is an unused bit.
  package let keywords: [String]
  /// How many more keywords may be made (PERMANENTFLAGS `\*`).
  package let keywordsLeft: Int
  /// The folder's object id (RFC 8474 MAILBOXID).
  package let objectID: String

  init(
    version: UInt64, uidValidity: UInt32, uidNext: UInt32, highestModSeq: UInt64, messages: [MessageRecord],
    keywords: [String], keywordsLeft: Int, objectID: String
  ) {
    self.version = version
    self.uidValidity = uidValidity
    self.uidNext = uidNext
    self.highestModSeq = highestModSeq
    self.messages = messages
    self.keywords = keywords
    self.keywordsLeft = keywordsLeft
    self.objectID = objectID
  }

  /// The position of a UID in `messages`, or `nil`.
  package func index(of uid: UInt32) -> Int? {
    let position = lowerBound(uid)
    return position < messages.count && messages[position].uid == uid ? position : nil
  }

  /// The first position whose UID is at least `uid`; `messages.count` when there is none.
  package func lowerBound(_ uid: UInt32) -> Int {
    var low = 0
    var high = messages.count
    while low < high {
      let middle = (low + high) / 2
      if messages[middle].uid < uid { low = middle + 1 } else { high = middle }
    }
    return low
  }

  /// The keyword names a record's bits stand for.
  package func keywordNames(_ record: MessageRecord) -> [String] {
    guard record.keywords != 0 else { return [] }
    return keywords.indices.compactMap { record.keywords & (1 << UInt64($0)) != 0 ? keywords[$0] : nil }
  }
}
