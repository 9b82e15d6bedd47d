#if canImport(Glibc)
  import Glibc
#endif

/// Makes a message's octets, lines ended by CRLF, fit a multi-line reply: a "." at the start of a line is doubled
/// (RFC 1939 section 3).
///
/// Works on pieces of any size; the state between them is kept here.
struct DotStuffing {
  /// Whether the next octet begins a line.
  private var isAtLineStart = true
  /// The last two octets so far, the later one lower.
  private var tail: UInt16 = 0x0d0a

  /// The ranges of a piece between which a "." has to be added: each but the first begins with the "." to double.
  ///
  /// A piece without such lines, nearly every one, gives itself; base64 costs one `memchr`.
  mutating func pieces(_ bytes: [UInt8]) -> [Range<Int>] {
    guard let last = bytes.last else { return [] }
    var ranges: [Range<Int>] = []
    var start = 0
    if isAtLineStart, bytes[0] == 0x2e { ranges.append(0..<0) }
    bytes.withUnsafeBytes { buffer in
      guard let base = buffer.baseAddress else { return }
      var from = 0
      while from < buffer.count, let hit = memchr(base + from, 0x2e, buffer.count - from) {
        let dot = hit - UnsafeMutableRawPointer(mutating: base)
        if dot > 0, buffer[dot - 1] == 0x0a {
          ranges.append(start..<dot)
          start = dot
        }
        from = dot + 1
      }
    }
    ranges.append(start..<bytes.count)
    isAtLineStart = last == 0x0a
    tail = (bytes.count > 1 ? UInt16(bytes[bytes.count - 2]) : tail & 0xff) << 8 | UInt16(last)
    return ranges
  }

  /// Doubles the dots of a whole message where it lies.
  ///
  /// - Parameters:
  ///   - space: begins with the message; the rest of it is room to grow.
  ///   - count: the message's octets.
  /// - Returns: the octets it has now; `nil` when there is not room enough, the message being unchanged then.
  mutating func stuff(_ space: UnsafeMutableRawBufferPointer, count: Int) -> Int? {
    guard let base = space.baseAddress, count > 0, count <= space.count else { return nil }
    let room = space.count - count
    var dots: [Int] = space[0] == 0x2e ? [0] : []
    var from = 1
    while from < count, let hit = memchr(base + from, 0x2e, count - from) {
      let dot = hit - base
      if space[dot - 1] == 0x0a {
        guard dots.count < room else { return nil }
        dots.append(dot)
      }
      from = dot + 1
    }
    guard dots.count <= room else { return nil }
    tail = (count > 1 ? UInt16(space[count - 2]) : tail & 0xff) << 8 | UInt16(space[count - 1])
    isAtLineStart = space[count - 1] == 0x0a
    let added = dots.count
    var end = count
    while let dot = dots.popLast() {
      // What stands behind this dot, and it, moves by as many octets as dots are doubled up to here.
      memmove(base + dot + dots.count + 1, base + dot, end - dot)
      space[dot + dots.count] = 0x2e
      end = dot
    }
    return count + added
  }

  /// What ends the reply: a CRLF when the message has none at its end, and the line with the ".".
  var terminator: String { tail == 0x0d0a ? ".\r\n" : "\r\n.\r\n" }
}

/// Finds the end of what TOP shows: the header, the empty line, and so many lines of the body (RFC 1939 section 7).
struct TopLines {
  private var remaining: Int
  private var isInHeader = true
  /// Octets of the current header line, CR not counted.
  private var lineLength = 0

  init(lines: Int) { remaining = lines }

  /// How many octets of a piece belong to it, and whether nothing after them does.
  mutating func take(_ bytes: [UInt8]) -> (count: Int, isDone: Bool) {
    if !isInHeader, remaining == 0 { return (0, true) }
    var position = 0
    while position < bytes.count {
      let end = Self.lineEnd(bytes, from: position)
      if isInHeader {
        for octet in bytes[position..<(end ?? bytes.count)] where octet != 0x0d && octet != 0x0a { lineLength += 1 }
      }
      guard let end else { return (bytes.count, false) }
      position = end
      if isInHeader {
        if lineLength == 0 { isInHeader = false }
        lineLength = 0
        if !isInHeader, remaining == 0 { return (position, true) }
      } else {
        remaining -= 1
        if remaining == 0 { return (position, true) }
      }
    }
    return (bytes.count, false)
  }

  /// The position after the next LF.
  private static func lineEnd(_ bytes: [UInt8], from start: Int) -> Int? {
    bytes.withUnsafeBytes { buffer in
      guard let base = buffer.baseAddress, start < buffer.count,
        let hit = memchr(base + start, 0x0a, buffer.count - start)
      else { return nil }
      return hit - UnsafeMutableRawPointer(mutating: base) + 1
    }
  }
}
