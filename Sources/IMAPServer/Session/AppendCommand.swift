import Basics
import MailStore
import MailSyntax
import Wire

/// APPEND (RFC 3501 section 6.3.11) with several messages (RFC 3502); they go past the command parser.
extension IMAPSession {
  /// One APPEND under way.
  private struct Append {
    var tag: [UInt8]
    var user: User
    var name: MailboxName
    var mailbox: Mailbox
    var messages: [NewMessage] = []
    /// Keep the spooled files until the store has them.
    var spools: [AppendSpool] = []
    var octets = 0
  }

  /// What the next step of an APPEND found.
  private enum Step {
    /// Another message follows.
    case more(AppendMessageHead, LiteralHeader)
    case complete
    /// All is said and done, or the client is gone.
    case over
  }

  /// Carries out an APPEND of which everything up to its first message is known.
  func append(_ line: [UInt8], _ first: LiteralHeader) async throws {
    let tag = CommandParser.name(of: line)?.tag ?? [UInt8(ascii: "*")]
    var append: Append
    var head: AppendMessageHead
    do {
      (append, head) = try await begin(line, first, tag)
    } catch let error as GrammarError {
      return try await abandon(tag, first, .bad(error.text))
    } catch let refusal as Refusal {
      return try await abandon(tag, first, refusal)
    } catch let error as StoreError {
      return try await abandon(tag, first, refusal(error, creating: true))
    }
    var header = first
    while true {
      switch try await take(header, head, &append) {
      case .more(let nextHead, let nextHeader): (head, header) = (nextHead, nextHeader)
      case .over: return
      case .complete: return try await finish(append)
      }
    }
  }

  private func begin(
    _ line: [UInt8], _ header: LiteralHeader, _ tag: [UInt8]
  ) async throws -> (Append, AppendMessageHead) {
    guard case .complete(let octets, let head) = try AppendHead.parse(line, announcement: header.start) else {
      throw Refusal.bad("Missing message literal")
    }
    let known = try await freshUser()
    let name = try mailboxName(octets)
    let mailbox = try await service.store.mailbox(known.mail, name: name)
    return (Append(tag: tag, user: known, name: name, mailbox: mailbox), head)
  }

  /// Ends an APPEND whose next literal is not wanted.
  private func abandon(_ tag: [UInt8], _ header: LiteralHeader, _ refusal: Refusal) async throws {
    guard let rest = try await refuse(tag, header, refusal) else {
      isEnding = true
      return
    }
    try await handle(rest)
  }

  /// Takes one message and reads what follows it.
  private func take(
    _ header: LiteralHeader, _ head: AppendMessageHead, _ append: inout Append
  ) async throws -> Step {
    if let refusal = try await objection(to: header, append) {
      try await abandon(append.tag, header, refusal)
      return .over
    }
    let count = Int(clamping: header.count)
    let spool = AppendSpool(expecting: count, threshold: limits.appendMemory, directory: settings.spoolDirectory)
    do {
      guard try await fill(spool, header) else {
        isEnding = true
        return .over
      }
      guard !header.isBinary || !spool.hasNUL else {
        // RFC 3516 section 4.3: what cannot be kept as it is must fail.
        return try await giveUp(append)
      }
      append.messages.append(
        NewMessage(
          content: try await spool.content(), flags: FlagWriter.flags(head.flags), keywords: head.flags.keywords,
          internalDate: head.date.map { $0.timestamp }))
    } catch let error as StoreError {
      // What is left of the literal cannot be told apart from commands any more.
      answer(error, tag: append.tag, creating: true)
      bye(.unavailable, "Cannot store messages at the moment")
      return .over
    }
    append.spools.append(spool)
    append.octets += count
    return try await next(append)
  }

  /// Ends an APPEND of binary content; what follows in the command is read and dropped.
  private func giveUp(_ append: Append) async throws -> Step {
    let refusal = Refusal.no(.plain("UNKNOWN-CTE"), "Messages with NUL octets cannot be stored")
    switch try await next(append) {
    case .more(_, let header): try await abandon(append.tag, header, refusal)
    case .complete: answer(refusal, tag: append.tag)
    case .over: break
    }
    return .over
  }

  /// Why a message may not come, told before the client is asked to send it.
  private func objection(to header: LiteralHeader, _ append: Append) async throws -> Refusal? {
    if header.count > UInt64(limits.appendSize) {
      return .no(.tooBig, "Message is larger than \(limits.appendSize) octets")
    }
    if header.count == 0 { return .no(.cannot, "A message cannot be empty") }
    if append.messages.count >= limits.appendMessages { return .no(.limit, "Too many messages in one command") }
    let total = append.octets + Int(clamping: header.count)
    do {
      guard try await service.store.fits(append.user.mail, bytes: total) else {
        return refusal(StoreError(.overQuota, ""), creating: true)
      }
    } catch let error as StoreError {
      return refusal(error, creating: true)
    }
    return nil
  }

  /// Reads a message's octets into its spool; `false` when the client is gone.
  private func fill(_ spool: AppendSpool, _ header: LiteralHeader) async throws -> Bool {
    if !header.isNonSynchronizing {
      out.text("+ Ready for literal data\r\n")
      send()
    }
    var missing = Int(clamping: header.count)
    while missing > 0 {
      var taken: [UInt8] = []
      let isOpen = try await connection.consume(timeout: limits.literalTimeout) { octets in
        let count = min(missing, octets.count)
        taken.append(contentsOf: UnsafeRawBufferPointer(rebasing: octets[..<count]))
        return count
      }
      guard isOpen else { return false }
      missing -= taken.count
      try await spool.add(taken)
    }
    return true
  }

  /// Reads what stands behind a message: the end of the command or the head of another message.
  private func next(_ append: Append) async throws -> Step {
    let line: [UInt8]
    do {
      guard let rest = try await connection.readLine(limit: limits.line, timeout: limits.literalTimeout) else {
        isEnding = true
        return .over
      }
      line = rest
    } catch ConnectionError.lineTooLong {
      answer(.bad("Command line too long"), tag: append.tag)
      return .over
    }
    guard let header = LiteralHeader(atEndOf: line) else {
      if line.allSatisfy({ $0 == UInt8(ascii: " ") }) { return .complete }
      answer(.bad("Unexpected text behind the message"), tag: append.tag)
      return .over
    }
    var cursor = ByteCursor(line)
    do throws(GrammarError) {
      return .more(try cursor.appendMessageHead(announcement: header.start), header)
    } catch {
      try await abandon(append.tag, header, .bad(error.text))
      return .over
    }
  }

  private func finish(_ append: Append) async throws {
    try await answering(append.tag, creating: true) {
      let result = try await append.mailbox.append(append.messages)
      if self.selected?.name == append.name { try await self.sync(allowExpunge: true) }
      var set = ResponseWriter()
      set.numberSet(result.assigned)
      let code = ResponseCode.withText("APPENDUID \(result.uidValidity) \(String(decoding: set.bytes, as: UTF8.self))")
      self.tagged(append.tag, "OK", code, "APPEND completed")
    }
    withExtendedLifetime(append.spools) {}
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
