import Basics
import Glibc

/// Taking in what happened in a Maildir: deliveries, and what other programs did.
extension AccountStore {
  /// A message's file as found in a listing or named by an event.
  struct FoundFile {
    var base: [UInt8]
    var oddName: String?
    var inNew: Bool
    var name: MaildirName
  }

  /// Brings a view in line with its directories; costs two `stat`s at most when nothing changed.
  func sync(_ view: FolderView, _ index: Index) throws {
    let seat = seat(view.id)
    if seat.watch != nil {
      host.watcher.drain()
      // A watch follows its directory when one above is renamed; the inode tells whether it is still this folder's.
      let inode = FileSystem.facts(view.path + "/cur")?.inode
      if seat.notices.takeWatchLost() || inode != seat.watchedInode {
        seat.watch = nil
        watch(seat, view.path)
        view.mustRescan = true
        if seat.watch == nil, !seat.listeners.isEmpty { isPolled.store(true, ordering: .relaxed) }
      }
      let (events, mustRescan) = seat.notices.take()
      if mustRescan || view.mustRescan {
        try reconcile(view, index)
      } else if !events.isEmpty {
        try apply(events, to: view, index)
      }
    } else {
      _ = seat.notices.take()
      let now = stampsNow(view.path)
      if view.mustRescan || now != view.stamps || view.listedAt - max(now.new, now.cur) < 20_000_000 {
        try reconcile(view, index)
      }
    }
    announce(view)
  }

  /// Compares a view with a full listing.
  func reconcile(_ view: FolderView, _ index: Index) throws {
    view.mustRescan = true
    let before = stampsNow(view.path)
    let started = Self.nanoseconds()
    let listing = try MaildirListing(folder: view.path, expecting: view.records.count)
    var seen = [Bool](repeating: false, count: view.records.count)
    var found: [(order: UInt64, entry: UInt32)] = []
    let modSeq = LazyModSeq(view: view, now: host.time.now.milliseconds)
    match(listing, view, seen: &seen, found: &found, modSeq: modSeq)
    var missing = seen.indices.filter { !seen[$0] }
    if !missing.isEmpty {
      // A file that is renamed while its directory is read may not be listed under either name: look again.
      let again = try MaildirListing(folder: view.path, expecting: view.records.count)
      var ignored: [(order: UInt64, entry: UInt32)] = []
      match(again, view, seen: &seen, found: &ignored, modSeq: modSeq)
      missing = missing.filter { !seen[$0] }
    }
    if !missing.isEmpty { view.remove(missing, modSeq: modSeq.value()) }
    if !found.isEmpty {
      found.sort { left, right in
        if left.order != right.order { return left.order < right.order }
        return listing.isBefore(Int(left.entry), Int(right.entry))
      }
      try add(found.count, to: view, index, modSeq: modSeq) { position, body in
        let entry = listing.entries[Int(found[position].entry)]
        let name = listing.name(entry)
        let odd = name.isCanonical ? nil : listing.fileName(entry)
        listing.withName(entry) {
          body(UnsafeRawBufferPointer(rebasing: $0[..<name.baseCount]), name, entry.inNew, odd)
        }
      }
    }
    view.stamps = before
    view.listedAt = started
    view.mustRescan = false
    view.rowChanged = true
    try save(view, index)
  }

  private func match(
    _ listing: MaildirListing, _ view: FolderView, seen: inout [Bool], found: inout [(order: UInt64, entry: UInt32)],
    modSeq: LazyModSeq
  ) {
    let isFresh = view.records.isEmpty
    if isFresh { found.reserveCapacity(listing.entries.count) }
    for (number, entry) in listing.entries.enumerated() {
      let name = listing.name(entry)
      if isFresh {
        found.append((name.order, UInt32(truncatingIfNeeded: number)))
        continue
      }
      let position = listing.withName(entry) {
        view.position(ofBase: UnsafeRawBufferPointer(rebasing: $0[..<name.baseCount]))
      }
      guard let position else {
        found.append((name.order, UInt32(truncatingIfNeeded: number)))
        continue
      }
      // Listed in new/ and cur/: the later one counts, it is where the file moved.
      seen[position] = true
      let odd = name.isCanonical ? nil : listing.fileName(entry)
      relocate(view, position, name: name, inNew: entry.inNew, odd: odd, modSeq: modSeq)
    }
  }

  /// Notes where a known message's file is now and which flags its name tells.
  private func relocate(
    _ view: FolderView, _ position: Int, name: MaildirName, inNew: Bool, odd: String?, modSeq: LazyModSeq
  ) {
    var record = view.records[position]
    let old = record
    record.state = inNew ? record.state.union(.inNew) : record.state.subtracting(.inNew)
    record.state = odd == nil ? record.state.subtracting(.oddName) : record.state.union(.oddName)
    record.flags = name.flags
    if let odd, view.oddNames[record.uid] != odd {
      view.oddNames[record.uid] = odd
      view.dirtyPages.insert(record.uid >> 6)
    } else if odd == nil, old.state.contains(.oddName) {
      view.oddNames[record.uid] = nil
    }
    guard record != old else { return }
    if record.flags != old.flags { record.modSeq = modSeq.value() }
    view.set(position, record)
  }

  /// Gives UIDs to new files, in the order given.
  func add(
    _ count: Int, to view: FolderView, _ index: Index, modSeq: LazyModSeq,
    _ file: (Int, (UnsafeRawBufferPointer, MaildirName, Bool, String?) -> Void) -> Void
  ) throws {
    try reserve(count, view, index)
    view.reserve(count)
    let now = UInt32(clamping: host.time.now.seconds)
    let sequence = modSeq.value()
    // A folder never seen before tells in its own names when each message came (SAVEDATE outlives the index).
    let isFirstSight = view.uidNext == 1
    // Own copies and duplicates in new/ and cur/ share a base: one message.
    for position in 0..<count {
      file(position) { base, name, inNew, odd in
        guard !base.isEmpty, base.count <= NameTable.longest else { return }
        if count < 4096, view.position(ofBase: base) != nil { return }
        var record = Self.record(uid: view.uidNext, name: name, inNew: inNew)
        record.modSeq = sequence
        record.saveSeconds = isFirstSight && name.isOwn ? name.seconds : now
        if let odd {
          record.state.insert(.oddName)
          view.oddNames[record.uid] = odd
        }
        view.append(record, base: base, isSaved: false)
        view.uidNext += 1
      }
    }
  }

  /// What a file's name alone tells.
  static func record(uid: UInt32, name: MaildirName, inNew: Bool) -> MessageRecord {
    var record = MessageRecord(uid: uid)
    record.flags = name.flags
    record.internalSeconds = name.seconds
    if inNew { record.state.insert(.inNew) }
    if let bytes = name.fileBytes {
      record.fileBytes = bytes
      record.wireBytes = name.wireBytes ?? bytes
      if name.wireBytes != nil { record.state.insert(.wireKnown) }
      if name.hasOwnDate, name.wireBytes != nil { record.state.insert(.measured) }
    }
    return record
  }

  /// Sees to it that so many UIDs may be handed out.
  func reserve(_ count: Int, _ view: FolderView, _ index: Index) throws {
    guard let count = UInt32(exactly: count) else { throw StoreError(.limit, "too many messages") }
    guard UInt64(view.uidNext) + UInt64(count) > UInt64(view.reservedEnd) else { return }
    // Blocks grow with the folder, so that a busy one waits for the disk once in a thousand messages.
    let spare = UInt32(min(1024, max(32, view.records.count)))
    let (wanted, overflow) = count.addingReportingOverflow(spare)
    guard !overflow else { throw StoreError(.limit, "no UIDs left") }
    try index.reserve(view, count: wanted)
  }

  private func apply(_ events: [FolderEvent], to view: FolderView, _ index: Index) throws {
    let modSeq = LazyModSeq(view: view, now: host.time.now.milliseconds)
    var gone: Set<UInt32> = []
    var mustLook = false
    for event in events {
      var name = event.name
      let path = "\(view.path)/\(event.inNew ? "new" : "cur")/\(name)"
      let (parsed, position) = name.withUTF8 { octets in
        let raw = UnsafeRawBufferPointer(octets)
        let parsed = MaildirName(raw, inNew: event.inNew)
        return (parsed, view.position(ofBase: UnsafeRawBufferPointer(rebasing: raw[..<parsed.baseCount])))
      }
      if let position, view.records[position].state.contains(.inNew) == event.inNew,
        view.fileName(position) == event.name
      {
        // The file is where the view says, unless this event says that it left.
        if event.appeared {
          gone.remove(view.records[position].uid)
        } else if !FileSystem.exists(path) {
          if event.byRename { mustLook = true }
          gone.insert(view.records[position].uid)
        }
        continue
      }
      guard event.appeared, FileSystem.exists(path) else { continue }
      if let position {
        gone.remove(view.records[position].uid)
        relocate(
          view, position, name: parsed, inNew: event.inNew, odd: parsed.isCanonical ? nil : event.name, modSeq: modSeq)
      } else {
        try add(1, to: view, index, modSeq: modSeq) { _, body in
          name.withUTF8 { octets in
            let raw = UnsafeRawBufferPointer(octets)
            body(
              UnsafeRawBufferPointer(rebasing: raw[..<parsed.baseCount]), parsed, event.inNew,
              parsed.isCanonical ? nil : event.name)
          }
        }
      }
    }
    if mustLook, !gone.isEmpty {
      // Renamed away and not seen under a new name: only a listing tells whether it left the folder.
      try reconcile(view, index)
      return
    }
    let positions = gone.compactMap { view.position(of: $0) }.sorted()
    if !positions.isEmpty { view.remove(positions, modSeq: modSeq.value()) }
    try save(view, index)
  }
}

/// One MODSEQ for a batch of changes, taken only when something changed.
final class LazyModSeq {
  private let view: FolderView
  private let now: Int64
  private var taken: UInt64?

  init(view: FolderView, now: Int64) {
    self.view = view
    self.now = now
  }

  func value() -> UInt64 {
    if let taken { return taken }
    let made = view.nextModSeq(now: now)
    taken = made
    return made
  }
}
