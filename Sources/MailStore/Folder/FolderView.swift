import Synchronization

/// A loaded folder, which the sessions' snapshots are made from; belongs to its account's actor alone.
final class FolderView {
  /// Modification times of `new/` and `cur/` in nanoseconds; 0 is "do not trust".
  struct Stamps: Equatable {
    var new: Int64 = 0
    var cur: Int64 = 0
    var isKnown: Bool { new != 0 && cur != 0 }
  }

  let id: Int64
  let path: String
  let uidValidity: UInt32
  let objectID: String
  /// The next UID to hand out, and the first that is not reserved on disk.
  var uidNext: UInt32
  var reservedEnd: UInt32
  var highestModSeq: UInt64
  /// Messages from this UID on were not yet recent to anyone.
  var recentFrom: UInt32
  /// Vanished messages are known from this MODSEQ on.
  var expungedFloor: UInt64
  var keywords: [String]
  private(set) var records: [MessageRecord] = []
  private(set) var names = NameTable()
  /// Exact file names of the few messages whose name does not follow from base, place and flags.
  var oddNames: [UInt32: String] = [:]
  private(set) var totals = FolderTotals()
  /// Pages (UID / 64) that the index does not have as they are here.
  var dirtyPages: Set<UInt32> = []
  /// Expunges that the index has not got yet.
  var unsavedExpunges: [ExpungedRun] = []
  var rowChanged = false
  var savedModSeq: UInt64
  var stamps = Stamps()
  /// When the directories were last listed, in nanoseconds of civil time.
  var listedAt: Int64 = 0
  var mustRescan = false
  /// Up to this UID the index has every message's entry, or tried.
  var filled: UInt32
  /// Up to this UID the text index has every message; `nil` while that is not known.
  var textMark: UInt32?
  /// Messages vanished that the text index may still have.
  var hasVanished = false
  var lastUse: UInt64 = 0
  private(set) var version: UInt64
  private var cached: MailboxSnapshot?
  private var isPublished = false

  /// Where this view's memory is counted, and what was counted last.
  private let memory: ViewMemory?
  private var noted = 0

  private static let versions = Atomic<UInt64>(1)

  init(row: FolderRow, path: String, memory: ViewMemory? = nil) {
    self.memory = memory
    id = row.id
    self.path = path
    uidValidity = row.uidValidity
    objectID = row.objectID
    uidNext = row.uidNext
    reservedEnd = row.uidNext
    highestModSeq = row.modSeq
    savedModSeq = row.modSeq
    recentFrom = row.recentFrom
    expungedFloor = row.expungedFloor
    keywords = row.keywords
    filled = row.filled
    version = Self.versions.wrappingAdd(1, ordering: .relaxed).newValue
  }

  /// Octets of memory taken.
  var footprint: Int { records.capacity * MemoryLayout<MessageRecord>.stride + names.footprint + 1024 }

  deinit { memory?.change(by: -noted) }

  /// Counts what the view takes now.
  func noteMemory() {
    guard let memory else { return }
    let now = footprint
    memory.change(by: now - noted)
    noted = now
  }

  /// The version as somebody is told it; the next change gives another.
  func publish() -> UInt64 {
    isPublished = true
    return version
  }

  /// Marks that sessions must see a new snapshot.
  func touch() {
    guard isPublished else { return }
    isPublished = false
    cached = nil
    version = Self.versions.wrappingAdd(1, ordering: .relaxed).newValue
  }

  func snapshot(keywordLimit: Int) -> MailboxSnapshot {
    if let cached { return cached }
    let used = keywords.count { !$0.isEmpty }
    let made = MailboxSnapshot(
      version: publish(), uidValidity: uidValidity, uidNext: uidNext, highestModSeq: highestModSeq, messages: records,
      keywords: keywords, keywordsLeft: max(0, keywordLimit - used), objectID: objectID)
    cached = made
    return made
  }

  func position(of uid: UInt32) -> Int? {
    let low = lowerBound(uid)
    return low < records.count && records[low].uid == uid ? low : nil
  }

  /// The first position whose UID is at least `uid`.
  func lowerBound(_ uid: UInt32) -> Int {
    var low = 0
    var high = records.count
    while low < high {
      let middle = (low + high) / 2
      if records[middle].uid < uid { low = middle + 1 } else { high = middle }
    }
    return low
  }

  /// The UID behind which messages wait to be filled in.
  func fillStart(text: Bool) -> UInt32 { text ? min(filled, textMark ?? 0) : filled }

  /// Whether something waits for the filler.
  func needsFill(text: Bool) -> Bool {
    guard let last = records.last else { return hasVanished && text }
    return last.uid > fillStart(text: text) || (hasVanished && text)
  }

  func position(ofBase base: UnsafeRawBufferPointer) -> Int? { names.find(base) }

  /// Makes room for more messages: by a quarter, so that an import neither copies all each time nor doubles.
  func reserve(_ count: Int) {
    if records.count + count > records.capacity {
      records.reserveCapacity(records.count + max(count, records.count / 4))
    }
    names.reserve(count)
  }

  /// Adds a message at the end; its UID is above all others.
  func append(_ record: MessageRecord, base: UnsafeRawBufferPointer, isSaved: Bool) {
    records.append(record)
    names.append(base)
    totals.add(record)
    guard !isSaved else { return }
    dirtyPages.insert(record.uid >> 6)
    touch()
  }

  /// Replaces a message's record; the UID stays.
  func set(_ position: Int, _ record: MessageRecord) {
    guard records[position] != record else { return }
    touch()
    totals.subtract(records[position])
    totals.add(record)
    records[position] = record
    dirtyPages.insert(record.uid >> 6)
  }

  /// Removes messages at rising positions, as one change with one MODSEQ.
  func remove(_ positions: [Int], modSeq: UInt64) {
    guard let first = positions.first else { return }
    touch()
    hasVanished = true
    for position in positions {
      let record = records[position]
      totals.subtract(record)
      oddNames[record.uid] = nil
      dirtyPages.insert(record.uid >> 6)
      if let last = unsavedExpunges.last, last.modSeq == modSeq, last.last &+ 1 == record.uid {
        unsavedExpunges[unsavedExpunges.count - 1].last = record.uid
      } else {
        unsavedExpunges.append(ExpungedRun(first: record.uid, last: record.uid, modSeq: modSeq))
      }
    }
    var next = 0
    var target = first
    for position in first..<records.count {
      if next < positions.count, positions[next] == position {
        next += 1
        continue
      }
      records[target] = records[position]
      target += 1
    }
    records.removeLast(records.count - target)
    names.remove(positions)
  }

  /// The names keyword bits stand for.
  func keywordNames(_ bits: UInt64) -> [String] {
    keywords.indices.compactMap { bits & (1 << UInt64($0)) != 0 && !keywords[$0].isEmpty ? keywords[$0] : nil }
  }

  /// The name of a message's file in its directory.
  func fileName(_ position: Int) -> String {
    let record = records[position]
    if record.state.contains(.oddName), let name = oddNames[record.uid] { return name }
    let base = names.base(position)
    return record.state.contains(.inNew) ? base : base + MaildirName.info(record.flags)
  }

  /// The path of a message's file.
  func filePath(_ position: Int) -> String { "\(path)/\(nameInFolder(position))" }

  /// A message's file below the folder's directory.
  func nameInFolder(_ position: Int) -> String {
    "\(records[position].state.contains(.inNew) ? "new" : "cur")/\(fileName(position))"
  }

  /// The next MODSEQ: the time in milliseconds, so that values lost with the last unsynced transactions of a power
  /// failure are not given again.
  func nextModSeq(now: Int64) -> UInt64 {
    highestModSeq = max(highestModSeq + 1, UInt64(clamping: now))
    rowChanged = true
    return highestModSeq
  }
}

/// UIDs that vanished together.
struct ExpungedRun: Equatable {
  var first: UInt32
  var last: UInt32
  var modSeq: UInt64
}

/// A folder's row in the index.
struct FolderRow {
  var id: Int64
  var name: MailboxName
  var uidValidity: UInt32
  /// The first UID that was never reserved.
  var uidNext: UInt32
  var modSeq: UInt64
  var recentFrom: UInt32
  var expungedFloor: UInt64
  var keywords: [String]
  var objectID: String
  var stamps: FolderView.Stamps
  var totals: FolderTotals
  var recent: Int
  var filled: UInt32
}
