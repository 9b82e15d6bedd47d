import Basics
import MailStore

/// Decides a search program over the messages of a view, keys that cost little before those that read files.
struct SearchEvaluator {
  let view: MailboxView
  let mailbox: Mailbox
  let recent: [Range<UInt32>]
  let saved: [UInt32]
  let now: Timestamp
  /// Turns the client's octets into text.
  let decode: ([UInt8]) throws -> String
  /// What the command may spend.
  let work: SearchWork
  /// Messages whose text is searched between two words on progress.
  let piece: Int
  /// Told how many of how many messages were looked at.
  let progress: (Int, Int) async throws -> Void

  /// Of the positions given, rising, those of messages that satisfy the key.
  func matches(_ key: SearchKey, among positions: [Int]) async throws -> [Int] { try await filter(positions, key) }

  private func filter(_ candidates: [Int], _ key: SearchKey) async throws -> [Int] {
    if candidates.isEmpty { return [] }
    // A search may have a thousand keys: other sessions of the loop have their turn in between.
    if candidates.count > Self.turn { await Task.yield() }
    switch key {
    case .all: return candidates
    case .and(let keys):
      var left = candidates
      for key in keys.filter({ !$0.readsText }) + keys.filter(\.readsText) { left = try await filter(left, key) }
      return left
    case .or(let first, let second):
      let (cheap, dear) = first.readsText && !second.readsText ? (second, first) : (first, second)
      let hits = try await filter(candidates, cheap)
      let others = try await filter(Self.subtract(hits, from: candidates), dear)
      return Self.merge(hits, others)
    case .not(let key): return Self.subtract(try await filter(candidates, key), from: candidates)
    case .sequence(let set):
      // Numbers beyond the mailbox match nothing: clients search in ranges they only guess.
      let positions = set.isSavedResult ? view.positions(of: saved) : view.positions(within: set)
      return Self.intersect(candidates, positions)
    case .uid(let set):
      let positions = set.isSavedResult ? view.positions(of: saved) : try view.positions(set, uid: true)
      return Self.intersect(candidates, positions)
    case .header(let name, let value):
      return try await text(
        candidates, .header(name: String(decoding: name, as: UTF8.self), text: try decode(value)))
    case .addresses(let name, let value):
      return try await text(candidates, .addresses(name: name, text: try decode(value)))
    case .body(let value): return try await text(candidates, .body(try decode(value)))
    case .text(let value): return try await text(candidates, .text(try decode(value)))
    case .date(.sent, let relation, let day): return try await sent(candidates, relation, day)
    case .emailID(let id): return try await details(candidates) { $0.emailID.utf8.elementsEqual(id) }
    case .threadID(let id): return try await details(candidates) { $0.threadID.utf8.elementsEqual(id) }
    default: return filterFlags(candidates, key) ?? filterFacts(candidates, key)
    }
  }

  private func filterFlags(_ candidates: [Int], _ key: SearchKey) -> [Int]? {
    let messages = view.messages
    switch key {
    case .system(let flag, let isSet):
      let wanted = FlagWriter.flags(FlagArgument(system: [flag]))
      return candidates.filter { messages[$0].flags.contains(wanted) == isSet }
    case .recent: return candidates.filter { isRecent(messages[$0].uid) }
    case .old: return candidates.filter { !isRecent(messages[$0].uid) }
    case .new: return candidates.filter { !messages[$0].flags.contains(.seen) && isRecent(messages[$0].uid) }
    case .keyword(let name, let isSet):
      let folded = name.lowercased()
      let bit = view.snapshot.keywords.firstIndex { $0.lowercased() == folded }
      guard let bit, bit < 64 else { return isSet ? [] : candidates }
      return candidates.filter { (messages[$0].keywords & (1 << UInt64(bit)) != 0) == isSet }
    default: return nil
    }
  }

  private func filterFacts(_ candidates: [Int], _ key: SearchKey) -> [Int] {
    let messages = view.messages
    switch key {
    case .larger(let size): return candidates.filter { UInt64(messages[$0].size) > size }
    case .smaller(let size): return candidates.filter { UInt64(messages[$0].size) < size }
    case .older(let seconds):
      let limit = now - .seconds(Int64(seconds))
      return candidates.filter { messages[$0].internalDate <= limit }
    case .younger(let seconds):
      let limit = now - .seconds(Int64(seconds))
      return candidates.filter { messages[$0].internalDate >= limit }
    case .modSeq(let value): return candidates.filter { messages[$0].modSeq >= value }
    case .date(let field, let relation, let day):
      let wanted = day.daysSinceEpoch
      return candidates.filter {
        let date = field == .saved ? messages[$0].saveDate : messages[$0].internalDate
        return relation.holds(floorDivide(date.seconds, 86_400), wanted)
      }
    default: return candidates
    }
  }

  private func isRecent(_ uid: UInt32) -> Bool { UIDRanges.contains(recent, uid) }

  private func text(_ candidates: [Int], _ condition: TextCondition) async throws -> [Int] {
    try work.take(candidates.count)
    var result: [Int] = []
    // Large mailboxes in pieces, so that a client hears how far it is.
    for start in stride(from: 0, to: candidates.count, by: piece) {
      let batch = candidates[start..<min(start + piece, candidates.count)]
      let hits = try await mailbox.search(condition, among: batch.map { view.messages[$0].uid })
      result += hits.compactMap { view.index(of: $0) }
      try await progress(start + batch.count, candidates.count)
    }
    return result
  }

  /// Messages one key is tried on without giving others their turn.
  private static let turn = 5000

  /// SENTBEFORE and its kin look at the day as the header names it, whatever its zone (RFC 3501 section 6.4.4).
  private func sent(
    _ candidates: [Int], _ relation: SearchKey.DateRelation, _ day: DateArgument
  ) async throws -> [Int] {
    let wanted = day.daysSinceEpoch
    try work.take(candidates.count)
    var result: [Int] = []
    var start = 0
    while start < candidates.count {
      let batch = candidates[start..<min(start + 1000, candidates.count)]
      start += batch.count
      for row in try await mailbox.fetchIndex(batch.map { view.messages[$0].uid }) {
        guard let position = view.index(of: row.uid), let sent = EnvelopeDate.day(inEnvelope: row.envelope) else {
          continue
        }
        if relation.holds(sent, wanted) { result.append(position) }
      }
    }
    return result
  }

  /// Messages whose object identifiers satisfy a test.
  private func details(_ candidates: [Int], _ test: (MessageDetails) -> Bool) async throws -> [Int] {
    try work.take(candidates.count)
    var result: [Int] = []
    for start in stride(from: 0, to: candidates.count, by: 1000) {
      let batch = candidates[start..<min(start + 1000, candidates.count)]
      for found in try await mailbox.details(batch.map { view.messages[$0].uid }) where test(found) {
        if let position = view.index(of: found.uid) { result.append(position) }
      }
    }
    return result
  }

  private static func intersect(_ candidates: [Int], _ positions: [Range<Int>]) -> [Int] {
    var index = 0
    return candidates.filter { candidate in
      while index < positions.count, positions[index].upperBound <= candidate { index += 1 }
      return index < positions.count && positions[index].contains(candidate)
    }
  }

  private static func subtract(_ hits: [Int], from candidates: [Int]) -> [Int] {
    var index = 0
    return candidates.filter { candidate in
      while index < hits.count, hits[index] < candidate { index += 1 }
      return index >= hits.count || hits[index] != candidate
    }
  }

  private static func merge(_ left: [Int], _ right: [Int]) -> [Int] {
    if left.isEmpty { return right }
    if right.isEmpty { return left }
    return (left + right).sorted()
  }
}

extension SearchKey {
  /// Whether deciding the key may have to read messages.
  var readsText: Bool {
    switch self {
    case .header, .addresses, .body, .text, .date(.sent, _, _), .emailID, .threadID: true
    case .not(let key): key.readsText
    case .or(let first, let second): first.readsText || second.readsText
    case .and(let keys): keys.contains(where: \.readsText)
    default: false
    }
  }

  /// Whether exact sizes or internal dates are asked for.
  var needsMeasure: Bool {
    switch self {
    case .larger, .smaller, .older, .younger, .date(.received, _, _): true
    case .not(let key): key.needsMeasure
    case .or(let first, let second): first.needsMeasure || second.needsMeasure
    case .and(let keys): keys.contains(where: \.needsMeasure)
    default: false
    }
  }

  /// Whether MODSEQ is asked for, which enables CONDSTORE (RFC 7162 section 3.1).
  var asksModSeq: Bool {
    switch self {
    case .modSeq: true
    case .not(let key): key.asksModSeq
    case .or(let first, let second): first.asksModSeq || second.asksModSeq
    case .and(let keys): keys.contains(where: \.asksModSeq)
    default: false
    }
  }
}

extension SearchKey.DateRelation {
  func holds(_ day: Int64, _ wanted: Int64) -> Bool {
    switch self {
    case .before: day < wanted
    case .on: day == wanted
    case .since: day >= wanted
    }
  }
}

extension DateArgument {
  var daysSinceEpoch: Int64 { CivilTime.daysSinceEpoch(year: year, month: month, day: day) }
}
