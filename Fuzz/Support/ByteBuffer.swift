// What `DeflateCodec` uses of SwiftNIO's buffer, so that its harness needs no package.

struct ByteBufferAllocator {
  func buffer(capacity: Int) -> ByteBuffer { ByteBuffer() }
}

struct ByteBuffer {
  private var octets: [UInt8] = []
  private var start = 0

  init() {}

  init(bytes: [UInt8]) { octets = bytes }

  var readableBytes: Int { octets.count - start }
  var bytes: [UInt8] { Array(octets[start...]) }

  mutating func discardReadBytes() {
    octets.removeFirst(start)
    start = 0
  }

  mutating func moveReaderIndex(forwardBy count: Int) {
    precondition(count >= 0 && count <= readableBytes)
    start += count
  }

  mutating func writeBuffer(_ other: inout ByteBuffer) {
    octets += other.bytes
    other.start = other.octets.count
  }

  func withUnsafeReadableBytes<T>(_ body: (UnsafeRawBufferPointer) throws -> T) rethrows -> T {
    try octets.withUnsafeBytes { try body(UnsafeRawBufferPointer(rebasing: $0[start...])) }
  }

  @discardableResult
  mutating func writeWithUnsafeMutableBytes(
    minimumWritableBytes: Int, _ body: (UnsafeMutableRawBufferPointer) -> Int
  ) -> Int {
    var room = [UInt8](repeating: 0, count: minimumWritableBytes)
    let count = room.withUnsafeMutableBytes(body)
    precondition(count >= 0 && count <= room.count)
    octets += room[..<count]
    return count
  }
}
