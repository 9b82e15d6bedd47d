#if canImport(Glibc)
  import Glibc
#endif

extension MailLog {
  /// Renames a broken database and forgets its journals.
  static func putAside(_ path: String, _ aside: String) throws {
    guard rename(path, aside) == 0 else { throw BrokenLog(path: path, reason: String(cString: strerror(errno))) }
    unlink(path + "-wal")
    unlink(path + "-shm")
  }
}

/// A broken log that could not even be put aside.
struct BrokenLog: Error, CustomStringConvertible {
  let path: String
  let reason: String
  var description: String { "the mail log \(path) is broken and cannot be put aside: \(reason)" }
}
