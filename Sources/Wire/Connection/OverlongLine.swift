/// What is kept of a line that was too long: enough to tell which command it was, and whether a literal follows it.
package struct OverlongLine: Sendable {
  /// Most octets kept of either end.
  package static let length = 64
  /// How it began.
  package private(set) var head: [UInt8] = []
  /// How it ended, without CRLF.
  package private(set) var tail: [UInt8] = []

  /// Octets it had, a CR at its end included.
  package private(set) var count = 0

  /// Adds octets as they are dropped.
  mutating func add(_ octets: UnsafeRawBufferPointer) {
    count += octets.count
    if head.count < Self.length { head.append(contentsOf: octets.prefix(Self.length - head.count)) }
    // One more, for the CR.
    tail = Array((tail + octets.suffix(Self.length + 1)).suffix(Self.length + 1))
  }

  /// Its LF was found.
  mutating func end() {
    if tail.last == 0x0d {
      tail.removeLast()
      if head.count == tail.count + 1 { head.removeLast() }
    }
    tail = Array(tail.suffix(Self.length))
  }
}
