import MailStore

/// SORT and THREAD (RFC 5256), with RETURN for SORT (RFC 5267).
extension IMAPSession {
  func sort(_ argument: SortArgument, uid: Bool, _ tag: [UInt8]) async throws {
    if argument.search.results?.contains(.save) == true { selected?.savedResult = [] }
    let hits = try await allHits(argument.search, tag)
    if argument.criteria.contains(where: \.field.needsMeasure) { try await measure() }
    let current = try currentMailbox()
    let evaluator = SortEvaluator(view: current.view, mailbox: current.mailbox)
    let sorted = try await evaluator.sorted(hits, by: argument.criteria)
    if let results = argument.search.results {
      writeExtended(sorted, results, argument.search, current.view, uid: uid, tag)
      save(sorted, results, argument.search.partial, current)
      follow(sorted, argument.search, criteria: argument.criteria, uid: uid, tag)
    } else {
      out.text("* SORT")
      for position in sorted {
        out.space()
        out.number(uid ? current.view.messages[position].uid : UInt32(clamping: position + 1))
        try await sendIfLarge()
      }
      out.endLine()
    }
    try await syncUnlessPipelined(allowExpunge: uid)
    tagged(tag, "OK", nil, "SORT completed")
  }

  func thread(_ argument: ThreadArgument, uid: Bool, _ tag: [UInt8]) async throws {
    let hits = try await allHits(argument.search, tag)
    try await measure()
    let current = try currentMailbox()
    let messages = try await ThreadInput.load(hits, view: current.view, mailbox: current.mailbox)
    let forest =
      switch argument.algorithm {
      case .orderedSubject: SubjectThreader.threads(messages)
      case .references: ReferenceThreader.threads(messages)
      case .refs: ReferenceThreader.threadsByReferenceAlone(messages)
      }
    out.text("* THREAD")
    if !forest.roots.isEmpty { out.space() }
    forest.write(to: &out) { position in
      uid ? current.view.messages[position].uid : UInt32(clamping: position + 1)
    }
    out.endLine()
    try await syncUnlessPipelined(allowExpunge: uid)
    tagged(tag, "OK", nil, "THREAD completed")
  }

  /// The positions that satisfy a search that is no use in part (RFC 9738 section 3.3).
  private func allHits(_ argument: SearchArgument, _ tag: [UInt8]) async throws -> [Int] {
    guard try searched(argument.key, currentMailbox()).cutAt == nil else {
      try requireLimit(.max)
      return []
    }
    return try await hits(argument, tag).positions
  }

  /// Sees to exact sizes and internal dates; positions stay as they are.
  func measure() async throws {
    let current = try currentMailbox()
    guard current.view.messages.contains(where: { !$0.isMeasured }) else { return }
    try await tell(try await current.mailbox.measuredSnapshot(), allowExpunge: false)
  }
}
