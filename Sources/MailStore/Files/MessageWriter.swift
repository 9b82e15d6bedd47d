import Basics
import CFiles
import Glibc
import Synchronization

/// A message that lies synced in `tmp/` and waits for its name in `new/` or `cur/`.
struct WrittenMessage: Sendable {
  var temporaryPath: String
  var base: String
  var fileBytes: Int
  var wireBytes: Int
  /// The message does not end with a line end.
  var isOpenEnded = false
  /// The file's date, which is INTERNALDATE.
  var date: Timestamp

  func discard() { unlink(temporaryPath) }
}

/// Where the order of durable steps can be watched by a test.
enum DurableStep: Hashable, Sendable {
  /// The message's octets and size are on disk.
  case fileSynced
  /// The file has its final name.
  case renamed
  /// The final name is on disk.
  case directorySynced
}

/// Counts the messages that somebody waits for, so that background work knows when to step back.
final class WriteMeter: Sendable {
  let count = Atomic<Int>(0)
}

/// Writes messages into Maildirs: tmp, fsync, rename, fsync of the directory, in this order (HOSTILE.md 1).
struct MessageWriter: Sendable {
  let names: NameMaker
  let directories: DirectorySync
  let meter: WriteMeter
  /// Called after each step with the path it was about; tests only.
  let observer: (@Sendable (DurableStep, String) -> Void)?

  /// Writes and syncs a message in `<folder>/tmp`; on failure nothing is left.
  ///
  /// - Parameter isOneOfMany: the disk only begins to write; `sync(_:)` must follow before the message is placed.
  func write(
    _ content: MessageContent, prefix: [UInt8], folder: String, date: Timestamp?, now: Timestamp,
    isOneOfMany: Bool = false
  ) throws -> WrittenMessage {
    meter.count.wrappingAdd(1, ordering: .relaxed)
    let stem = names.stem(now: now, dated: date != nil)
    let path = "\(folder)/tmp/\(stem)"
    let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw FileSystem.failure("create", path) }
    defer { close(descriptor) }
    do {
      var ends = LineEndCounter()
      let size = try fill(descriptor, path: path, content: content, prefix: prefix, ends: &ends)
      let stamp = date ?? now
      let time = timespec(
        tv_sec: Int(stamp.seconds), tv_nsec: Int(stamp.milliseconds - stamp.seconds * 1000) * 1_000_000)
      _ = withUnsafePointer(to: (time, time)) { pair in
        pair.withMemoryRebound(to: timespec.self, capacity: 2) { futimens(descriptor, $0) }
      }
      if isOneOfMany {
        cfiles_start_writing(descriptor)
      } else {
        try sync(descriptor, path)
      }
      let wire = size + ends.bareLineFeeds
      // A name that tells the size on the wire is believed without a look into the file: only where POP3 sends as much.
      let base = NameMaker.base(stem, fileBytes: size, wireBytes: ends.isOpenEnded ? nil : wire)
      return WrittenMessage(
        temporaryPath: path, base: base, fileBytes: size, wireBytes: wire, isOpenEnded: ends.isOpenEnded, date: stamp)
    } catch {
      unlink(path)
      throw error
    }
  }

  /// Makes messages durable that were written as some of many.
  ///
  /// Their octets are on the way already, and the first fsync commits the creation of all: the others find little left.
  func sync(_ messages: [WrittenMessage]) throws {
    for message in messages {
      let descriptor = open(message.temporaryPath, O_RDONLY | O_CLOEXEC)
      guard descriptor >= 0 else { throw FileSystem.failure("open", message.temporaryPath) }
      defer { close(descriptor) }
      try sync(descriptor, message.temporaryPath)
    }
  }

  private func sync(_ descriptor: Int32, _ path: String) throws {
    if fsync(descriptor) != 0 { throw FileSystem.failure("fsync", path) }
    observer?(.fileSynced, path)
  }

  /// Gives a written message its final name; the directory is not yet synced.
  func place(_ message: WrittenMessage, at path: String) throws {
    if rename(message.temporaryPath, path) != 0 {
      let failure = FileSystem.failure("rename", path)
      message.discard()
      throw failure
    }
    observer?(.renamed, path)
  }

  /// Makes the names in a directory durable, together with whoever else waits for it.
  func syncDirectory(_ path: String) throws {
    try directories.sync(path)
    observer?(.directorySynced, path)
  }

  private func fill(
    _ descriptor: Int32, path: String, content: MessageContent, prefix: [UInt8], ends: inout LineEndCounter
  ) throws -> Int {
    prefix.withUnsafeBytes { ends.count($0) }
    switch content {
    case .bytes(let bytes):
      bytes.withUnsafeBytes { ends.count($0) }
      try writeTogether(descriptor, prefix, bytes, path: path)
      return prefix.count + bytes.count
    case .file(let source, let length):
      try prefix.withUnsafeBytes { try FileSystem.writeAll(descriptor, $0, path: path) }
      return prefix.count + (try copy(source, length, to: descriptor, path: path, ends: &ends))
    }
  }

  private func writeTogether(_ descriptor: Int32, _ first: [UInt8], _ second: [UInt8], path: String) throws {
    let total = first.count + second.count
    let written = first.withUnsafeBytes { head in
      second.withUnsafeBytes { tail in
        var parts = [
          iovec(iov_base: UnsafeMutableRawPointer(mutating: head.baseAddress), iov_len: head.count),
          iovec(iov_base: UnsafeMutableRawPointer(mutating: tail.baseAddress), iov_len: tail.count),
        ]
        return parts.withUnsafeMutableBufferPointer { writev(descriptor, $0.baseAddress, 2) }
      }
    }
    if written < 0, errno != EINTR { throw FileSystem.failure("write", path) }
    var done = max(0, written)
    guard done < total else { return }
    if done < first.count {
      try first.withUnsafeBytes {
        try FileSystem.writeAll(descriptor, UnsafeRawBufferPointer(rebasing: $0[done...]), path: path)
      }
      done = first.count
    }
    let rest = done - first.count
    try second.withUnsafeBytes {
      try FileSystem.writeAll(descriptor, UnsafeRawBufferPointer(rebasing: $0[rest...]), path: path)
    }
  }

  /// Copies the message at the start of a file; a queue's file goes on with its envelope.
  private func copy(
    _ source: String, _ length: Int, to descriptor: Int32, path: String, ends: inout LineEndCounter
  ) throws -> Int {
    let input = open(source, O_RDONLY | O_CLOEXEC)
    guard input >= 0 else { throw FileSystem.failure("open", source) }
    defer { close(input) }
    var total = 0
    try withUnsafeTemporaryAllocation(byteCount: 256 << 10, alignment: 64) { buffer in
      while total < length {
        let room = UnsafeMutableRawBufferPointer(rebasing: buffer[..<min(buffer.count, length - total)])
        let count = try FileSystem.readFully(input, room, at: total)
        guard count > 0 else { throw StoreError(.temporary, "\(source) ends before \(length) octets") }
        let part = UnsafeRawBufferPointer(rebasing: buffer[..<count])
        ends.count(part)
        try FileSystem.writeAll(descriptor, part, path: path)
        total += count
      }
    }
    return total
  }
}
