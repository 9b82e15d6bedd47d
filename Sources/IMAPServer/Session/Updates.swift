import MailStore

/// Untagged news of the selected mailbox (RFC 3501 section 5.2, 7.3, 7.4).
extension IMAPSession {
  /// Looks at the mailbox and tells what has become different since the client was last told.
  ///
  /// - Parameters:
  ///   - allowExpunge: `false` while answering FETCH, STORE or SEARCH by message numbers (RFC 3501 section 7.4.1).
  func sync(allowExpunge: Bool) async throws {
    guard let current = selected else { return }
    let snapshot = try await current.mailbox.snapshot()
    guard !current.view.isCurrent(snapshot, allowExpunge: allowExpunge) else { return }
    try await tell(snapshot, allowExpunge: allowExpunge)
  }

  /// At the end of a command that need not bring news: none is looked for while the client's next command waits.
  func syncUnlessPipelined(allowExpunge: Bool) async throws {
    if !connection.hasBufferedInput { try await sync(allowExpunge: allowExpunge) }
  }

  /// Moves the view to a snapshot and tells the difference.
  ///
  /// - Parameters:
  ///   - told: messages by rising UID whose state the client has heard of already, or does not want to.
  ///   - tellsFlags: whether changed flags are told of (RFC 5465 section 5.1).
  /// - Returns: the positions of new messages.
  @discardableResult func tell(
    _ snapshot: MailboxSnapshot, allowExpunge: Bool, told: [MessageRecord] = [], tellsFlags: Bool = true
  ) async throws -> Range<Int> {
    guard var current = selected, !current.view.isCurrent(snapshot, allowExpunge: allowExpunge) else { return 0..<0 }
    guard snapshot.uidValidity == current.view.snapshot.uidValidity else {
      throw StoreError(.gone, "UIDVALIDITY changed")
    }
    let old = current.view
    let before = old.messages.count
    let changes = current.view.advance(to: snapshot, allowExpunge: allowExpunge, modSeq: enabled.condStore)
    let hasNew = current.view.messages.count > changes.firstNew
    if hasNew, !current.isReadOnly, case let claimed = try await current.mailbox.claimRecent(), !claimed.isEmpty {
      UIDRanges.append(claimed, to: &current.recent)
    }
    selected = current
    removeFromContexts(changes.expungedUIDs, before: old)
    if enabled.quickResync || enabled.uidOnly {
      writeVanished(UIDRanges.ranges(changes.expungedUIDs), earlier: false)
    } else {
      for number in changes.expunged {
        out.text("* ")
        out.number(number)
        out.text(" EXPUNGE\r\n")
      }
    }
    if hasNew {
      out.text("* ")
      out.number(current.view.messages.count)
      out.text(" EXISTS\r\n")
      writeRecent(current)
    } else if before != current.view.messages.count, !current.recent.isEmpty {
      writeRecent(current)
    }
    if changes.keywordsChanged { writeFlagLists(snapshot, isReadOnly: current.isReadOnly) }
    var next = 0
    for position in changes.changed where tellsFlags {
      let record = current.view.messages[position]
      while next < told.count, told[next].uid < record.uid { next += 1 }
      if next < told.count, told[next].uid == record.uid, !record.differs(from: told[next], modSeq: true) { continue }
      writeFlagUpdate(position, current, uid: enabled.quickResync)
      try await sendIfLarge()
    }
    if !current.contexts.isEmpty {
      try await updateContexts(changes.changed + Array(changes.firstNew..<current.view.messages.count))
    }
    return changes.firstNew..<max(changes.firstNew, current.view.messages.count)
  }

  /// `* n RECENT`, which IMAP4rev2 has no more (RFC 9051 appendix E).
  func writeRecent(_ current: Selected) {
    guard !enabled.rev2 else { return }
    out.text("* ")
    out.number(recentCount(current))
    out.text(" RECENT\r\n")
  }

  /// An unasked FETCH with the flags, and the MODSEQ for a client that knows it.
  func writeFlagUpdate(_ position: Int, _ current: Selected, uid: Bool) {
    let record = current.view.messages[position]
    writeFetchHead(position, record)
    if uid, !enabled.uidOnly {
      out.text("UID ")
      out.number(record.uid)
      out.space()
    }
    writeFlags(record, current)
    if enabled.condStore {
      out.text(" MODSEQ (")
      out.number(record.modSeq)
      out.octet(UInt8(ascii: ")"))
    }
    out.text(")\r\n")
  }

  /// `* n FETCH (`, or `* uid UIDFETCH (` for a client that does without numbers (RFC 9586 section 3.1).
  func writeFetchHead(_ position: Int, _ record: MessageRecord) {
    out.text("* ")
    if enabled.uidOnly {
      out.number(record.uid)
      out.text(" UIDFETCH (")
    } else {
      out.number(position + 1)
      out.text(" FETCH (")
    }
  }

  func writeFlags(_ record: MessageRecord, _ current: Selected) {
    FlagWriter.write(
      record, keywords: current.view.snapshot.keywords, isRecent: isRecent(record.uid, current), to: &out)
  }

  func isRecent(_ uid: UInt32, _ current: Selected) -> Bool {
    !enabled.rev2 && UIDRanges.contains(current.recent, uid)
  }

  func noop(_ tag: [UInt8], _ text: String = "NOOP completed") async throws {
    try await sync(allowExpunge: true)
    tagged(tag, "OK", nil, text)
  }
}
