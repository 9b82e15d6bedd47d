import Basics
import CFiles
import Glibc
import MailSyntax
import Synchronization

/// Where a message lies and what is known of it.
package struct LocatedMessage: Sendable {
  /// Whose place it is.
  package var uid: UInt32
  var folder: FolderPlace
  /// Below the folder's directory: `cur/…` or `new/…`.
  var name: String
  var wireBytes: Int?

  var path: String { "\(folder.path)/\(name)" }

  /// The message as it is sent, when all of it is in the system's memory: never waits for the disk, so that it may be
  /// asked on an event loop.
  ///
  /// - Parameter space: where to put it.
  /// - Returns: its octets; `nil` when it has to be read, converted or looked for, or does not fit with room for
  ///   one more octet.
  package func readCached(into space: UnsafeMutableRawBufferPointer) -> Int? {
    guard let wireBytes, wireBytes > 0, wireBytes < space.count else { return nil }
    let descriptor = cfiles_open_cached(path)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    // One octet more than it should have, to see that it ends there.
    return cfiles_pread_cached(descriptor, space.baseAddress, wireBytes + 1, 0) == wireBytes ? wireBytes : nil
  }
}

/// A message's file just opened; a small one is read in the same step, which spares the reader a second one.
struct OpenedFile: Sendable {
  var descriptor: Int32
  var fileBytes: Int
  var wireBytes: Int?
  var contents: [UInt8]?

  /// Largest file read at once, in octets.
  static let small = 64 << 10
}

/// What reading a file told about it.
struct Measurement: Sendable {
  var uid: UInt32
  var fileBytes: Int
  var wireBytes: Int
  var isOpenEnded: Bool
  var seconds: Int64
}

/// Opening and measuring messages.
extension AccountStore {
  func snapshot(_ key: FolderKey) throws -> MailboxSnapshot {
    try perform { index in
      let view = try view(key, index)
      try sync(view, index)
      return view.snapshot(keywordLimit: host.settings.keywordsPerMailbox)
    }
  }

  /// Takes in changes for listeners; failures show at the next call of a session.
  func refresh(_ key: FolderKey) {
    _ = try? snapshot(key)
  }

  /// Where messages lie.
  ///
  /// - Parameter isForNow: whether they are read at once: then their folder is held open for it.
  func locate(_ key: FolderKey, _ uids: [UInt32], isForNow: Bool = true) throws -> [LocatedMessage] {
    try perform { index in
      let view = try view(key, index)
      let folder = FolderPlace(view.path, opens: isForNow)
      return uids.compactMap { uid in
        guard let position = view.position(of: uid) else { return nil }
        let record = view.records[position]
        return LocatedMessage(
          uid: uid, folder: folder, name: view.nameInFolder(position),
          wireBytes: record.state.contains(.wireKnown) ? Int(record.wireBytes) : nil)
      }
    }
  }

  /// Opens a message's file, looking it up again when another program renamed it.
  func openFile(_ key: FolderKey, _ uid: UInt32) throws -> OpenedFile {
    try perform { index in
      let view = try view(key, index)
      for attempt in 0..<3 {
        guard let position = view.position(of: uid) else { break }
        let record = view.records[position]
        let path = view.filePath(position)
        let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        if descriptor >= 0 {
          return try Self.readSmall(
            descriptor, wireBytes: record.state.contains(.wireKnown) ? Int(record.wireBytes) : nil)
        }
        guard errno == ENOENT, attempt < 2 else { throw FileSystem.failure("open", path) }
        try reconcile(view, index)
        announce(view)
      }
      throw StoreError(.noSuchMessage, "message \(uid) is gone")
    }
  }

  nonisolated func open(_ key: FolderKey, _ uid: UInt32) async throws -> MessageFile {
    guard host.openFiles.load(ordering: .relaxed) < host.settings.openMessageFiles else {
      throw StoreError(.temporary, "too many open messages")
    }
    let file = try await openFile(key, uid)
    if let contents = file.contents {
      let wire = WireForm.convert(contents)
      return MessageFile(
        descriptor: file.descriptor, size: wire.count, fileSize: file.fileBytes,
        isCRLF: wire.count == contents.count, contents: wire, host: host)
    }
    if let wireBytes = file.wireBytes, wireBytes >= file.fileBytes {
      return MessageFile(
        descriptor: file.descriptor, size: wireBytes, fileSize: file.fileBytes, isCRLF: wireBytes == file.fileBytes,
        host: host)
    }
    do {
      let bare = try await host.onFiles { try Self.bareLineFeeds(file.descriptor, size: file.fileBytes) }
      return MessageFile(
        descriptor: file.descriptor, size: file.fileBytes + bare, fileSize: file.fileBytes, isCRLF: bare == 0,
        host: host)
    } catch {
      close(file.descriptor)
      throw error
    }
  }

  private static func readSmall(_ descriptor: Int32, wireBytes: Int?) throws -> OpenedFile {
    do {
      guard let facts = FileSystem.facts(descriptor: descriptor) else { throw FileSystem.failure("fstat", "message") }
      var file = OpenedFile(descriptor: descriptor, fileBytes: Int(facts.size), wireBytes: wireBytes)
      if file.fileBytes <= OpenedFile.small {
        let contents = try FileSystem.read(descriptor, at: 0, count: file.fileBytes)
        file.contents = contents
        file.fileBytes = contents.count
      }
      return file
    } catch {
      close(descriptor)
      throw error
    }
  }

  private static func bareLineFeeds(_ descriptor: Int32, size: Int) throws -> Int {
    var ends = LineEndCounter()
    try withUnsafeTemporaryAllocation(byteCount: 64 << 10, alignment: 64) { buffer in
      var position = 0
      while position < size {
        let count = try FileSystem.readFully(descriptor, buffer, at: position)
        if count == 0 { return }
        ends.count(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        position += count
      }
    }
    return ends.bareLineFeeds
  }

  /// The largest message that is read whole, in octets; the server's own limit lies far below.
  static let largest = 256 << 20

  /// Reads a message's file whole; `nil` when it is not there under that name.
  static func readFile(_ message: LocatedMessage) throws -> [UInt8]? {
    guard let descriptor = try message.folder.open(message.name) else { return nil }
    defer { close(descriptor) }
    if let expected = message.wireBytes, expected < largest {
      // One octet more than it should have shows that this is all, without asking for the size first.
      let bytes = [UInt8](unsafeUninitializedCapacity: expected + 1) { buffer, count in
        count = max(0, pread(descriptor, buffer.baseAddress, expected + 1, 0))
      }
      if bytes.count == expected { return bytes }
    }
    return try readWhole(descriptor, message).bytes
  }

  /// As `readFile`, with the file's date.
  static func readDatedFile(_ message: LocatedMessage) throws -> (bytes: [UInt8], seconds: Int64)? {
    guard let descriptor = try message.folder.open(message.name) else { return nil }
    defer { close(descriptor) }
    return try readWhole(descriptor, message)
  }

  private static func readWhole(
    _ descriptor: CInt, _ message: LocatedMessage
  ) throws -> (bytes: [UInt8], seconds: Int64) {
    guard let facts = FileSystem.facts(descriptor: descriptor) else { throw FileSystem.failure("fstat", message.path) }
    guard facts.size <= Int64(largest) else {
      throw StoreError(.limit, "\(message.path) is too large to be read whole")
    }
    return (try FileSystem.read(descriptor, at: 0, count: Int(facts.size)), facts.seconds)
  }

  /// Whole messages in the order asked, at most so many octets together.
  nonisolated func contents(_ key: FolderKey, _ uids: [UInt32], maximumBytes: Int) async throws -> [MessageContents] {
    let located = try await locate(key, uids)
    host.noteReading(located.count)
    var result: [MessageContents] = []
    var total = 0
    var start = 0
    while start < located.count, total < maximumBytes {
      // A first guess of 4 KiB a message; the bound is kept by stopping, not by guessing right.
      let count = min(located.count - start, max(1, (maximumBytes - total) / 4096), 1024)
      let room = Atomic<Int>(maximumBytes - total)
      let isFirst = start == 0
      let part = try await host.parallel(Array(located[start..<start + count]), chunk: 64, width: 4) {
        message -> (UInt32, [UInt8]?, Bool) in
        if room.load(ordering: .relaxed) <= 0, !(isFirst && message.uid == located[0].uid) {
          return (message.uid, nil, true)
        }
        guard let file = try Self.readFile(message) else { return (message.uid, nil, false) }
        let bytes = message.wireBytes == file.count ? file : WireForm.convert(file)
        room.wrappingSubtract(bytes.count, ordering: .relaxed)
        return (message.uid, bytes, false)
      }
      for (uid, bytes, isSkipped) in part {
        if isSkipped { return result }
        var octets = bytes
        if octets == nil, let file = try? await open(key, uid) { octets = try await file.bytes() }
        guard let octets else { continue }
        result.append(MessageContents(uid: uid, bytes: octets))
        total += octets.count
      }
      start += count
    }
    return result
  }

  // MARK: Sizes and dates

  /// UIDs whose size or date is not exact yet.
  func unmeasured(_ key: FolderKey) throws -> [UInt32] {
    try snapshot(key).messages.compactMap { $0.isMeasured ? nil : $0.uid }
  }

  /// Measures files on the file threads; a file with sizes in its name is only asked for its date.
  nonisolated func measure(_ key: FolderKey, _ uids: [UInt32]) async throws {
    // Some thousands at a time: the paths of a million files would take more memory than all else about them.
    for start in stride(from: 0, to: uids.count, by: Self.measuredAtOnce) {
      try await measure(key, some: Array(uids[start..<min(uids.count, start + Self.measuredAtOnce)]))
    }
  }

  private static let measuredAtOnce = 8192

  private nonisolated func measure(_ key: FolderKey, some uids: [UInt32]) async throws {
    let located = try await locate(key, uids)
    let measured = try await host.parallel(located, chunk: 256) { message -> Measurement? in
      guard let descriptor = try? message.folder.open(message.name) else { return nil }
      defer { close(descriptor) }
      guard let facts = FileSystem.facts(descriptor: descriptor) else { return nil }
      let size = Int(facts.size)
      let wire =
        try message.wireBytes.flatMap { $0 >= size ? $0 : nil } ?? size + Self.bareLineFeeds(descriptor, size: size)
      let end = size > 0 ? try FileSystem.read(descriptor, at: size - 1, count: 1) : []
      return Measurement(
        uid: message.uid, fileBytes: size, wireBytes: wire, isOpenEnded: end != [0x0a], seconds: facts.seconds)
    }
    try await keep(key, measured.compactMap { $0 })
  }

  func keep(_ key: FolderKey, _ measured: [Measurement]) throws {
    guard !measured.isEmpty else { return }
    try perform { index in
      let view = try view(key, index)
      enter(measured, view)
      try save(view, index)
    }
  }

  func enter(_ measured: [Measurement], _ view: FolderView) {
    for measurement in measured {
      guard let position = view.position(of: measurement.uid), !view.records[position].isMeasured else { continue }
      var record = view.records[position]
      record.fileBytes = UInt32(clamping: measurement.fileBytes)
      record.wireBytes = UInt32(clamping: measurement.wireBytes)
      record.internalSeconds = UInt32(clamping: measurement.seconds)
      record.state.formUnion([.measured, .wireKnown])
      if measurement.isOpenEnded { record.state.insert(.openEnded) }
      view.set(position, record)
    }
  }

  func expunged(_ key: FolderKey, since modSeq: UInt64) throws -> ExpungedSince {
    try perform { index in
      let view = try view(key, index)
      guard modSeq >= view.expungedFloor else { return ExpungedSince(isComplete: false, uids: []) }
      var uids: [UInt32] = []
      for run in try index.expunged(key.id, since: modSeq) + view.unsavedExpunges.filter({ $0.modSeq > modSeq }) {
        guard run.first <= run.last, uids.count + Int(run.last - run.first) < 1 << 22 else { continue }
        uids.append(contentsOf: run.first...run.last)
      }
      return ExpungedSince(isComplete: true, uids: uids.sorted())
    }
  }
}
