import Glibc

/// The names found in `new/` and `cur/`, in one block of memory.
struct MaildirListing {
  /// One file.
  struct Entry {
    var start: Int
    var count: Int
    var inNew: Bool
    var name: MaildirName
  }
  private(set) var bytes: [UInt8] = []
  private(set) var entries: [Entry] = []

  /// Reads both directories, `new/` first: a message that moves to `cur/` meanwhile is seen at least once.
  ///
  /// - Throws: `StoreError` with code `gone` when the folder is not there.
  init(folder: String, expecting count: Int) throws {
    bytes.reserveCapacity(count * 64)
    entries.reserveCapacity(count + 64)
    try read(folder + "/new", inNew: true)
    try read(folder + "/cur", inNew: false)
  }

  func withName<T>(_ entry: Entry, _ body: (UnsafeRawBufferPointer) -> T) -> T {
    bytes.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[entry.start..<entry.start + entry.count])) }
  }

  func fileName(_ entry: Entry) -> String { withName(entry) { String(decoding: $0, as: UTF8.self) } }

  private mutating func read(_ path: String, inNew: Bool) throws {
    guard let directory = opendir(path) else {
      if errno == ENOENT { throw StoreError(.gone, "\(path) is gone") }
      throw FileSystem.failure("opendir", path)
    }
    defer { closedir(directory) }
    let nameOffset = MemoryLayout<dirent>.offset(of: \dirent.d_name) ?? 19
    while true {
      errno = 0
      guard let entry = readdir(directory) else {
        // A directory read in part would look like expunged mail.
        if errno != 0 { throw FileSystem.failure("readdir", path) }
        return
      }
      let name = UnsafeRawPointer(entry) + nameOffset
      // maildir(5): names that start with a dot are no messages.
      if name.load(as: UInt8.self) == UInt8(ascii: ".") { continue }
      let count = strlen(name.assumingMemoryBound(to: CChar.self))
      let octets = UnsafeRawBufferPointer(start: name, count: count)
      let parsed = MaildirName(octets, inNew: inNew)
      guard parsed.baseCount > 0 else { continue }
      entries.append(Entry(start: bytes.count, count: count, inNew: inNew, name: parsed))
      bytes.append(contentsOf: octets)
    }
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
