#if canImport(Glibc)
  import Glibc
#endif

/// Finds the end of DATA and takes the stuffed dots out (RFC 5321 section 4.5.2).
///
/// Only CRLF, dot, CRLF ends the data, and the data's start counts as a line start. Neither `LF . LF`, `LF . CRLF`,
/// `CRLF . LF`, `CR . CR` nor any mixture of them does: what a laxer server would take for the end stays content.
package struct DotDecoder: Sendable {
  private enum State {
    /// Behind a CRLF, or at the start.
    case lineStart
    case inLine
    /// Behind a CR inside a line; it has been handed out already.
    case afterCR
    /// Behind a dot at the line's start, which is held back.
    case dot
    /// Behind that dot and a CR, both held back.
    case dotCR
  }
  private var state = State.lineStart

  /// Starts at the first octet behind the 354.
  package init() {}

  /// Decodes the next octets.
  ///
  /// - Parameters:
  ///   - input: what has come in.
  ///   - emit: gets the message's octets in order, in pieces as large as possible.
  /// - Returns: how many octets were taken, and whether the end was among them; what follows it belongs to the next
  ///   command.
  package mutating func decode(
    _ input: UnsafeRawBufferPointer, emit: (UnsafeRawBufferPointer) -> Void
  ) -> (taken: Int, isEnd: Bool) {
    guard let base = input.baseAddress else { return (0, false) }
    let count = input.count
    var pending = 0
    var position = 0
    func flush(upTo end: Int) {
      if end > pending { emit(UnsafeRawBufferPointer(start: base + pending, count: end - pending)) }
    }
    while position < count {
      switch state {
      case .inLine:
        guard let found = memchr(base + position, 0x0a, count - position) else {
          flush(upTo: count)
          if input[count - 1] == 0x0d { state = .afterCR }
          return (count, false)
        }
        let index = UnsafeRawPointer(found) - base
        // The CR of a pair cannot lie before `position`: then the state were `afterCR`.
        if index > position, input[index - 1] == 0x0d { state = .lineStart }
        position = index + 1
      case .afterCR:
        // A lone LF or a second CR is content like any other; `inLine` looks at it again.
        if input[position] == 0x0a {
          state = .lineStart
          position += 1
        } else if input[position] == 0x0d {
          position += 1
        } else {
          state = .inLine
        }
      case .lineStart:
        if input[position] == 0x2e {
          flush(upTo: position)
          position += 1
          pending = position
          state = .dot
        } else {
          state = .inLine
        }
      case .dot:
        if input[position] == 0x0d {
          position += 1
          state = .dotCR
        } else {
          pending = position
          state = .inLine
        }
      case .dotCR:
        if input[position] == 0x0a { return finish(at: position + 1) }
        // The CR was content after all: hand out the one held back, from where it is or from a copy.
        if position > 0 {
          pending = position - 1
        } else {
          withUnsafeBytes(of: UInt8(0x0d)) { emit($0) }
          pending = 0
        }
        state = .afterCR
      }
    }
    switch state {
    case .dot, .dotCR: break
    default: flush(upTo: count)
    }
    return (count, false)
  }

  private mutating func finish(at position: Int) -> (taken: Int, isEnd: Bool) {
    state = .lineStart
    return (position, true)
  }
}
