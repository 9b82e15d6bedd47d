import Glibc
import NIOCore

/// Octets received and not used yet; cuts lines, and lets go of its memory when empty.
struct LineBuffer {
  private var buffer = ByteBuffer()
  /// Octets at the front that hold no line end, so that a line that drips in is searched once.
  private var searched = 0
  /// Octets of an overlong line dropped so far; `nil` when no line is being swallowed.
  private var swallowed: Int?
  /// Whether the last `consume` took nothing of what is there.
  private(set) var wasRefused = false
  /// How the line began and ended for which `takeLine` last threw `.lineTooLong`.
  private(set) var overlong: OverlongLine?

  /// Number of octets held.
  var count: Int { buffer.readableBytes }

  /// Adds what has come.
  mutating func append(_ more: ByteBuffer) {
    wasRefused = false
    guard buffer.readableBytes > 0 else {
      buffer = more
      searched = 0
      compact()
      return
    }
    if buffer.readerIndex > 0 { buffer.discardReadBytes() }
    var more = more
    buffer.writeBuffer(&more)
  }

  /// Takes a line without its CRLF or LF; `nil` when none is complete.
  ///
  /// - Throws: `ConnectionError.lineTooLong` once the line's end was found and all of it dropped; `.tooMuchInput` when
  ///   that end does not come within `swallowLimit` octets.
  mutating func takeLine(limit: Int, swallowLimit: Int) throws(ConnectionError) -> [UInt8]? {
    let start = swallowed == nil ? searched : 0
    let end = buffer.withUnsafeReadableBytes { octets -> Int? in
      guard octets.count > start, let base = octets.baseAddress,
        let found = memchr(base + start, 0x0a, octets.count - start)
      else { return nil }
      return base.distance(to: UnsafeRawPointer(found))
    }
    wasRefused = false
    guard let end else { return try keepSearching(limit: limit, swallowLimit: swallowLimit) }
    searched = 0
    if swallowed != nil {
      swallowed = nil
      remember(end)
      skip(end + 1)
      overlong?.end()
      throw .lineTooLong
    }
    let line = buffer.withUnsafeReadableBytes { octets -> [UInt8]? in
      let length = end > 0 && octets[end - 1] == 0x0d ? end - 1 : end
      return length > limit ? nil : Array(octets[..<length])
    }
    if line == nil {
      overlong = nil
      remember(end)
      overlong?.end()
    }
    skip(end + 1)
    guard let line else { throw .lineTooLong }
    return line
  }

  /// Lets `body` take octets from the front.
  mutating func consume(_ body: (UnsafeRawBufferPointer) throws -> Int) throws {
    let taken = try buffer.withUnsafeReadableBytes { octets in min(max(try body(octets), 0), octets.count) }
    searched = 0
    swallowed = nil
    wasRefused = taken == 0
    skip(taken)
  }

  /// Takes everything.
  mutating func takeAll() -> ByteBuffer {
    let all = buffer
    self = LineBuffer()
    return all
  }

  private mutating func keepSearching(limit: Int, swallowLimit: Int) throws(ConnectionError) -> [UInt8]? {
    if let dropped = swallowed {
      guard dropped + count <= swallowLimit else { throw .tooMuchInput }
      swallowed = dropped + count
      remember(count)
      skip(count)
    } else if count > limit + 1 {
      // One more than the limit may still be a line of `limit` octets and its CR.
      swallowed = count
      overlong = nil
      remember(count)
      skip(count)
    } else {
      searched = count
      compact()
    }
    return nil
  }

  /// Keeps of an overlong line's next octets what may be asked for.
  private mutating func remember(_ count: Int) {
    var line = overlong ?? OverlongLine()
    buffer.withUnsafeReadableBytes { line.add(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
    overlong = line
  }

  private mutating func skip(_ octets: Int) {
    buffer.moveReaderIndex(forwardBy: octets)
    if buffer.readableBytes == 0 { buffer = ByteBuffer() }
  }

  /// Moves few octets out of a large allocation, so that half a line does not hold a whole read.
  private mutating func compact() {
    guard buffer.readableBytes > 0, buffer.storageCapacity > 4096, buffer.readableBytes < 512 else { return }
    buffer = ByteBuffer(bytes: buffer.readableBytesView)
  }
}
