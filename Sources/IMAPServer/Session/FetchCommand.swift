import Basics
import MailStore

/// FETCH and UID FETCH (RFC 3501 section 6.4.5, RFC 7162 section 3.1.4).
extension IMAPSession {
  func fetch(_ argument: FetchArgument, uid: Bool, _ tag: [UInt8]) async throws {
    var plan = plan(argument, uid: uid)
    if plan.items.contains(.modSeq) { enableCondStore() }
    if plan.items.contains(where: \.needsMeasure) { try await measureForFetch(argument, uid: uid) }
    var current = try currentMailbox()
    var positions = try positions(argument.set, uid: uid)
    if let since = argument.changedSince {
      if argument.vanished { try await writeVanished(argument, since, current) }
      positions = changed(positions, since: since, current)
    }
    if let partial = argument.partial {
      // RFC 9738 section 3.1: the window is what counts then, and is given whole or not at all.
      try requireLimit(partial.count)
      positions = window(positions, partial)
    }
    let cutAt: UInt32?
    (positions, cutAt) = withinLimit(positions, current.view)
    // A command that is cut short goes from the highest UID down, message by message.
    let batches =
      cutAt == nil ? batches(positions, plan) : positions.reversed().flatMap { $0.reversed().map { [$0..<$0 + 1] } }
    let supply = FetchSupply(
      content: plan.needsContent ? ContentSupply(current, cutAt == nil ? positions : []) : nil,
      index: IndexSupply(current, batches, plan))
    for batch in batches {
      if plan.setsSeen, !current.isReadOnly, current.rights.contains(.seen) {
        let seen = try await markSeen(batch, current)
        current = try currentMailbox()
        try await write(batch, &plan, current, supply, seen: seen)
      } else {
        try await write(batch, &plan, current, supply, seen: [])
      }
    }
    try await syncUnlessPipelined(allowExpunge: uid)
    if plan.hasUnknownEncoding {
      return tagged(tag, "NO", .plain("UNKNOWN-CTE"), "A part's transfer encoding is not known", cutAt: cutAt)
    }
    guard !plan.isIncomplete else {
      return tagged(tag, "NO", .expungeIssued, "Some of the requested messages no longer exist", cutAt: cutAt)
    }
    tagged(tag, "OK", nil, "FETCH completed", cutAt: cutAt)
  }

  private func plan(_ argument: FetchArgument, uid: Bool) -> FetchPlan {
    var items = argument.items
    if enabled.uidOnly, items == [.uid] { return FetchPlan(items) }
    if argument.changedSince != nil, !items.contains(.modSeq) { items.append(.modSeq) }
    if uid {
      items.removeAll { $0 == .uid }
      // UIDFETCH says the UID at its head.
      if !enabled.uidOnly { items.insert(.uid, at: 0) }
    }
    return FetchPlan(items)
  }

  /// What NOTIFY asked for of messages that have just come (RFC 5465 section 5.2).
  func fetchNew(_ positions: Range<Int>, _ items: [FetchItem]) async throws {
    var plan = FetchPlan((enabled.uidOnly ? [] : [.uid]) + items.filter { $0 != .uid })
    let batches = batches([positions], plan)
    let supply = FetchSupply(
      content: plan.needsContent ? ContentSupply(try currentMailbox(), [positions]) : nil,
      index: IndexSupply(try currentMailbox(), batches, plan))
    for batch in batches { try await write(batch, &plan, try currentMailbox(), supply, seen: []) }
  }

  /// What PARTIAL (RFC 9394 section 3.3) leaves of the messages named.
  private func window(_ positions: [Range<Int>], _ partial: ResultRange) -> [Range<Int>] {
    let wanted = partial.places(of: positions.reduce(0) { $0 + $1.count })
    var passed = 0
    return positions.compactMap { range in
      let low = range.lowerBound + max(0, wanted.lowerBound - passed)
      let high = min(range.upperBound, range.lowerBound + wanted.upperBound - passed)
      passed += range.count
      return low < high ? low..<high : nil
    }
  }

  private func measureForFetch(_ argument: FetchArgument, uid: Bool) async throws {
    let current = try currentMailbox()
    for range in try positions(argument.set, uid: uid)
    where current.view.messages[range].contains(where: { !$0.isMeasured }) {
      return try await measure()
    }
  }

  private func changed(_ positions: [Range<Int>], since modSeq: UInt64, _ current: Selected) -> [Range<Int>] {
    var result: [Range<Int>] = []
    for range in positions {
      for position in range where current.view.messages[position].modSeq > modSeq {
        if let last = result.last, last.upperBound == position {
          result[result.count - 1] = last.lowerBound..<position + 1
        } else {
          result.append(position..<position + 1)
        }
      }
    }
    return result
  }

  /// VANISHED (EARLIER) for UID FETCH (RFC 7162 section 3.2.6).
  private func writeVanished(_ argument: FetchArgument, _ since: UInt64, _ current: Selected) async throws {
    // A client means all it knows by `*`, and may know UIDs above the largest one left.
    let star = max(current.view.snapshot.uidNext, 2) - 1
    let known = argument.set.isSavedResult ? UIDRanges.ranges(current.savedResult) : argument.set.ranges(star: star)
    let vanished = try await vanishedUIDs(current.mailbox, since: since, known: known, view: current.view)
    writeVanished(vanished, earlier: true)
  }

  /// Positions in groups small enough to hold their rows in memory.
  private func batches(_ positions: [Range<Int>], _ plan: FetchPlan) -> [[Range<Int>]] {
    let most = max(1, plan.needsContent ? limits.fetchBatch / 4 : limits.fetchBatch)
    var result: [[Range<Int>]] = []
    var batch: [Range<Int>] = []
    var count = 0
    for range in positions {
      var start = range.lowerBound
      while start < range.upperBound {
        let end = min(range.upperBound, start + most - count)
        batch.append(start..<end)
        count += end - start
        start = end
        if count == most {
          result.append(batch)
          batch = []
          count = 0
        }
      }
    }
    if !batch.isEmpty { result.append(batch) }
    return result
  }

  /// Sets `\Seen` where it is missing; gives the messages whose flags changed by it, by rising UID.
  private func markSeen(_ batch: [Range<Int>], _ current: Selected) async throws -> [MessageRecord] {
    var unseen: [UInt32] = []
    for range in batch {
      for message in current.view.messages[range] where !message.flags.contains(.seen) { unseen.append(message.uid) }
    }
    guard !unseen.isEmpty else { return [] }
    do {
      let result = try await current.mailbox.store(FlagChange(.add, flags: .seen), uids: unseen)
      try await tell(result.snapshot, allowExpunge: false, told: result.messages)
      return result.messages
    } catch let error as StoreError where error.code == .temporary || error.code == .overQuota {
      // A full disk must not keep anybody from reading (HOSTILE 14).
      connection.log.warning("\\Seen not stored", metadata: ["error": "\(error)"])
      return []
    }
  }

  private func write(
    _ batch: [Range<Int>], _ plan: inout FetchPlan, _ current: Selected, _ supply: FetchSupply,
    seen: [MessageRecord]
  ) async throws {
    let answers = try await supply.index.next()
    let (rows, details) = (answers.rows, answers.details)
    var detail = 0
    var row = 0
    var mark = 0
    for range in batch {
      for position in range {
        let record = current.view.messages[position]
        while mark < seen.count, seen[mark].uid < record.uid { mark += 1 }
        let isMarked = mark < seen.count && seen[mark].uid == record.uid
        while row < rows.count, rows[row].uid < record.uid { row += 1 }
        let index = row < rows.count && rows[row].uid == record.uid ? rows[row] : nil
        while detail < details.count, details[detail].uid < record.uid { detail += 1 }
        let known = detail < details.count && details[detail].uid == record.uid ? details[detail] : nil
        if plan.needsIndex && index == nil || plan.needsDetails && known == nil {
          plan.isIncomplete = true
          continue
        }
        let facts = FetchFacts(record: record, index: index, details: known)
        if let content = supply.content {
          try await writeWithContent(position, facts, &plan, current, content, tellsFlags: isMarked)
        } else {
          writePlain(position, facts, plan.items, current)
        }
        if out.bytes.count + connection.collectedOutput >= limits.replyChunk { try await sendIfLarge() }
      }
    }
  }

  private func writePlain(_ position: Int, _ facts: FetchFacts, _ items: [FetchItem], _ current: Selected) {
    writeFetchHead(position, facts.record)
    var isFirst = true
    for item in items {
      if !isFirst { out.space() }
      isFirst = false
      writeFact(item, facts, current)
    }
    out.text(")\r\n")
  }

  private func writeWithContent(
    _ position: Int, _ facts: FetchFacts, _ plan: inout FetchPlan, _ current: Selected, _ supply: ContentSupply,
    tellsFlags: Bool
  ) async throws {
    let record = facts.record
    let content: MessageContentReader
    do {
      content = try await supply.reader(for: record.uid)
    } catch let error as StoreError where error.code == .noSuchMessage {
      plan.isIncomplete = true
      return
    }
    guard try await canDecode(plan.items, content) else {
      plan.hasUnknownEncoding = true
      return
    }
    writeFetchHead(position, record)
    var isFirst = true
    for item in plan.items {
      if !isFirst { out.space() }
      isFirst = false
      if item.needsContent {
        try await writeContent(item, content)
        try await sendIfLarge()
      } else {
        writeFact(item, facts, current)
      }
    }
    if tellsFlags, !plan.items.contains(.flags) {
      out.space()
      writeFlags(record, current)
      if enabled.condStore, !plan.items.contains(.modSeq) {
        out.space()
        writeFact(.modSeq, facts, current)
      }
    }
    out.text(")\r\n")
  }

  /// An item that the view or the index answers.
  private func writeFact(_ item: FetchItem, _ facts: FetchFacts, _ current: Selected) {
    let (record, index) = (facts.record, facts.index)
    switch item {
    case .flags: writeFlags(record, current)
    case .uid:
      out.text("UID ")
      out.number(record.uid)
    case .internalDate:
      out.text("INTERNALDATE ")
      out.internalDate(record.internalDate)
    case .size:
      out.text("RFC822.SIZE ")
      out.number(record.size)
    case .modSeq:
      out.text("MODSEQ (")
      out.number(record.modSeq)
      out.octet(UInt8(ascii: ")"))
    case .envelope:
      out.text("ENVELOPE ")
      out.raw(index?.envelope ?? [])
    case .body:
      out.text("BODY ")
      out.raw(index?.body ?? [])
    case .bodyStructure:
      out.text("BODYSTRUCTURE ")
      out.raw(index?.bodyStructure ?? [])
    case .emailID: writeIdentifier("EMAILID", facts.details?.emailID)
    case .threadID: writeIdentifier("THREADID", facts.details?.threadID)
    case .saveDate:
      out.text("SAVEDATE ")
      out.internalDate(record.saveDate)
    case .preview:
      out.text("PREVIEW ")
      out.string(Array((facts.details?.preview ?? "").utf8))
    case .rfc822, .rfc822Header, .rfc822Text, .section, .binary, .binarySize: break
    }
  }
}

extension IMAPSession {
  /// `EMAILID (id)`; NIL where there is none (RFC 8474 section 5).
  private func writeIdentifier(_ name: StaticString, _ id: String?) {
    out.text(name)
    guard let id, !id.isEmpty else { return out.text(" NIL") }
    out.text(" (")
    out.raw(id)
    out.octet(UInt8(ascii: ")"))
  }
}
