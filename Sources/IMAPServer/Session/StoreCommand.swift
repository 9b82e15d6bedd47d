import MailStore

/// STORE and UID STORE (RFC 3501 section 6.4.6, RFC 7162 section 3.1.3).
extension IMAPSession {
  func store(_ argument: StoreArgument, uid: Bool, _ tag: [UInt8]) async throws {
    _ = try writableMailbox()
    if argument.unchangedSince != nil { enableCondStore() }
    let known = try currentMailbox().view
    // What others did is told first, so that the echo below shows this command's work only.
    try await sync(allowExpunge: uid)
    let current = try writableMailbox()
    let (positions, cutAt) = withinLimit(try positions(argument.set, uid: uid), current.view)
    let uids = current.view.uids(positions)
    guard !uids.isEmpty else { return tagged(tag, "OK", nil, "STORE completed") }
    let result = try await change(argument, uids, current)
    // RFC 9738 section 3.1: a command that is cut short goes from the highest UID down.
    let told = cutAt == nil ? result.messages : result.messages.reversed()
    try await echo(told, result.snapshot, argument, current, known: known, uid: uid)
    try await tell(result.snapshot, allowExpunge: uid, told: result.messages)
    finishStore(result, uids: uids, uid: uid, tag, cutAt: cutAt)
  }

  /// Changes what this user may change (RFC 4314 section 4): the rest of the flags stays as it is.
  private func change(_ argument: StoreArgument, _ uids: [UInt32], _ current: Selected) async throws -> StoreResult {
    let mode = FlagChange.Mode(argument.mode)
    let (flags, keywords) = (FlagWriter.flags(argument.flags), argument.flags.keywords)
    if current.rights.allowsAllFlags {
      return try await current.mailbox.store(
        FlagChange(mode, flags: flags, keywords: keywords), uids: uids, unchangedSince: argument.unchangedSince)
    }
    let allowed = current.rights.flags
    let mayWrite = current.rights.contains(.write)
    guard !allowed.isEmpty, mode == .replace || !allowed.isDisjoint(with: flags) || (mayWrite && !keywords.isEmpty)
    else { throw Refusal.no(.noPermission, "The owner of this mailbox has not given you the right to set these flags") }
    var change = FlagChange(
      mode == .replace ? .add : mode, flags: flags.intersection(allowed), keywords: mayWrite ? keywords : [])
    if mode == .replace {
      let named = Set(keywords.map { $0.lowercased() })
      let others = current.view.snapshot.keywords.filter { !$0.isEmpty && !named.contains($0.lowercased()) }
      let removal = FlagChange(.remove, flags: allowed.subtracting(flags), keywords: mayWrite ? others : [])
      let removed = try await current.mailbox.store(removal, uids: uids, unchangedSince: argument.unchangedSince)
      change.mode = .add
      var result = try await current.mailbox.store(change, uids: removed.messages.map(\.uid))
      result.modified = removed.modified
      return result
    }
    return try await current.mailbox.store(change, uids: uids, unchangedSince: argument.unchangedSince)
  }

  /// The FETCH responses to a STORE, also for messages it did not change: clients wait for them.
  ///
  /// - Parameter known: what the client knew when it sent the command.
  private func echo(
    _ messages: [MessageRecord], _ snapshot: MailboxSnapshot, _ argument: StoreArgument, _ before: Selected,
    known: MailboxView, uid: Bool
  ) async throws {
    let keywords = snapshot.keywords
    if keywords != before.view.snapshot.keywords { writeFlagLists(snapshot, isReadOnly: false) }
    for record in messages {
      guard let position = before.view.index(of: record.uid) else { continue }
      // RFC 9051 section 6.4.6: where others changed flags meanwhile, nothing is left to the client's reckoning, as it
      // cannot tell whether it was told of a state before or behind this command.
      let isUndisturbed =
        known.index(of: record.uid).map {
          !known.messages[$0].differs(from: before.view.messages[position], modSeq: enabled.condStore)
        } ?? false
      let isExpected =
        argument.silent && isUndisturbed
        && isExpected(record, of: before.view.messages[position], argument, keywords: keywords)
      // RFC 7162 section 3.1.3: the new MODSEQ is told even when the flags are not wanted.
      guard !isExpected || enabled.condStore else { continue }
      if isExpected, record.modSeq == before.view.messages[position].modSeq { continue }
      writeFetchHead(position, record)
      // A client that hears of expunged messages by UID has to know those of all others.
      if uid || enabled.quickResync, !enabled.uidOnly {
        out.text("UID ")
        out.number(record.uid)
        if !isExpected || enabled.condStore { out.space() }
      }
      if !isExpected {
        FlagWriter.write(record, keywords: keywords, isRecent: isRecent(record.uid, before), to: &out)
        if enabled.condStore { out.space() }
      }
      if enabled.condStore {
        out.text("MODSEQ (")
        out.number(record.modSeq)
        out.octet(UInt8(ascii: ")"))
      }
      out.text(")\r\n")
      try await sendIfLarge()
    }
  }

  /// Whether a message is now what a client that asked for silence computes itself.
  private func isExpected(
    _ record: MessageRecord, of old: MessageRecord, _ argument: StoreArgument, keywords: [String]
  ) -> Bool {
    let named = FlagWriter.flags(argument.flags)
    var bits: UInt64 = 0
    let folded = argument.flags.keywords.map { $0.lowercased() }
    for (bit, name) in keywords.enumerated() where bit < 64 && folded.contains(name.lowercased()) {
      bits |= 1 << UInt64(bit)
    }
    switch argument.mode {
    case .replace: return record.flags == named && record.keywords == bits
    case .add: return record.flags == old.flags.union(named) && record.keywords == old.keywords | bits
    case .remove: return record.flags == old.flags.subtracting(named) && record.keywords == old.keywords & ~bits
    }
  }

  private func finishStore(
    _ result: StoreResult, uids: [UInt32], uid: Bool, _ tag: [UInt8], cutAt: UInt32?
  ) {
    if !result.modified.isEmpty {
      var set = ResponseWriter()
      if uid {
        set.numberSet(result.modified)
      } else if let view = selected?.view {
        set.numberSet(result.modified.compactMap { uid in view.index(of: uid).map { UInt32(clamping: $0 + 1) } })
      }
      let code = ResponseCode.withText("MODIFIED \(String(decoding: set.bytes, as: UTF8.self))")
      return tagged(tag, "OK", code, "Conditional STORE failed for some messages", cutAt: cutAt)
    }
    if result.messages.count == uids.count { return tagged(tag, "OK", nil, "STORE completed", cutAt: cutAt) }
    // What could be changed was; who set flags on a message that is gone lost nothing (RFC 2180 section 4.2).
    tagged(tag, "OK", .expungeIssued, "STORE completed; some of the messages no longer exist", cutAt: cutAt)
  }
}

extension FlagChange.Mode {
  init(_ mode: StoreArgument.Mode) {
    switch mode {
    case .replace: self = .replace
    case .add: self = .add
    case .remove: self = .remove
    }
  }
}
