#if canImport(Glibc)
  import Glibc
#endif

/// Reads standard input by lines, whatever ends them.
struct StandardInput {
  private var buffer: [UInt8] = []
  private var position = 0
  private var isAtEnd = false
  /// The system's error of a read that failed.
  private(set) var failure: Int32?

  /// Octets of a line that are kept; the rest of it is read as another line.
  private static let longestLine = 1 << 20

  /// The next line without LF and CR; `nil` at the end.
  mutating func line() -> [UInt8]? {
    while true {
      if let end = buffer[position...].firstIndex(of: 0x0a) {
        var line = buffer[position..<end]
        position = end + 1
        if line.last == 0x0d { line.removeLast() }
        return Array(line)
      }
      if buffer.count - position >= Self.longestLine || (isAtEnd && position < buffer.count) {
        defer { (buffer, position) = ([], 0) }
        return Array(buffer[position...])
      }
      guard !isAtEnd else { return nil }
      fill()
    }
  }

  private mutating func fill() {
    buffer.removeFirst(position)
    position = 0
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = read(STDIN_FILENO, &chunk, chunk.count)
      if count < 0, errno == EINTR { continue }
      if count < 0 { failure = errno }
      if count <= 0 { isAtEnd = true } else { buffer += chunk.prefix(count) }
      return
    }
  }
}
