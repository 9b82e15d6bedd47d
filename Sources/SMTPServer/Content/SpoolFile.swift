import Basics
import NIOPosix
import Synchronization

#if canImport(Glibc)
  import Glibc
#endif

/// A message on its way in that is too large for memory; removed when it is let go.
///
/// It is not synced: what must survive is what the acceptor makes of it.
final class SpoolFile: Sendable {
  struct WriteError: Error { var code: Int32 }

  let path: String
  private let descriptor: Int32

  private init(path: String, descriptor: Int32) {
    self.path = path
    self.descriptor = descriptor
  }

  deinit {
    close(descriptor)
    unlink(path)
  }

  /// Creates the file `<directory>/<id>`; its owner alone may read it.
  static func create(directory: String, id: String) throws(WriteError) -> SpoolFile {
    let path = "\(directory)/\(id)"
    let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard descriptor >= 0 else { throw WriteError(code: errno) }
    return SpoolFile(path: path, descriptor: descriptor)
  }

  /// Appends octets; blocks, so it runs on a file thread.
  func append(_ bytes: [UInt8]) throws(WriteError) {
    var written = 0
    while written < bytes.count {
      let count = bytes.withUnsafeBytes { buffer in
        write(descriptor, buffer.baseAddress.map { $0 + written }, buffer.count - written)
      }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw WriteError(code: errno) }
      written += count
    }
  }

  /// Makes the directory, and removes what a killed server left in it.
  ///
  /// Blocks; for the start.
  static func prepare(directory: String) throws(WriteError) {
    var made = ""
    for part in directory.split(separator: "/", omittingEmptySubsequences: false) {
      made += made.isEmpty && part.isEmpty ? "/" : (made.isEmpty || made == "/" ? "\(part)" : "/\(part)")
      if mkdir(made, 0o700) != 0, errno != EEXIST { throw WriteError(code: errno) }
    }
    guard let names = DirectoryNames.list(directory) else { throw WriteError(code: errno) }
    for name in names { unlink("\(directory)/\(name)") }
  }

  /// Octets free in a directory's file system; `nil` when it cannot be asked.
  static func freeSpace(_ directory: String) -> Int? {
    var status = statvfs()
    guard statvfs(directory, &status) == 0 else { return nil }
    let (product, overflow) = Int(clamping: status.f_bavail).multipliedReportingOverflow(
      by: Int(clamping: status.f_frsize))
    return overflow ? .max : product
  }
}
