/// What stands before one message of an APPEND (RFC 3501 section 6.3.11, RFC 3502).
struct AppendMessageHead: Equatable, Sendable {
  var flags = FlagArgument()
  var date: DateTimeArgument?
}

/// How far the head of an APPEND command is known when a line has ended with a literal announcement.
enum AppendHead: Equatable, Sendable {
  /// The mailbox name itself comes as a literal.
  case mailboxIsLiteral
  /// Everything before the first message.
  case complete(mailbox: [UInt8], AppendMessageHead)

  /// Reads `tag SP "APPEND" SP mailbox SP [flag-list SP] [date-time SP]` up to where the literal is announced.
  ///
  /// - Parameters:
  ///   - bytes: the command so far, ending with the announcement.
  ///   - announcement: where the announcement starts.
  static func parse(_ bytes: [UInt8], announcement: Int) throws(GrammarError) -> AppendHead {
    var cursor = ByteCursor(bytes)
    _ = try cursor.tag()
    try cursor.space()
    guard cursor.takeWord("APPEND") else { throw GrammarError("Not an APPEND") }
    try cursor.space()
    if cursor.position == announcement { return .mailboxIsLiteral }
    let mailbox = try cursor.aString()
    return .complete(mailbox: mailbox, try cursor.appendMessageHead(announcement: announcement))
  }
}

extension ByteCursor {
  /// `SP [flag-list SP] [date-time SP]`, which must end where the literal is announced.
  mutating func appendMessageHead(announcement: Int) throws(GrammarError) -> AppendMessageHead {
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
    guard position == announcement else { throw GrammarError("Expected a message literal") }
    return head
  }
}
