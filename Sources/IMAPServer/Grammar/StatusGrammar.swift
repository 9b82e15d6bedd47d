/// `status-att` (RFC 3501 section 6.3.10, RFC 7162, RFC 7889, RFC 8438, RFC 8474, RFC 9051, RFC 9208).
enum StatusItem: String, CaseIterable, Sendable {
  case messages = "MESSAGES"
  case recent = "RECENT"
  case uidNext = "UIDNEXT"
  case uidValidity = "UIDVALIDITY"
  case unseen = "UNSEEN"
  case deleted = "DELETED"
  case size = "SIZE"
  case highestModSeq = "HIGHESTMODSEQ"
  case deletedStorage = "DELETED-STORAGE"
  case mailboxID = "MAILBOXID"
  case appendLimit = "APPENDLIMIT"
}

extension ByteCursor {
  /// `( status-att … )`.
  mutating func statusItems() throws(GrammarError) -> [StatusItem] {
    let items = try list { (cursor) throws(GrammarError) in
      guard let item = StatusItem(rawValue: try cursor.keyword()) else { throw GrammarError("Unknown STATUS item") }
      return item
    }
    var unique: [StatusItem] = []
    for item in items where !unique.contains(item) { unique.append(item) }
    return unique
  }
}
