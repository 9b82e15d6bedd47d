import Basics
import MailStore

/// One APPEND or REPLACE under way.
struct AppendWork {
  var tag: [UInt8]
  var user: IMAPSession.User
  var place: MailboxPlace
  var mailbox: Mailbox
  /// UID of the message that REPLACE removes.
  var replaced: UInt32?
  var messages: [NewMessage] = []
  /// Keep the spooled files until the store has them.
  var spools: [AppendSpool] = []
  var octets = 0
  /// Octets of messages that are kept in memory.
  var inMemory = 0
}

/// Where in a command with messages the session is: a line, and the literal announced at its end.
final class AppendInput {
  /// The client has left.
  struct Gone: Error {}

  var cursor: ByteCursor
  /// `nil` when the line is the command's last.
  var header: LiteralHeader?

  init(_ line: [UInt8], _ header: LiteralHeader?) {
    cursor = ByteCursor(line)
    self.header = header
  }

  /// Whether the next thing is the announced literal.
  var announcesLiteral: Bool { header.map { $0.start == cursor.position } ?? false }

  /// Goes on to the line behind a literal.
  func go(to line: [UInt8]) {
    cursor = ByteCursor(line)
    header = LiteralHeader(atEndOf: line)
  }
}

extension Range<Int> {
  /// The part of a section's octets that `<origin.count>` asks for.
  func clipped(_ partial: PartialArgument?) -> Range<Int> {
    guard let partial else { return self }
    let start = Swift.min(upperBound, lowerBound + Int(partial.origin))
    return start..<Swift.min(upperBound, start + Int(partial.count))
  }
}

extension DateTimeArgument {
  /// The moment meant.
  var timestamp: Timestamp {
    let days = CivilTime.daysSinceEpoch(year: date.year, month: date.month, day: date.day)
    let seconds = Int64(hour * 3600 + minute * 60 + second - zone * 60)
    return Timestamp(seconds: days * 86_400 + seconds)
  }
}
