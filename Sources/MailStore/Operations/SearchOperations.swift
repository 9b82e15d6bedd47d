import MailSyntax

/// Text searches: header keys from the index, all else from the text index, and what that does not have from the
/// files, in parallel.
extension AccountStore {
  nonisolated func search(_ key: FolderKey, _ condition: TextCondition, among uids: [UInt32]) async throws -> [UInt32] {
    host.noteReading(uids.count)
    switch condition {
    // An empty text asks whether there is such a field.
    case .addresses(let name, let text) where text.isEmpty:
      return try await searchText(key, TextNeedle(.header(name: name, text: "")), among: uids)
    case .header(let name, let text) where name.lowercased() == "subject" && !text.isEmpty:
      return try await searchKeys(key, field: 0, condition, text, among: uids)
    case .addresses(let name, let text):
      guard let field = HeaderKeys.searchable.firstIndex(of: name.lowercased()) else { return [] }
      return try await searchKeys(key, field: field, condition, text, among: uids)
    case .header, .body, .text: return try await searchText(key, TextNeedle(condition), among: uids)
    }
  }

  private nonisolated func searchText(_ key: FolderKey, _ needle: TextNeedle, among uids: [UInt32]) async throws
    -> [UInt32]
  {
    guard text.isOn else { return try await searchFiles(key, needle, among: uids) }
    let identity = try await indexIdentity(key)
    let sorted = uids.sorted()
    var verdicts =
      try await host.onFiles { [text] in
        text.search(needle, identity: identity, folder: key.id, among: sorted)
      } ?? TextVerdicts(undecided: sorted)
    if verdicts.undecided.count >= Self.worthNaming {
      // An index made anew, or a folder just copied: the text may be here, only not yet under these UIDs.
      let named = try await emailIDs(key, verdicts.undecided)
      if let others = try await host.onFiles({ [text] in text.search(needle, among: named) }) {
        verdicts.hits += others.hits
        verdicts.isSplit = verdicts.isSplit && others.isSplit
        let decided = Set(named.map(\.uid)).subtracting(others.undecided)
        verdicts.undecided.removeAll(where: decided.contains)
      }
    }
    if !verdicts.isSplit { host.filler.note(self) }
    if !verdicts.undecided.isEmpty {
      verdicts.hits += try await searchFiles(key, needle, among: verdicts.undecided)
    }
    return verdicts.hits.sorted()
  }

  /// Messages from which on it is asked whether the text index knows them by their EMAILID.
  private static let worthNaming = 64

  /// The EMAILIDs of messages, as far as the index has them.
  private func emailIDs(_ key: FolderKey, _ uids: [UInt32]) throws -> [(uid: UInt32, emailID: String)] {
    keepUnkept()
    return try perform { index in
      var found: [(uid: UInt32, emailID: String)] = []
      found.reserveCapacity(uids.count)
      try index.eachRow("message_keys", "email_id", key.id, uids) { uid, row in
        let emailID = row.text(1)
        if !emailID.isEmpty { found.append((uid, emailID)) }
      }
      return found
    }
  }

  private func indexIdentity(_ key: FolderKey) throws -> Int64 {
    startFilling()
    return try perform { index in
      guard key.epoch == epoch else { throw StoreError(.gone, "the index was replaced") }
      return index.identity
    }
  }

  /// What the index alone decides of a header search.
  private func decide(
    _ key: FolderKey, field: Int, needle: [UInt8], among uids: [UInt32]
  ) throws -> (hits: [UInt32], undecided: [LocatedMessage], missing: [LocatedMessage]) {
    keepUnkept()
    return try perform { index in
      let view = try view(key, index)
      var hits: [UInt32] = []
      var cut: [UInt32] = []
      var seen: [UInt32] = []
      seen.reserveCapacity(uids.count)
      try index.eachRow("message_keys", "keys", key.id, uids) { uid, row in
        row.withBlob(1) { blob in
          guard let text = HeaderKeys.text(field, of: blob) else { return }
          seen.append(uid)
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
    _ key: FolderKey, field: Int, _ condition: TextCondition, _ text: String, among uids: [UInt32]
  ) async throws -> [UInt32] {
    let needle = Array(CaseMap.fold(text).utf8)
    var outcome = try await decide(key, field: field, needle: needle, among: uids)
    if !outcome.missing.isEmpty {
      let computed = try await compute(key, outcome.missing)
      let again = try await decide(key, field: field, needle: needle, among: computed.map(\.uid))
      outcome.hits += again.hits
      // What the index could not keep, for want of space, the files tell.
      outcome.undecided += again.undecided + again.missing
    }
    if !outcome.undecided.isEmpty {
      outcome.hits += try await searchFiles(key, TextNeedle(condition), among: outcome.undecided.map(\.uid))
    }
    return outcome.hits.sorted()
  }

  /// Octets of a message that is searched by itself.
  private static let largeText = 1 << 20

  private nonisolated func searchFiles(_ key: FolderKey, _ needle: TextNeedle, among uids: [UInt32]) async throws
    -> [UInt32]
  {
    let located = try await locate(key, uids)
    let small = located.filter { ($0.wireBytes ?? 0) <= Self.largeText }
    let verdicts = try await host.parallel(small, chunk: 64) { message -> (UInt32, Bool?) in
      let bytes = try Self.readFile(message)
      guard let bytes, bytes.count <= Self.largeText else { return (message.uid, nil) }
      return (message.uid, needle.matches(bytes))
    }
    var hits = verdicts.compactMap { $0.1 == true ? $0.0 : nil }
    // Decoded and folded, a message takes many times its size: large ones are looked at one after the other, whoever asks.
    // Those that were renamed meanwhile are looked for again.
    let others = Set(verdicts.compactMap { $0.1 == nil ? $0.0 : nil })
    for message in located where others.contains(message.uid) || (message.wireBytes ?? 0) > Self.largeText {
      guard let file = try? await open(key, message.uid) else { continue }
      let isFound = try await host.alone.run { needle.matches(try file.readNow(at: 0, count: file.size)) }
      if isFound { hits.append(message.uid) }
    }
    return hits.sorted()
  }
}
