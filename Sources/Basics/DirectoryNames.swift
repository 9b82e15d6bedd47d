import Glibc

/// The names of what a directory holds.
package enum DirectoryNames {
  /// Lists a directory; blocks.
  ///
  /// - Parameters:
  ///   - most: names after which the listing ends.
  ///   - isWanted: which names count; `.` and `..` never do.
  /// - Returns: the names as the system orders them; `nil`, with the reason in `errno`, when it cannot be opened or not be
  ///   read to its end.
  package static func list(
    _ path: String, most: Int = .max, where isWanted: (String) -> Bool = { _ in true }
  ) -> [String]? {
    guard let directory = opendir(path) else { return nil }
    var failure: CInt = 0
    defer {
      closedir(directory)
      if failure != 0 { errno = failure }
    }
    // A short entry may end with the block it lies in: only the octets of its name may be read.
    let nameOffset = MemoryLayout<dirent>.offset(of: \dirent.d_name) ?? 19
    var names: [String] = []
    while names.count < most {
      errno = 0
      guard let entry = readdir(directory) else {
        failure = errno
        return failure == 0 ? names : nil
      }
      let start = UnsafeRawPointer(entry) + nameOffset
      let octets = UnsafeRawBufferPointer(start: start, count: strlen(start.assumingMemoryBound(to: CChar.self)))
      let name = String(decoding: octets, as: UTF8.self)
      if name != ".", name != "..", isWanted(name) { names.append(name) }
    }
    return names
  }
}
