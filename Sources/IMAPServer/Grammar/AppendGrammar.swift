/// What stands before one message of an APPEND (RFC 3501 section 6.3.11, RFC 3502).
struct AppendMessageHead: Equatable, Sendable {
  var flags = FlagArgument()
  var date: DateTimeArgument?
}

/// How APPEND and REPLACE begin: everything before the first message.
struct AppendHead: Equatable, Sendable {
  /// The message that REPLACE (RFC 8508) puts another one in place of.
  struct Replaced: Equatable, Sendable {
    /// `nil` stands for `*`.
    var number: UInt32?
    var isUID: Bool
  }

  /// `nil` for APPEND.
  var replaced: Replaced?
  var mailbox: [UInt8]

  /// Whether a command is one of those whose messages go past the parser.
  static func begins(_ line: [UInt8]) -> Bool {
    var cursor = ByteCursor(line)
    return cursor.takesAppendVerb()
  }

  /// Whether the literal announced at the given place is the mailbox name itself.
  static func isMailboxLiteral(_ bytes: [UInt8], announcement: Int) -> Bool {
    var cursor = ByteCursor(bytes)
    return cursor.takesAppendVerb() && cursor.position == announcement
  }
}

extension ByteCursor {
  /// `tag SP "APPEND" SP mailbox`, or REPLACE with the message it replaces.
  mutating func appendHead() throws(GrammarError) -> AppendHead {
    AppendHead(replaced: try appendVerb(), mailbox: try aString())
  }

  /// Whether the verb stands here; the position is behind it then.
  fileprivate mutating func takesAppendVerb() -> Bool {
    do throws(GrammarError) {
      _ = try appendVerb()
      return true
    } catch {
      return false
    }
  }

  /// Up to where the mailbox name begins.
  fileprivate mutating func appendVerb() throws(GrammarError) -> AppendHead.Replaced? {
    _ = try tag()
    try space()
    if takeWord("APPEND") {
      try space()
      return nil
    }
    let isUID = takeWord("UID")
    if isUID { try space() }
    guard takeWord("REPLACE") else { throw GrammarError("Neither APPEND nor REPLACE") }
    try space()
    let number = take(UInt8(ascii: "*")) ? nil : try nonZeroNumber()
    try space()
    return AppendHead.Replaced(number: number, isUID: isUID)
  }

  /// `SP [flag-list SP] [date-time SP]` up to the message's data.
  mutating func appendMessageHead() throws(GrammarError) -> AppendMessageHead {
    var head = AppendMessageHead()
    try space()
    if peek == UInt8(ascii: "(") {
      head.flags = try flags(bare: false)
      try space()
    }
    if peek == UInt8(ascii: "\"") {
      head.date = try dateTime()
      try space()
    }
    return head
  }
}
