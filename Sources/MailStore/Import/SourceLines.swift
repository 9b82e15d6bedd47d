import Glibc

/// A file's lines one after the other, however long the file is.
final class SourceLines {
  private let descriptor: Int32
  private let path: String
  private var buffer: [UInt8] = []
  private var position = 0
  private var offset = 0
  private var isAtEnd = false
  /// Lines that were too long to mean anything.
  private(set) var skipped = 0

  private static let chunk = 64 << 10
  /// Longer lines are passed over: file names and numbers are shorter.
  private static let longest = 8 << 10

  /// Opens a regular file below a directory; `nil` when there is none.
  ///
  /// - Throws: `StoreError` when it is there and cannot be read.
  init?(_ directory: SourceDirectory, _ name: String) throws {
    path = "\(directory.path)/\(name)"
    descriptor = openat(directory.descriptor, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
    guard descriptor >= 0 else {
      if errno == ENOENT || errno == ELOOP { return nil }
      throw FileSystem.failure("open", path)
    }
    var facts = stat()
    guard fstat(descriptor, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG else { return nil }
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  /// The next line without its end; `nil` behind the last.
  func next() throws -> ArraySlice<UInt8>? {
    var isTooLong = false
    while true {
      if let end = buffer[position...].firstIndex(of: 0x0a) {
        let line = buffer[position..<end]
        position = end + 1
        if isTooLong || line.count > Self.longest {
          isTooLong = false
          skipped += 1
          continue
        }
        return line.last == 0x0d ? line.dropLast() : line
      }
      if isAtEnd {
        let line = buffer[position...]
        position = buffer.count
        return line.isEmpty || isTooLong || line.count > Self.longest ? nil : line
      }
      if buffer.count - position > Self.longest {
        isTooLong = true
        position = buffer.count
      }
      try fill()
    }
  }

  private func fill() throws {
    buffer.removeSubrange(..<position)
    position = 0
    let more = try FileSystem.read(descriptor, at: offset, count: Self.chunk)
    offset += more.count
    isAtEnd = more.count < Self.chunk
    buffer += more
  }
}

/// Numbers and fields of a line.
extension ArraySlice<UInt8> {
  /// Takes what lies before the next blank, and the blank.
  mutating func popField(_ separator: UInt8 = 0x20) -> ArraySlice<UInt8> {
    let end = firstIndex(of: separator) ?? endIndex
    let field = self[startIndex..<end]
    self = end < endIndex ? self[(end + 1)...] : self[end...]
    return field
  }

  /// The number the octets are, if they are one of 32 bits.
  var number: UInt32? {
    guard (1...10).contains(count) else { return nil }
    var value: UInt64 = 0
    for octet in self {
      guard (0x30...0x39).contains(octet) else { return nil }
      value = value * 10 + UInt64(octet - 0x30)
    }
    return UInt32(exactly: value)
  }

  /// What lies before the `:` that starts a Maildir name's info.
  var base: ArraySlice<UInt8> { prefix { $0 != UInt8(ascii: ":") } }
}
