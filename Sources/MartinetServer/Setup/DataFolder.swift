import Basics

#if canImport(Glibc)
  import Glibc
#endif

/// The data folder of a host: its layout on disk, its version, and who runs on it.
package struct DataFolder: Sendable {
  /// The layout this build reads and writes; the file `version` holds it.
  package static let version = 1

  /// Absolute path.
  package let path: String

  /// The account database.
  package var accountsDatabase: String { "\(path)/accounts.db" }
  /// The spool.
  package var queue: String { "\(path)/queue" }
  /// The mailboxes.
  package var mail: String { "\(path)/mail" }
  /// Certificates made by `init`.
  package var tls: String { "\(path)/tls" }
  /// Lock and control socket.
  package var run: String { "\(path)/run" }

  /// Names a folder; nothing is touched.
  package init(path: String) { self.path = path }

  /// Makes what is missing and checks the version.
  ///
  /// - Throws: `SetupError` when the folder cannot be made or belongs to another version.
  package func prepare() throws {
    for folder in [path, queue, mail, tls, run] { try Self.makeFolder(folder) }
    if try !checkVersion() { try Self.writeSmallFile("\(path)/version", "\(Self.version)\n") }
  }

  /// Whether the folder says its version, which must be this build's.
  ///
  /// - Throws: `SetupError` for another version.
  @discardableResult func checkVersion() throws -> Bool {
    let file = "\(path)/version"
    guard let text = SmallFile.text(file) else { return false }
    guard let found = Int(text.prefix { $0.isNumber }) else {
      throw SetupError("\(file) holds no number; it should hold \(Self.version)")
    }
    guard found == Self.version else {
      throw SetupError(
        "the data folder \(path) has version \(found), but this martinet reads version \(Self.version); "
          + (found > Self.version ? "install the newer martinet" : "restore it with the martinet that wrote it"))
    }
    return true
  }

  /// Takes the lock that makes this process the only server of the folder.
  ///
  /// - Returns: the descriptor that holds the lock; closing it, or the process's end, gives the lock back.
  /// - Throws: `SetupError` when another server has it.
  func lockForServing() throws -> Int32 {
    let file = "\(run)/martinet.lock"
    let descriptor = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw SetupError("\(file) cannot be opened: \(Self.reason())") }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      let owner = SmallFile.text(file)?.split(separator: "\n").first.map(String.init) ?? "?"
      close(descriptor)
      throw SetupError(
        "another martinet (pid \(owner)) serves the data folder \(path) already; stop it first, or name another folder")
    }
    let text = Array("\(getpid())\n".utf8)
    // Written before it is cut: on a full disk the block it has is not given away first.
    if pwrite(descriptor, text, text.count, 0) != text.count || ftruncate(descriptor, off_t(text.count)) != 0 {
      close(descriptor)
      throw SetupError("\(file) cannot be written: \(Self.reason())")
    }
    return descriptor
  }

  /// Makes a folder and its parents, readable by their owner only when new.
  static func makeFolder(_ path: String) throws {
    var info = stat()
    if stat(path, &info) == 0 {
      guard info.st_mode & S_IFMT == S_IFDIR else {
        throw SetupError("\(path) is in the way: it is no folder; move it away, or name another in \"data\"")
      }
      return
    }
    if let slash = path.lastIndex(of: "/"), slash != path.startIndex { try makeFolder(String(path[..<slash])) }
    guard mkdir(path, 0o750) == 0 || errno == EEXIST else {
      throw SetupError(
        "the folder \(path) cannot be made: \(reason()); make it for uid \(geteuid()), or name another in \"data\"")
    }
  }

  /// Writes a file whole: to a temporary name, synced, renamed.
  package static func writeSmallFile(_ path: String, _ text: String, mode: mode_t = 0o640) throws {
    let temporary = "\(path).new"
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode)
    guard descriptor >= 0 else { throw SetupError("\(path) cannot be written: \(reason())") }
    let bytes = Array(text.utf8)
    var offset = 0
    while offset < bytes.count {
      let count = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress.map { $0 + offset }, bytes.count - offset) }
      guard count > 0 else {
        let why = reason()
        close(descriptor)
        unlink(temporary)
        throw SetupError("\(path) cannot be written: \(why)")
      }
      offset += count
    }
    let synced = fsync(descriptor)
    close(descriptor)
    guard synced == 0, rename(temporary, path) == 0 else { throw SetupError("\(path) cannot be written: \(reason())") }
  }

  static func reason() -> String { String(cString: strerror(errno)) }
}
