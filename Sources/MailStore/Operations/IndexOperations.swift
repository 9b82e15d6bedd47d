import Basics
import MailSyntax

/// One message's answers, just computed; an object, as they pass through many hands and hold some thirty references.
final class ComputedEntry: Sendable {
  let indexed: IndexedMessage
  let keysBlob: [UInt8]
  let keys: MessageKeys
  let details: MessageDetails
  let measurement: Measurement

  init(
    indexed: IndexedMessage, keysBlob: [UInt8], keys: MessageKeys, details: MessageDetails, measurement: Measurement
  ) {
    self.indexed = indexed
    self.keysBlob = keysBlob
    self.keys = keys
    self.details = details
    self.measurement = measurement
  }
}

/// Envelope, structure and sort keys: computed once, in parallel, then kept ready.
extension AccountStore {

  /// Entries the index has, and messages it has none of.
  func indexed(_ key: FolderKey, _ uids: [UInt32]) throws -> (have: [IndexedMessage], missing: [LocatedMessage]) {
    startFilling()
    let told = unkept(key, uids)
    return try perform { index in
      let view = try view(key, index)
      var have = told.map(\.indexed)
      have.reserveCapacity(uids.count)
      let uids = have.isEmpty ? uids : uids.without(Set(have.map(\.uid)))
      try index.eachRow("message_index", "envelope, body, structure", key.id, uids) { uid, row in
        have.append(IndexedMessage(uid: uid, envelope: row.blob(1), body: row.blob(2), bodyStructure: row.blob(3)))
      }
      let missing = missing(uids, having: have.map(\.uid), view)
      return (told.isEmpty ? have : have.sorted { $0.uid < $1.uid }, missing)
    }
  }

  /// Sort keys the index has, and messages it has none of.
  func keys(_ key: FolderKey, _ uids: [UInt32]) throws -> (have: [MessageKeys], missing: [LocatedMessage]) {
    startFilling()
    host.noteReading(uids.count)
    keepUnkept()
    return try perform { index in
      let view = try view(key, index)
      var have: [MessageKeys] = []
      have.reserveCapacity(uids.count)
      try index.eachRow("message_keys", "keys", key.id, uids) { uid, row in
        if let keys = row.withBlob(1, { HeaderKeys.decode($0, uid: uid) }) { have.append(keys) }
      }
      return (have, missing(uids, having: have.map(\.uid), view))
    }
  }

  /// Identifiers and previews the index has, and messages it has none of.
  func details(_ key: FolderKey, _ uids: [UInt32]) throws -> (have: [MessageDetails], missing: [LocatedMessage]) {
    keepUnkept()
    return try perform { index in
      let view = try view(key, index)
      var have: [MessageDetails] = []
      have.reserveCapacity(uids.count)
      try index.eachRow("message_keys", "email_id, thread_id, preview", key.id, uids) { uid, row in
        let emailID = row.text(1)
        guard !emailID.isEmpty else { return }
        have.append(MessageDetails(uid: uid, emailID: emailID, threadID: row.text(2), preview: row.text(3)))
      }
      return (have, missing(uids, having: have.map(\.uid), view))
    }
  }

  func missing(_ uids: [UInt32], having: [UInt32], _ view: FolderView) -> [LocatedMessage] {
    guard having.count < uids.count else { return [] }
    let known = Set(having)
    let folder = FolderPlace(view.path, opens: true)
    return Set(uids).subtracting(known).sorted().compactMap { uid in
      guard let position = view.position(of: uid) else { return nil }
      return LocatedMessage(uid: uid, folder: folder, name: view.nameInFolder(position), wireBytes: nil)
    }
  }

  /// Reads and parses messages on the file threads and keeps the outcome.
  ///
  /// - Parameter waits: whether all is in the index on return; else the last batch is written behind it.
  nonisolated func compute(
    _ key: FolderKey, _ located: [LocatedMessage], waits: Bool = true
  ) async throws -> [ComputedEntry] {
    // Whoever waits for this goes before the filler, which would read the same files.
    host.writer.meter.count.wrappingAdd(located.count, ordering: .relaxed)
    // Batches bound the memory and let others at the index in between; one is written while the next is parsed.
    let batches = stride(from: 0, to: located.count, by: 1024).map { located[$0..<min(located.count, $0 + 1024)] }
    var computed: [ComputedEntry] = []
    computed.reserveCapacity(located.count)
    var finished: [ComputedEntry] = []
    for batch in batches {
      let previous = finished
      async let parsed = parse(key, Array(batch))
      async let kept: Void = keepEntries(key, previous)
      finished = try await parsed
      try await kept
      computed += finished
    }
    if waits {
      try await keepEntries(key, finished)
    } else {
      // Written while the answer is on its way, and before the next question is answered.
      let last = finished
      unkept.withLock { $0.append((key, last)) }
      Task { await self.keepUnkept() }
    }
    return computed
  }

  /// Reads and parses messages in parallel; those that vanished are left out.
  private nonisolated func parse(_ key: FolderKey, _ located: [LocatedMessage]) async throws -> [ComputedEntry] {
    let found = try await host.parallel(located, chunk: 32) { message -> ComputedEntry? in
      guard let file = try Self.readDatedFile(message) else { return nil }
      return Self.compute(file.bytes, uid: message.uid, seconds: file.seconds)
    }
    var entries = found.compactMap { $0 }
    guard entries.count < located.count else { return entries }
    // Renamed by another program since they were located.
    let have = Set(entries.map(\.uid))
    for message in located where !have.contains(message.uid) {
      guard let file = try? await open(key, message.uid) else { continue }
      let bytes = try await file.bytes()
      let seconds = FileSystem.facts(descriptor: file.descriptor)?.seconds ?? 0
      entries.append(Self.compute(bytes, uid: message.uid, seconds: seconds))
    }
    return entries
  }

  static func compute(_ bytes: [UInt8], uid: UInt32, seconds: Int64) -> ComputedEntry {
    let entry = MessageIndexEntry.make(from: bytes)
    let keys = HeaderKeys(entry, uid: uid)
    let emailID = ObjectID.email(bytes, internalSeconds: seconds)
    return ComputedEntry(
      indexed: IndexedMessage(
        uid: uid, envelope: entry.envelope, body: entry.body, bodyStructure: entry.bodyStructure),
      keysBlob: keys.encode(), keys: keys.keys,
      details: MessageDetails(
        uid: uid, emailID: emailID, threadID: ObjectID.thread(entry, emailID: emailID), preview: entry.preview),
      measurement: Measurement(
        uid: uid, fileBytes: bytes.count, wireBytes: entry.wireSize, isOpenEnded: bytes.last != 0x0a, seconds: seconds))
  }

  /// Entries that were told and are not written yet.
  ///
  /// A session that asks on goes before the writing: the next messages are parsed while it goes on.
  private func unkept(_ key: FolderKey, _ uids: [UInt32]) -> [ComputedEntry] {
    let waiting = unkept.withLock { $0 }
    if waiting.reduce(0, { $0 + $1.entries.count }) > Self.mostUnkept {
      keepUnkept()
      return []
    }
    guard waiting.contains(where: { $0.key == key }) else { return [] }
    let wanted = Set(uids)
    return waiting.filter { $0.key == key }.flatMap(\.entries).filter { wanted.contains($0.uid) }
  }

  /// Entries told and not written that a session may leave behind.
  private static var mostUnkept: Int { 4096 }

  /// Keeps the entries that were told before they were written; one that cannot be is computed again.
  func keepUnkept() {
    let waiting = unkept.withLock { waiting in
      defer { waiting = [] }
      return waiting
    }
    for (key, entries) in waiting { try? keepEntries(key, entries) }
  }

  /// Keeps computed entries; an index that cannot be written now does not keep anyone from reading.
  func keepEntries(_ key: FolderKey, _ computed: [ComputedEntry]) throws {
    guard !computed.isEmpty else { return }
    try perform { index in
      let view = try view(key, index)
      do {
        try index.write {
          for entry in computed where view.position(of: entry.uid) != nil {
            try index.keep(key.id, entry)
          }
        }
      } catch let error as DatabaseError where !error.isCorruption {
        host.log.warning("index not written", metadata: ["index": "\(indexPath)", "error": "\(error)"])
      }
      enter(computed.map(\.measurement), view)
      try save(view, index)
    }
  }
}

extension [UInt32] {
  fileprivate func without(_ others: Set<UInt32>) -> [UInt32] { filter { !others.contains($0) } }
}

extension ComputedEntry {
  /// The message's UID.
  var uid: UInt32 { indexed.uid }
}

extension Index {
  /// Stores one message's answers.
  func keep(_ folder: Int64, _ entry: ComputedEntry) throws {
    try database.statement("INSERT OR REPLACE INTO message_index(id, envelope, body, structure) VALUES(?1, ?2, ?3, ?4)")
      .bind(1, Self.key(folder, entry.uid)).bind(2, entry.indexed.envelope).bind(3, entry.indexed.body)
      .bind(4, entry.indexed.bodyStructure).run()
    try database.statement(
      "INSERT OR REPLACE INTO message_keys(id, keys, email_id, thread_id, preview) VALUES(?1, ?2, ?3, ?4, ?5)"
    ).bind(1, Self.key(folder, entry.uid)).bind(2, entry.keysBlob).bind(3, entry.details.emailID)
      .bind(4, entry.details.threadID).bind(5, entry.details.preview).run()
  }

  /// Calls `body` for the rows of messages, by rising UID: one scan for runs of UIDs, single look-ups for scattered ones.
  func eachRow(
    _ table: String, _ columns: String, _ folder: Int64, _ uids: [UInt32], _ body: (UInt32, Statement) -> Void
  ) throws {
    let sorted = uids.sorted()
    guard let first = sorted.first, let last = sorted.last else { return }
    let isDense = Int(last - first) < sorted.count * 4 + 16
    if isDense {
      let statement = try database.statement(
        "SELECT id, \(columns) FROM \(table) WHERE id BETWEEN ?1 AND ?2 ORDER BY id"
      ).bind(1, Self.key(folder, first)).bind(2, Self.key(folder, last))
      defer { statement.reset() }
      var next = 0
      while try statement.step() {
        let uid = UInt32(truncatingIfNeeded: statement.integer(0))
        while next < sorted.count, sorted[next] < uid { next += 1 }
        if next < sorted.count, sorted[next] == uid { body(uid, statement) }
      }
      return
    }
    try database.reading {
      for uid in sorted {
        let statement = try database.statement("SELECT id, \(columns) FROM \(table) WHERE id = ?1").bind(
          1, Self.key(folder, uid))
        defer { statement.reset() }
        if try statement.step() { body(uid, statement) }
      }
    }
  }
}
