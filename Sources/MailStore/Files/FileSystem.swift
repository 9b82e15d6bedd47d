import Basics
import Glibc

/// What `stat` says about a file, as far as the store cares.
struct FileFacts: Equatable {
  var size: Int64
  var seconds: Int64
  var nanoseconds: Int64
  var inode: UInt64
  var isDirectory: Bool
  var links: Int

  /// Modification time in nanoseconds since the epoch; saturating.
  var modified: Int64 { seconds.multipliedReportingOverflow(by: 1_000_000_000).partialValue &+ nanoseconds }

  init(_ facts: stat) {
    size = Int64(facts.st_size)
    seconds = Int64(facts.st_mtim.tv_sec)
    nanoseconds = Int64(facts.st_mtim.tv_nsec)
    inode = UInt64(facts.st_ino)
    isDirectory = facts.st_mode & S_IFMT == S_IFDIR
    links = Int(facts.st_nlink)
  }
}

/// Blocking file calls with the house's errors; only for the store's own threads.
enum FileSystem {
  /// An error from `errno`, which must be read before anything else is called.
  static func failure(_ action: String, _ path: String, number: Int32 = errno) -> StoreError {
    StoreError(.temporary, "\(action) \(path): \(String(cString: strerror(number)))")
  }

  static func facts(_ path: String) -> FileFacts? {
    var facts = stat()
    return stat(path, &facts) == 0 ? FileFacts(facts) : nil
  }

  static func facts(descriptor: Int32) -> FileFacts? {
    var facts = stat()
    return fstat(descriptor, &facts) == 0 ? FileFacts(facts) : nil
  }

  static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

  /// Makes a directory unless it is there.
  static func makeDirectory(_ path: String) throws {
    if mkdir(path, 0o700) != 0, errno != EEXIST { throw failure("mkdir", path) }
  }

  /// Makes a directory and those above it.
  static func makePath(_ path: String) throws {
    if mkdir(path, 0o700) == 0 || errno == EEXIST { return }
    guard errno == ENOENT, let cut = path.lastIndex(of: "/"), cut != path.startIndex else {
      throw failure("mkdir", path)
    }
    try makePath(String(path[..<cut]))
    try makeDirectory(path)
  }

  static func syncDirectory(_ path: String) throws {
    let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw failure("open", path) }
    defer { close(descriptor) }
    // EINVAL: the file system cannot sync directories, so there is nothing more to promise.
    if fsync(descriptor) != 0, errno != EINVAL { throw failure("fsync", path) }
  }

  /// Writes all octets, going on after short writes and signals.
  static func writeAll(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer, path: String) throws {
    var done = 0
    while done < bytes.count {
      guard let start = bytes.baseAddress else { return }
      let count = write(descriptor, start + done, bytes.count - done)
      if count < 0 {
        if errno == EINTR { continue }
        throw failure("write", path)
      }
      done += count
    }
  }

  /// Fills a buffer from a position; gives the octets read, fewer only at the end of the file.
  static func readFully(_ descriptor: Int32, _ buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws -> Int {
    var done = 0
    while done < buffer.count {
      guard let start = buffer.baseAddress else { break }
      let count = pread(descriptor, start + done, buffer.count - done, off_t(offset + done))
      if count < 0 {
        if errno == EINTR { continue }
        throw failure("read", "message")
      }
      if count == 0 { break }
      done += count
    }
    return done
  }

  /// A part of an open file; shorter at its end.
  static func read(_ descriptor: Int32, at offset: Int, count: Int) throws -> [UInt8] {
    try [UInt8](unsafeUninitializedCapacity: max(0, count)) { buffer, initialized in
      initialized = try readFully(descriptor, UnsafeMutableRawBufferPointer(buffer), at: offset)
    }
  }

  /// A small file whole; `nil` when it is not there.
  static func contents(_ path: String, limit: Int) throws -> [UInt8]? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      if errno == ENOENT || errno == ENOTDIR { return nil }
      throw failure("open", path)
    }
    defer { close(descriptor) }
    let size = facts(descriptor: descriptor)?.size ?? 0
    guard size <= Int64(limit) else { throw StoreError(.temporary, "\(path) is larger than \(limit) octets") }
    return try read(descriptor, at: 0, count: Int(size))
  }

  /// Replaces a file in one step: written beside it, optionally synced, renamed over it.
  static func replace(_ path: String, with bytes: [UInt8], durable: Bool) throws {
    let temporary = "\(path).\(getpid()).\(UInt32.random(in: 0...UInt32.max)).tmp"
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw failure("create", temporary) }
    do {
      defer { close(descriptor) }
      try bytes.withUnsafeBytes { try writeAll(descriptor, $0, path: temporary) }
      if durable, fsync(descriptor) != 0 { throw failure("fsync", temporary) }
      if rename(temporary, path) != 0 { throw failure("rename", path) }
    } catch {
      unlink(temporary)
      throw error
    }
    if durable, let cut = path.lastIndex(of: "/") { try syncDirectory(String(path[..<cut])) }
  }

  static func move(_ path: String, to target: String) throws {
    if rename(path, target) != 0 { throw failure("rename", path) }
  }

  /// The names in a directory, without `.` and `..`; empty when it is not there.
  static func names(_ path: String) -> [String] {
    DirectoryNames.list(path) ?? []
  }

  /// Removes a directory with all it holds; symbolic links are removed, never followed.
  static func removeTree(_ path: String, depth: Int = 0) throws {
    guard depth < 64 else { throw StoreError(.temporary, "\(path): too deep") }
    var facts = stat()
    guard lstat(path, &facts) == 0 else {
      if errno == ENOENT { return }
      throw failure("lstat", path)
    }
    if facts.st_mode & S_IFMT == S_IFDIR {
      for name in names(path) { try removeTree(path + "/" + name, depth: depth + 1) }
      if rmdir(path) != 0, errno != ENOENT { throw failure("rmdir", path) }
    } else if unlink(path) != 0, errno != ENOENT {
      throw failure("unlink", path)
    }
  }
}
