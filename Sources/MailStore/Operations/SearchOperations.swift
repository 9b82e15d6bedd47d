import Basics
import Glibc
import MailSyntax

/// Text searches: header keys from the index, all else from the files, in parallel.
extension AccountStore {
  nonisolated func search(_ key: FolderKey, _ condition: TextCondition, among uids: [UInt32]) async throws -> [UInt32] {
    if case .header(let name, let text) = condition,
      let field = HeaderKeys.searchable.firstIndex(of: name.lowercased()),
      !text.isEmpty
    {
      return try await searchKeys(key, field: field, text: text, among: uids)
    }
    let needle = TextNeedle(condition)
    return try await searchFiles(key, needle, among: uids)
  }

  /// What the index alone decides of a header search.
  private func decide(
    _ key: FolderKey, field: Int, needle: [UInt8], among uids: [UInt32]
  ) throws -> (hits: [UInt32], undecided: [LocatedMessage], missing: [LocatedMessage]) {
    try perform { index in
      let view = try view(key, index)
      var hits: [UInt32] = []
      var cut: [UInt32] = []
      var seen: [UInt32] = []
      seen.reserveCapacity(uids.count)
      try index.eachRow("message_keys", "keys", key.id, uids) { uid, row in
        row.withBlob(1) { blob in
          guard let ranges = HeaderKeys.ranges(blob) else { return }
          seen.append(uid)
          let text = UnsafeRawBufferPointer(rebasing: blob[ranges[field]])
          if text.count == 1, text[0] == 0 {
            cut.append(uid)
          } else if TextNeedle.contains(text, needle) {
            hits.append(uid)
          }
        }
      }
      return (hits, missing(cut, having: [], view), missing(uids, having: seen, view))
    }
  }

  private nonisolated func searchKeys(
    _ key: FolderKey, field: Int, text: String, among uids: [UInt32]
  ) async throws -> [UInt32] {
    let needle = Array(TextFold.fold(text).utf8)
    var outcome = try await decide(key, field: field, needle: needle, among: uids)
    if !outcome.missing.isEmpty {
      let computed = try await compute(key, outcome.missing)
      let again = try await decide(key, field: field, needle: needle, among: computed.map(\.uid))
      outcome.hits += again.hits
      outcome.undecided += again.undecided
    }
    if !outcome.undecided.isEmpty {
      let condition = TextCondition.header(name: HeaderKeys.searchable[field], text: text)
      outcome.hits += try await searchFiles(key, TextNeedle(condition), among: outcome.undecided.map(\.uid))
    }
    return outcome.hits.sorted()
  }

  private nonisolated func searchFiles(_ key: FolderKey, _ needle: TextNeedle, among uids: [UInt32]) async throws
    -> [UInt32]
  {
    let located = try await locate(key, uids)
    let verdicts = try await host.parallel(located, chunk: 64) { message -> (UInt32, Bool?) in
      guard let file = try Self.readFile(message.path, limit: 256 << 20) else { return (message.uid, nil) }
      return (message.uid, needle.matches(file.bytes))
    }
    var hits = verdicts.compactMap { $0.1 == true ? $0.0 : nil }
    for (uid, verdict) in verdicts where verdict == nil {
      guard let file = try? await open(key, uid) else { continue }
      if needle.matches(try await file.bytes()) { hits.append(uid) }
    }
    return hits.sorted()
  }
}

/// A text condition made ready to be tried on many messages.
struct TextNeedle: Sendable {
  private let condition: TextCondition
  private let folded: [UInt8]
  private let field: String

  init(_ condition: TextCondition) {
    self.condition = condition
    switch condition {
    case .header(let name, let text): (field, folded) = (name, Array(TextFold.fold(text).utf8))
    case .body(let text), .text(let text): (field, folded) = ("", Array(TextFold.fold(text).utf8))
    }
  }

  /// Decides on a message's octets.
  func matches(_ bytes: [UInt8]) -> Bool {
    switch condition {
    case .header:
      return HeaderSection(bytes).values(field).contains { folded.isEmpty || hits(EncodedWord.decode($0)) }
    case .body:
      return folded.isEmpty || bodyMatches(MIMEPart.parse(bytes), bytes, withHeaders: false)
    case .text:
      if folded.isEmpty { return true }
      return bodyMatches(MIMEPart.parse(bytes), bytes, withHeaders: true)
    }
  }

  private func hits(_ text: String) -> Bool { hits(utf8: Array(TextFold.fold(text).utf8)) }

  private func hits(utf8 octets: [UInt8]) -> Bool { octets.withUnsafeBytes { Self.contains($0, folded) } }

  private func bodyMatches(_ part: MIMEPart, _ bytes: [UInt8], withHeaders: Bool) -> Bool {
    if withHeaders, headerMatches(part, bytes) { return true }
    if part.isText {
      let span = bytes.span
      let octets = TransferEncoding(part.encoding).decode(span, range: part.bodyRange)
      let charset = part.charset
      if charset == "us-ascii" || charset == "utf-8" {
        // Pure ASCII needs no charset; folding in place is most of what a search costs.
        if hits(utf8: TextFold.fold(utf8: octets)) { return true }
      } else if hits(CharsetDecoder(charset).decode(octets)) {
        return true
      }
    }
    for child in part.children {
      // The header of an attached message belongs to the body it is part of.
      if part.content == .leaf { continue }
      if bodyMatches(child, bytes, withHeaders: withHeaders || part.type == "message") { return true }
    }
    return false
  }

  private func headerMatches(_ part: MIMEPart, _ bytes: [UInt8]) -> Bool {
    let range = part.headerRange
    guard range.lowerBound >= 0, range.upperBound <= bytes.count else { return false }
    let section = HeaderSection(Array(bytes[range]))
    for header in section.fields {
      let line = section.name(of: header) + ": " + EncodedWord.decode(section.value(of: header))
      if hits(line) { return true }
    }
    return false
  }

  /// Whether folded text contains folded octets.
  static func contains(_ text: UnsafeRawBufferPointer, _ needle: [UInt8]) -> Bool {
    guard let first = needle.first else { return true }
    guard let start = text.baseAddress, text.count >= needle.count else { return false }
    let last = text.count - needle.count
    var position = 0
    return needle.withUnsafeBytes { wanted in
      guard let wantedStart = wanted.baseAddress else { return true }
      while position <= last, let found = memchr(start + position, Int32(first), last - position + 1) {
        let index = UnsafeRawPointer(found) - start
        if memcmp(start + index, wantedStart, wanted.count) == 0 { return true }
        position = index + 1
      }
      return false
    }
  }
}
