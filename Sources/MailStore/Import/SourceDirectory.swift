import Basics
import Glibc

/// A directory of the source, held open; what is below it is reached by single names, never through symbolic links.
final class SourceDirectory {
  let descriptor: Int32
  /// For messages to people only.
  let path: String

  private init(descriptor: Int32, path: String) {
    self.descriptor = descriptor
    self.path = path
  }

  /// Opens the directory the owner named; that name alone may be a symbolic link.
  convenience init(_ path: String) throws {
    let descriptor = Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else {
      let reason = String(cString: strerror(errno))
      throw StoreError(errno == ENOENT ? .noSuchFolder : .notAllowed, "\(path): \(reason)")
    }
    self.init(descriptor: descriptor, path: path)
  }

  deinit { close(descriptor) }

  /// A directory in this one; `nil` when there is none, or only a symbolic link.
  func directory(_ name: String) -> SourceDirectory? {
    let found = openat(descriptor, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
    return found >= 0 ? SourceDirectory(descriptor: found, path: "\(path)/\(name)") : nil
  }

  /// A directory some levels below.
  func directory(_ names: [String]) -> SourceDirectory? {
    var found: SourceDirectory? = self
    for name in names { found = found?.directory(name) }
    return found
  }

  /// What a name stands for; symbolic links stand for themselves.
  func facts(_ name: [UInt8]) -> stat? {
    var facts = stat()
    let code = Self.withName(name) { fstatat(descriptor, $0, &facts, AT_SYMLINK_NOFOLLOW) }
    return code == 0 ? facts : nil
  }

  /// Whether a name is a directory, or a symbolic link to one.
  func leadsToDirectory(_ name: [UInt8]) -> Bool {
    var facts = stat()
    return Self.withName(name) { fstatat(descriptor, $0, &facts, 0) } == 0 && facts.st_mode & S_IFMT == S_IFDIR
  }

  /// Opens a file for reading, without waiting and never through a symbolic link; -1 with the reason in `errno`.
  func open(_ name: [UInt8]) -> Int32 {
    Self.withName(name) { openat(descriptor, $0, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC) }
  }

  /// Gives a file a second name; -1 with the reason in `errno`.
  func link(_ name: [UInt8], to path: String) -> Int32 {
    Self.withName(name) { linkat(descriptor, $0, AT_FDCWD, path, 0) }
  }

  /// Removes a file; -1 with the reason in `errno`.
  @discardableResult func remove(_ name: [UInt8]) -> Int32 { Self.withName(name) { unlinkat(descriptor, $0, 0) } }

  /// File names are octets, not text.
  private static func withName<T>(_ name: [UInt8], _ body: (UnsafePointer<CChar>) -> T) -> T {
    (name + [0]).map { CChar(bitPattern: $0) }.withUnsafeBufferPointer { octets in
      octets.baseAddress.map(body) ?? body("")
    }
  }

  /// Gives every name but `.` and `..` to `body`, which stops the listing by throwing.
  func forEachName(_ body: ([UInt8]) throws -> Void) throws {
    // The stream has a place of its own in the directory and closes its descriptor.
    let own = openat(descriptor, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard own >= 0, let stream = fdopendir(own) else {
      let failure = FileSystem.failure("opendir", path)
      if own >= 0 { close(own) }
      throw failure
    }
    defer { closedir(stream) }
    // A directory read in part would look like mail that is gone.
    errno = try DirectoryNames.forEach(stream) { name in
      try body(Array(name))
      return true
    }
    if errno != 0 { throw FileSystem.failure("readdir", path) }
  }
}
