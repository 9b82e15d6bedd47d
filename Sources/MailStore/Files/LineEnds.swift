import Glibc

/// Counting and mending line ends: the wire has CRLF, files of other programs often bare LF.
struct LineEndCounter {
  /// LFs seen without a CR before them.
  private(set) var bareLineFeeds = 0
  private var last: UInt8 = 0x0a
  /// Whether the last octet is no line end; nothing at all is not open.
  var isOpenEnded: Bool { last != 0x0a }

  /// Takes the next octets.
  mutating func count(_ bytes: UnsafeRawBufferPointer) {
    guard let start = bytes.baseAddress, !bytes.isEmpty else { return }
    var position = 0
    while position < bytes.count, let found = memchr(start + position, 0x0a, bytes.count - position) {
      let index = UnsafeRawPointer(found) - start
      let before = index > 0 ? bytes[index - 1] : last
      if before != 0x0d { bareLineFeeds += 1 }
      position = index + 1
    }
    last = bytes[bytes.count - 1]
  }

  /// Octets with every bare LF made CRLF.
  static func wire(_ bytes: [UInt8]) -> [UInt8] {
    var counter = LineEndCounter()
    bytes.withUnsafeBytes { counter.count($0) }
    guard counter.bareLineFeeds > 0 else { return bytes }
    var result: [UInt8] = []
    result.reserveCapacity(bytes.count + counter.bareLineFeeds)
    var previous: UInt8 = 0
    for octet in bytes {
      if octet == 0x0a, previous != 0x0d { result.append(0x0d) }
      result.append(octet)
      previous = octet
    }
    return result
  }
}
