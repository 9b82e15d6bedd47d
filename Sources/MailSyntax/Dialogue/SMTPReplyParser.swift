/// Collects a remote server's reply line by line; a reply without end is cut off, not collected.
package struct SMTPReplyParser: Sendable {
  /// What is wrong with a remote server's reply.
  package enum Failure: Error, Hashable, Sendable, CustomStringConvertible {
    /// A line that does not begin with three digits and a space, a hyphen or nothing.
    case malformed(String)
    /// The lines of one reply bear different codes.
    case mixedCodes
    /// More lines or octets than the limits allow.
    case tooLong

    /// A short reason for logs and queue listings.
    package var description: String {
      switch self {
      case .malformed(let line): "malformed reply: \(line)"
      case .mixedCodes: "reply with different codes"
      case .tooLong: "reply without end"
      }
    }
  }

  /// Most lines of one reply.
  package var maximumLines = 128
  /// Most octets of one reply.
  package var maximumLength = 65_536

  private var code = 0
  private var enhanced: String?
  private var lines: [String] = []
  private var length = 0

  /// Makes a parser that waits for a reply's first line.
  package init() {}

  /// Takes one line without its CRLF.
  ///
  /// - Returns: the reply when this was its last line, else `nil`.
  /// - Throws: `Failure`; the parser is then ready for a new reply.
  package mutating func add(_ line: [UInt8]) throws(Failure) -> SMTPReply? {
    let digits = line.prefix(3)
    guard digits.count == 3, digits.allSatisfy(ASCII.isDigit), (0x32...0x35).contains(line[0]),
      line.count == 3 || line[3] == ASCII.space || line[3] == ASCII.hyphen
    else { throw fail(.malformed(Self.shown(line.prefix(80)))) }
    let number = digits.reduce(0) { $0 * 10 + Int($1 &- 0x30) }
    guard lines.isEmpty || number == code else { throw fail(.mixedCodes) }
    length += line.count
    guard lines.count < maximumLines, length <= maximumLength else { throw fail(.tooLong) }
    code = number
    var text = line.dropFirst(4)
    if let (status, rest) = Self.splitEnhanced(text, code: number), lines.isEmpty || status == enhanced {
      enhanced = status
      text = rest
    }
    lines.append(Self.shown(text))
    if line.count > 3, line[3] == ASCII.hyphen { return nil }
    let reply = SMTPReply(code, enhanced, lines: lines)
    reset()
    return reply
  }

  private mutating func reset() {
    code = 0
    enhanced = nil
    lines = []
    length = 0
  }

  private mutating func fail(_ failure: Failure) -> Failure {
    reset()
    return failure
  }

  private static func shown(_ bytes: ArraySlice<UInt8>) -> String {
    String(decoding: bytes.map { ASCII.isControl($0) ? ASCII.question : $0 }, as: UTF8.self)
  }

  /// `2.1.5 text` of RFC 2034, only when its class is the code's.
  private static func splitEnhanced(
    _ text: ArraySlice<UInt8>, code: Int
  ) -> (String, ArraySlice<UInt8>)? {
    let word = text.prefix { $0 != ASCII.space }
    let parts = word.split(separator: ASCII.dot, omittingEmptySubsequences: false)
    guard parts.count == 3, word.count <= 11,
      parts.allSatisfy({ (1...3).contains($0.count) && $0.allSatisfy(ASCII.isDigit) }),
      parts[0].count == 1, parts[0].first.map({ Int($0 &- 0x30) }) == code / 100
    else { return nil }
    return (String(decoding: word, as: UTF8.self), text.dropFirst(word.count + 1))
  }
}
