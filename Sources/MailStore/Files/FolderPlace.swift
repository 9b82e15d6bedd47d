import Glibc

/// A folder's directory; held open, so that the way to it is not looked up anew for each of its files.
final class FolderPlace: Sendable {
  /// The directory's path.
  let path: String
  private let descriptor: CInt

  /// - Parameter opens: whether to hold it open, while this object lives.
  init(_ path: String, opens: Bool) {
    self.path = path
    descriptor = opens ? Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  /// Opens a file below it for reading; `nil` when there is none of that name.
  ///
  /// - Parameter name: a relative path.
  func open(_ name: String) throws -> CInt? {
    let flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW
    let file = descriptor >= 0 ? openat(descriptor, name, flags) : Glibc.open("\(path)/\(name)", flags)
    if file >= 0 { return file }
    guard errno != ENOENT else { return nil }
    throw FileSystem.failure("open", "\(path)/\(name)")
  }
}
