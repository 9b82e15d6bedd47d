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
    var names: [String] = []
    failure = forEach(directory) { octets in
      guard names.count < most else { return false }
      let name = String(decoding: octets, as: UTF8.self)
      if isWanted(name) { names.append(name) }
      return true
    }
    return failure == 0 ? names : nil
  }

  /// Gives every name but `.` and `..` to `body`; blocks.
  ///
  /// - Parameters:
  ///   - directory: what `opendir` gave.
  ///   - body: gets the octets of a name, and says whether to go on.
  /// - Returns: why the directory could not be read to its end; 0 when nothing failed.
  package static func forEach(
    _ directory: OpaquePointer, _ body: (UnsafeRawBufferPointer) throws -> Bool
  ) rethrows -> CInt {
    // A short entry may end with the block it lies in: only the octets of its name may be read.
    let nameOffset = MemoryLayout<dirent>.offset(of: \dirent.d_name) ?? 19
    while true {
      errno = 0
      guard let entry = readdir(directory) else { return errno }
      let start = UnsafeRawPointer(entry) + nameOffset
      let octets = UnsafeRawBufferPointer(start: start, count: strlen(start.assumingMemoryBound(to: CChar.self)))
      let isDot = octets.count == 1 || octets.count == 2 && octets[1] == UInt8(ascii: ".")
      if isDot, octets[0] == UInt8(ascii: ".") { continue }
      guard try body(octets) else { return 0 }
    }
  }
}
