import Glibc

/// A locked file that lies in an account while expunged mail is moved back: one that nobody has locked was left behind
/// by a process that was killed, and then nobody knows how much it moved.
final class RestoringMark {
  /// Whether another one did not come to its end.
  let wasInterrupted: Bool
  private let path: String
  private let descriptor: Int32

  /// Waits until nobody else is at it.
  init(_ path: String) throws {
    let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw FileSystem.failure("create", path) }
    while flock(descriptor, LOCK_EX) != 0 {
      guard errno == EINTR else {
        let failure = FileSystem.failure("lock", path)
        close(descriptor)
        throw failure
      }
    }
    wasInterrupted = Self.isWritten(descriptor)
    var octet: UInt8 = 1
    _ = pwrite(descriptor, &octet, 1, 0)
    self.path = path
    self.descriptor = descriptor
  }

  /// Everything has been done and accounted for.
  func end() {
    unlink(path)
    ftruncate(descriptor, 0)
  }

  deinit { close(descriptor) }

  /// Whether a mark was left behind; it is removed then.
  static func takeInterrupted(_ path: String) -> Bool {
    let descriptor = open(path, O_RDWR | O_CLOEXEC)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0, isWritten(descriptor) else { return false }
    unlink(path)
    return true
  }

  private static func isWritten(_ descriptor: Int32) -> Bool {
    (FileSystem.facts(descriptor: descriptor)?.size ?? 0) > 0
  }
}
