import MailStore

/// EXPUNGE and UID EXPUNGE (RFC 3501 section 6.4.3, RFC 4315).
extension IMAPSession {
  func expunge(_ set: SequenceSet?, _ tag: [UInt8]) async throws {
    let current = try writableMailbox(.expunge)
    var uids: [UInt32]?
    if let set { uids = current.view.uids(try positions(set, uid: true)) }
    let removed = try await current.mailbox.expunge(uids)
    try await sync(allowExpunge: true)
    tagged(
      tag, "OK", removed.isEmpty ? nil : highestModSeqCode, set == nil ? "EXPUNGE completed" : "UID EXPUNGE completed")
  }

  /// The positions in the current view that a set names; `$` is the saved search result.
  func positions(_ set: SequenceSet, uid: Bool) throws -> [Range<Int>] {
    let current = try currentMailbox()
    if set.isSavedResult { return current.view.positions(of: current.savedResult) }
    return try current.view.positions(set, uid: uid)
  }
}
