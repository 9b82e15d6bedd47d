#if canImport(Glibc)
  import Glibc
#endif

/// Files small enough to be read whole: configurations, keys, marks.
package enum SmallFile {
  /// The octets of a file.
  ///
  /// - Parameter limit: octets it may have at most.
  /// - Returns: `nil`, with `errno` set, when it cannot be read or is larger (`EFBIG`).
  package static func bytes(_ path: String, limit: Int) -> [UInt8]? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer {
      let reason = errno
      close(descriptor)
      errno = reason
    }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: min(limit, 65_535) + 1)
    while true {
      let count = chunk.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { return nil }
      if count == 0 { return bytes }
      bytes.append(contentsOf: chunk.prefix(count))
      guard bytes.count <= limit else {
        errno = EFBIG
        return nil
      }
    }
  }

  /// The text of a file; octets that are no UTF-8 become replacement characters.
  ///
  /// - Returns: `nil`, with `errno` set, as ``bytes(_:limit:)``.
  package static func text(_ path: String, limit: Int = 4096) -> String? {
    bytes(path, limit: limit).map { String(decoding: $0, as: UTF8.self) }
  }
}
