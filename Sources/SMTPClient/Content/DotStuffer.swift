import NIOCore

#if canImport(Glibc)
  import Glibc
#endif

/// Makes message octets ready for DATA (RFC 5321 section 4.5.2): doubles leading dots, mends line ends, ends with a dot.
///
/// A bare CR or LF never leaves this host: what one server takes for the end of a line and another does not is what
/// SMTP smuggling lives on (CVE-2023-51764).
struct DotStuffer {
  private enum State {
    case lineStart
    case inLine
    /// A CR was seen and is held back until it is known what follows.
    case afterCR
  }
  private var state = State.lineStart

  /// Appends the wire form of the next octets.
  mutating func encode(_ input: UnsafeRawBufferPointer, into output: inout ByteBuffer) {
    guard let base = input.baseAddress else { return }
    let end = input.count
    var position = 0
    while position < end {
      if state == .afterCR {
        output.writeStaticString("\r\n")
        state = .lineStart
        if input[position] == 0x0a { position += 1 }
        continue
      }
      if state == .lineStart {
        if input[position] == 0x2e { output.writeInteger(UInt8(0x2e)) }
        state = .inLine
      }
      position = encodeLine(from: position, base: base, end: end, into: &output)
    }
  }

  /// Copies up to the end of the line or of the input; returns where to go on.
  private mutating func encodeLine(
    from start: Int, base: UnsafeRawPointer, end: Int, into output: inout ByteBuffer
  ) -> Int {
    let feed = memchr(base + start, 0x0a, end - start).map { UnsafeRawPointer($0) - base } ?? end
    let carriage = memchr(base + start, 0x0d, feed - start).map { UnsafeRawPointer($0) - base } ?? feed
    if carriage + 1 == feed, feed < end {
      output.writeBytes(UnsafeRawBufferPointer(start: base + start, count: feed + 1 - start))
      state = .lineStart
      return feed + 1
    }
    output.writeBytes(UnsafeRawBufferPointer(start: base + start, count: carriage - start))
    if carriage < feed {
      state = .afterCR
      return carriage + 1
    }
    guard feed < end else { return end }
    output.writeStaticString("\r\n")
    state = .lineStart
    return feed + 1
  }

  /// Appends the end of the data, with the missing line end before it where there is one.
  mutating func finish(into output: inout ByteBuffer) {
    if state != .lineStart { output.writeStaticString("\r\n") }
    output.writeStaticString(".\r\n")
    state = .lineStart
  }
}
