/// Reads the tokens of a structured header field (RFC 5322 section 3.2, RFC 2045 section 5.1) from left to right.
///
/// Every step moves forward, so that no input costs more than linear time; comments are counted, not recursed into.
struct HeaderLexer {
  let bytes: [UInt8]
  private(set) var index = 0
  /// The text of the last comment that was skipped.
  private(set) var lastComment: [UInt8]?

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  var isAtEnd: Bool { index >= bytes.count }
  var peek: UInt8? { index < bytes.count ? bytes[index] : nil }

  /// Moves on by one octet.
  mutating func advance() { if index < bytes.count { index += 1 } }

  /// Whether a name and its equals sign are next.
  var beginsParameter: Bool {
    var end = index
    while end < bytes.count, ASCII.isToken(bytes[end]) { end += 1 }
    return end > index && end < bytes.count && bytes[end] == ASCII.equals
  }

  /// Takes the octet when it is next.
  mutating func take(_ octet: UInt8) -> Bool {
    guard peek == octet else { return false }
    index += 1
    return true
  }

  mutating func forgetComment() { lastComment = nil }

  /// Skips blanks, line ends, NULs and comments.
  mutating func skipCFWS() {
    while let octet = peek {
      if ASCII.isWhite(octet) || octet == 0 {
        index += 1
      } else if octet == ASCII.open {
        skipComment()
      } else {
        return
      }
    }
  }

  private mutating func skipComment() {
    var depth = 0
    var text: [UInt8] = []
    while let octet = peek {
      index += 1
      if octet == ASCII.backslash, let escaped = peek {
        text.append(escaped)
        index += 1
        continue
      }
      if octet == ASCII.open {
        depth += 1
        if depth == 1 { continue }
      } else if octet == ASCII.close {
        depth -= 1
        if depth == 0 { break }
      }
      text.append(octet)
    }
    lastComment = text
  }

  /// Takes the longest run of octets of a class.
  mutating func takeWhile(_ isIn: (UInt8) -> Bool) -> [UInt8] {
    let start = index
    while index < bytes.count, isIn(bytes[index]) { index += 1 }
    return Array(bytes[start..<index])
  }

  /// Takes a quoted string; the opening quote is next.
  ///
  /// An open end takes all that is left.
  mutating func takeQuotedString() -> [UInt8] {
    var text: [UInt8] = []
    advance()
    while let octet = peek {
      index += 1
      if octet == ASCII.quote { return text }
      if octet == ASCII.backslash, let escaped = peek {
        text.append(escaped)
        index += 1
      } else if octet != ASCII.cr, octet != ASCII.lf {
        text.append(octet)
      }
    }
    return text
  }

  /// Takes `[…]` with its brackets; the opening one is next.
  mutating func takeDomainLiteral() -> [UInt8] {
    var text: [UInt8] = []
    while let octet = peek {
      index += 1
      if octet == ASCII.backslash, let escaped = peek {
        text.append(escaped)
        index += 1
        continue
      }
      if !ASCII.isWhite(octet) { text.append(octet) }
      if octet == ASCII.closeBracket { break }
    }
    return text
  }
}
