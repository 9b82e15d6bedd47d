import Basics
import MailStore
import NIOPosix

#if canImport(Glibc)
  import Glibc
#endif

/// One appended message while it arrives: in memory as long as it is small, then in a file of its own.
///
/// File work runs on a thread pool. The file is removed when the spool is let go.
final class AppendSpool {
  private var memory: [UInt8] = []
  private var descriptor: Int32 = -1
  private(set) var path: String?
  private(set) var size = 0
  /// Whether there is NUL where none may be.
  private(set) var hasNUL = false
  /// Whether a binary literal brought NUL, or CR or LF alone.
  private(set) var hasBinary = false
  private var last: UInt8 = 0
  private let threshold: Int
  private let directory: String

  init(expecting count: Int, threshold: Int, directory: String) {
    self.threshold = threshold
    self.directory = directory
    memory.reserveCapacity(min(count, threshold))
  }

  deinit {
    if descriptor >= 0 { close(descriptor) }
    if let path { unlink(path) }
  }

  /// Takes some octets; a text with NUL is not to be kept, so that its octets need no room.
  ///
  /// - Parameter isBinary: they come in a binary literal (RFC 3516), which may hold any octet.
  func add(_ octets: [UInt8], isBinary: Bool = false) async throws {
    size += octets.count
    if isBinary { noteBinary(octets) } else { hasNUL = hasNUL || octets.contains(0) }
    if hasNUL {
      memory.removeAll()
      return
    }
    memory.append(contentsOf: octets)
    if memory.count > threshold { try await writeOut() }
  }

  private func noteBinary(_ octets: [UInt8]) {
    guard !hasBinary else { return }
    for octet in octets {
      if octet == 0 || (octet == 0x0a) != (last == 0x0d) { hasBinary = true }
      last = octet
    }
  }

  /// Octets that stay in memory.
  var kept: Int { memory.count }

  /// The message, complete; nothing may be added any more.
  func content() async throws -> MessageContent {
    guard path != nil else { return .bytes(memory) }
    try await writeOut()
    memory = []
    // One command may bring more messages than there are descriptors.
    if descriptor >= 0 { close(descriptor) }
    descriptor = -1
    return .file(path: path ?? "", size: size)
  }

  private func writeOut() async throws {
    let octets = memory
    let name = path ?? "\(directory)/imap-\(getpid())-\(UInt64.random(in: 0...UInt64.max))"
    let open = descriptor
    descriptor = try await NIOThreadPool.singleton.runIfActive {
      try Self.write(octets, to: name, open)
    }
    path = name
    memory.removeAll(keepingCapacity: true)
  }

  /// Makes the file, and the folder when it is missing.
  private static func create(_ path: String) -> Int32 {
    let flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC
    let file = Glibc.open(path, flags, 0o600)
    guard file < 0, errno == ENOENT, let cut = path.lastIndex(of: "/") else { return file }
    mkdir(String(path[..<cut]), 0o700)
    return Glibc.open(path, flags, 0o600)
  }

  /// Removes what a killed server left behind; to be called before the first session.
  static func sweep(_ directory: String) {
    let names = DirectoryNames.list(directory) { name in
      let parts = name.split(separator: "-")
      guard parts.count == 3, parts[0] == "imap", let owner = Int32(parts[1]), owner > 0 else { return false }
      return owner == getpid() || (kill(owner, 0) < 0 && errno == ESRCH)
    }
    for name in names ?? [] { unlink("\(directory)/\(name)") }
  }

  /// Appends to the file, which is made first when it is not open.
  private static func write(_ octets: [UInt8], to path: String, _ open: Int32) throws -> Int32 {
    let file = open >= 0 ? open : create(path)
    guard file >= 0 else { throw StoreError(.temporary, "\(path): \(String(cString: strerror(errno)))") }
    var written = 0
    while written < octets.count {
      let count = octets.withUnsafeBytes {
        Glibc.write(file, $0.baseAddress.map { $0 + written }, octets.count - written)
      }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else {
        let reason = String(cString: strerror(errno))
        if open < 0 {
          close(file)
          unlink(path)
        }
        throw StoreError(.temporary, "\(path): \(reason)")
      }
      written += count
    }
    return file
  }
}
