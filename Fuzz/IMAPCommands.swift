// fuzz-sources: Sources/Basics Sources/MailSyntax Sources/IMAPServer/Grammar
// The IMAP grammar: a command with its literals, an APPEND's head, what LIST patterns match.

/// Reads the input in every way a client's octets are read.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzIMAPCommands(_ data: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
  let bytes = Array(UnsafeBufferPointer(start: data, count: size))
  if let parsed = try? CommandParser.parse(bytes), case .success(let command) = parsed.command { use(command) }
  _ = CommandParser.name(of: bytes)
  if let header = LiteralHeader(atEndOf: bytes) {
    precondition(header.start >= 0 && header.start < bytes.count)
    _ = AppendHead.isMailboxLiteral(bytes, announcement: header.start)
  }
  var cursor = ByteCursor(bytes)
  if (try? cursor.appendHead()) != nil { _ = try? cursor.appendMessageHead() }
  if let url = MessageURL(bytes) { precondition(url.uid > 0 && !url.mailbox.isEmpty) }
  return 0
}

/// Does with a command what the session does without a mailbox.
private func use(_ command: Command) {
  switch command {
  case .fetch(let argument, uid: _): use(argument.set)
  case .store(let argument, uid: _): use(argument.set)
  case .copy(let set, to: _, uid: _), .move(let set, to: _, uid: _): use(set)
  case .expunge(uids: let set?): use(set)
  case .list(let argument):
    for pattern in argument.patterns where pattern.count < 512 {
      let compiled = MailboxPattern(Array(argument.reference.prefix(512)) + pattern)
      _ = compiled.matches(Array(pattern.prefix(64)) + Array("INBOX/a/b".utf8))
      _ = compiled.matches(Array("inbox/Entw&APw-rfe".utf8))
    }
  default: break
  }
}

/// Ranges of a set are ascending and apart from each other, whatever was written.
private func use(_ set: SequenceSet) {
  for star in [UInt32(0), 1, 1000, .max] {
    var last: UInt32?
    for range in set.ranges(star: star) {
      if let last { precondition(range.lowerBound > last) }
      last = range.upperBound
    }
    _ = set.exceeds(star)
  }
}
