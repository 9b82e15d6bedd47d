import Basics
import Glibc

/// The names found in `new/` and `cur/`, in one block of memory.
struct MaildirListing {
  /// One file: 8 octets, because a folder may hold a million.
  struct Entry {
    fileprivate var start: UInt32
    fileprivate var count: UInt8
    var inNew: Bool
  }
  private let folder: String
  private(set) var bytes: [UInt8] = []
  private(set) var entries: [Entry] = []

  /// Octets of memory set aside at most before anything is read.
  private static let mostReserved: Int64 = 256 << 20

  /// Reads both directories, `new/` first: a message that moves to `cur/` meanwhile is seen at least once.
  ///
  /// - Throws: `StoreError` with code `gone` when the folder is not there.
  init(folder: String, expecting count: Int) throws {
    self.folder = folder
    // A directory is somewhat larger than the names in it; growing by doubling would take twice as much at the end.
    let sizes = [folder + "/new", folder + "/cur"].compactMap { FileSystem.facts($0)?.size }
    bytes.reserveCapacity(max(count * 64, Int(clamping: min(sizes.reduce(0, +), Self.mostReserved))))
    entries.reserveCapacity(count + 64)
    try read(folder + "/new", inNew: true)
    try read(folder + "/cur", inNew: false)
  }

  func withName<T>(_ entry: Entry, _ body: (UnsafeRawBufferPointer) -> T) -> T {
    let start = Int(entry.start)
    return bytes.withUnsafeBytes {
      body(UnsafeRawBufferPointer(rebasing: $0[start..<start + Int(entry.count)]))
    }
  }

  /// What a file's name tells, read anew each time: kept, it would take more memory than the name.
  func name(_ entry: Entry) -> MaildirName { withName(entry) { MaildirName($0, inNew: entry.inNew) } }

  func fileName(_ entry: Entry) -> String { withName(entry) { String(decoding: $0, as: UTF8.self) } }

  /// Where a file lay when it was listed.
  func path(_ entry: Entry) -> String { "\(folder)/\(entry.inNew ? "new" : "cur")/\(fileName(entry))" }

  /// A file's octets as its name tells them, else as the file system does; 0 when it is gone.
  func fileBytes(_ entry: Entry) -> Int64 {
    name(entry).fileBytes.map(Int64.init) ?? FileSystem.facts(path(entry))?.size ?? 0
  }

  private mutating func read(_ path: String, inNew: Bool) throws {
    guard let directory = opendir(path) else {
      if errno == ENOENT { throw StoreError(.gone, "\(path) is gone") }
      throw FileSystem.failure("opendir", path)
    }
    defer { closedir(directory) }
    // A directory read in part would look like expunged mail.
    errno = try DirectoryNames.forEach(directory) { name in
      // maildir(5): names that start with a dot are no messages; one that starts with its info has no base.
      guard let first = name.first, first != UInt8(ascii: "."), first != UInt8(ascii: ":") else { return true }
      guard let start = UInt32(exactly: bytes.count), let length = UInt8(exactly: name.count) else {
        throw StoreError(.limit, "\(path): too many or too long file names")
      }
      entries.append(Entry(start: start, count: length, inNew: inNew))
      bytes.append(contentsOf: name)
      return true
    }
    if errno != 0 { throw FileSystem.failure("readdir", path) }
  }
}

extension MaildirListing {
  /// Orders two entries by name, for files of the same moment.
  func isBefore(_ left: Int, _ right: Int) -> Bool {
    let (one, two) = (entries[left], entries[right])
    return withName(one) { first in
      withName(two) { second in first.lexicographicallyPrecedes(second) }
    }
  }
}
