import MailStore

/// MESSAGELIMIT (RFC 9738): how many messages one command works on, when the host sets a bound.
///
/// FETCH, STORE, SEARCH, MOVE and UID EXPUNGE take the highest UIDs and say how far down they came; what must be whole
/// (COPY, APPEND, SORT, THREAD, a window of PARTIAL) is refused. EXPUNGE, CLOSE and STATUS are never limited.
extension IMAPSession {
  /// Of positions, the highest ones that a command may work on.
  ///
  /// - Returns: also the lowest UID worked on, when others were left out.
  func withinLimit(_ positions: [Range<Int>], _ view: MailboxView) -> (positions: [Range<Int>], cutAt: UInt32?) {
    guard let most = limits.processedMessages else { return (positions, nil) }
    var left = most
    var kept: [Range<Int>] = []
    for range in positions.reversed() {
      guard left > 0 else { return (kept.reversed(), kept.last.map { view.messages[$0.lowerBound].uid }) }
      let part = range.suffix(left)
      kept.append(part)
      left -= part.count
      if part.count < range.count { return (kept.reversed(), view.messages[part.lowerBound].uid) }
    }
    return (positions, nil)
  }

  /// Refuses a command that cannot be done in part.
  func requireLimit(_ count: Int) throws(Refusal) {
    guard let most = limits.processedMessages, count > most else { return }
    throw .no(.withText("MESSAGELIMIT \(most)"), "One command works on \(most) messages at most; name fewer")
  }

  /// The end of a command of which perhaps only a part was done.
  func tagged(_ tag: [UInt8], _ kind: StaticString, _ code: ResponseCode?, _ text: String, cutAt uid: UInt32?) {
    guard let uid, let most = limits.processedMessages else { return tagged(tag, kind, code, text) }
    let limit = ResponseCode.withText("MESSAGELIMIT \(most) \(uid)")
    let advice = "One command works on \(most) messages at most; go on below this UID"
    guard let code else { return tagged(tag, kind, limit, advice) }
    // RFC 9738 section 3.1: beside another response code, the limit comes in an untagged NO.
    untagged("NO", limit, advice)
    tagged(tag, kind, code, text)
  }

  /// COPY and APPEND beyond SAVELIMIT or MESSAGELIMIT.
  ///
  /// - Parameter uid: the lowest of the highest UIDs that could be copied together.
  func tooManyToSave(_ uid: UInt32? = nil) -> Refusal {
    .no(
      .withText("MESSAGELIMIT \(limits.mostSaved)" + (uid.map { " \($0)" } ?? "")),
      "One command saves \(limits.mostSaved) messages at most; send several")
  }

  /// The positions a search looks at: those its sequence sets and UIDs leave, the highest when they are too many.
  func searched(_ key: SearchKey, _ current: Selected) throws -> (positions: [Int], cutAt: UInt32?) {
    guard let most = limits.processedMessages, current.view.messages.count > most else {
      return (Array(current.view.messages.indices), nil)
    }
    var named = [0..<current.view.messages.count]
    for set in key.namedSets {
      let positions =
        switch set {
        case .sequence(let set) where !set.isSavedResult: current.view.positions(within: set)
        case .sequence(let set), .uid(let set):
          try set.isSavedResult
            ? current.view.positions(of: current.savedResult) : current.view.positions(set, uid: true)
        }
      named = Self.common(named, positions)
    }
    let (positions, cutAt) = withinLimit(named, current.view)
    return (positions.flatMap(Array.init), cutAt)
  }

  /// What lies in both of two rising lists of ranges.
  private static func common(_ left: [Range<Int>], _ right: [Range<Int>]) -> [Range<Int>] {
    var result: [Range<Int>] = []
    var (first, second) = (0, 0)
    while first < left.count, second < right.count {
      let overlap = left[first].clamped(to: right[second])
      if !overlap.isEmpty { result.append(overlap) }
      if left[first].upperBound < right[second].upperBound { first += 1 } else { second += 1 }
    }
    return result
  }
}

extension IMAPLimits {
  /// Messages of one APPEND or COPY.
  var mostSaved: Int { min(savedMessages, processedMessages ?? .max) }

  /// What is announced of it: a limit on all commands covers the one on saving (RFC 9738 section 3).
  var messageLimitCapability: String {
    processedMessages.map { "MESSAGELIMIT=\($0)" } ?? "SAVELIMIT=\(savedMessages)"
  }
}

extension SearchKey {
  /// A set that every message found is in.
  enum NamedSet {
    case sequence(SequenceSet)
    case uid(SequenceSet)
  }

  /// The sets that stand at the top of a search, where all keys must hold.
  var namedSets: [NamedSet] {
    switch self {
    case .sequence(let set): [.sequence(set)]
    case .uid(let set): [.uid(set)]
    case .and(let keys): keys.flatMap(\.namedSets)
    default: []
    }
  }
}
