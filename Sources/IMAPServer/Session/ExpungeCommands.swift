import MailStore

/// EXPUNGE and UID EXPUNGE (RFC 3501 section 6.4.3, RFC 4315).
extension IMAPSession {
  func expunge(_ set: SequenceSet?, _ tag: [UInt8]) async throws {
    var current = try writableMailbox(.expunge)
    if set != nil, limits.processedMessages != nil {
      // Which are marked by now decides which are taken.
      try await sync(allowExpunge: true)
      current = try writableMailbox(.expunge)
    }
    var uids: [UInt32]?
    var cutAt: UInt32?
    if let set {
      var positions = try positions(set, uid: true)
      if limits.processedMessages != nil {
        (positions, cutAt) = withinLimit(deleted(positions, current.view), current.view)
      }
      uids = current.view.uids(positions)
    }
    let removed = try await current.mailbox.expunge(uids)
    try await sync(allowExpunge: true)
    tagged(
      tag, "OK", removed.isEmpty ? nil : highestModSeqCode, set == nil ? "EXPUNGE completed" : "UID EXPUNGE completed",
      cutAt: cutAt)
  }

  /// The positions of messages marked `\Deleted`.
  private func deleted(_ positions: [Range<Int>], _ view: MailboxView) -> [Range<Int>] {
    let marked = positions.lazy.flatMap { $0 }.filter { view.messages[$0].flags.contains(.deleted) }
    return view.positions(of: marked.map { view.messages[$0].uid })
  }

  /// The positions in the current view that a set names; `$` is the saved search result.
  func positions(_ set: SequenceSet, uid: Bool) throws -> [Range<Int>] {
    let current = try currentMailbox()
    if set.isSavedResult { return current.view.positions(of: current.savedResult) }
    return try current.view.positions(set, uid: uid)
  }
}
