import Basics
import MailStore
import MailSyntax
import Wire

/// APPEND and REPLACE (RFC 3501 section 6.3.11, RFC 8508) with several messages (RFC 3502) or messages put together
/// from others (CATENATE, RFC 4469); they go past the command parser.
extension IMAPSession {
  /// Carries out a command of which everything up to its first literal, or its end, is known.
  func append(_ line: [UInt8], _ first: LiteralHeader?) async throws {
    let tag = CommandParser.name(of: line)?.tag ?? [UInt8(ascii: "*")]
    let input = AppendInput(line, first)
    do {
      var work = try await beginAppend(input, tag)
      repeat { try await takeMessage(input, &work) } while try !atEnd(input, work)
      try await finish(work)
    } catch let error as GrammarError {
      try await abandon(tag, input, .bad(error.text))
    } catch let refusal as Refusal {
      try await abandon(tag, input, refusal)
    } catch let error as StoreError {
      try await abandon(tag, input, refusal(error, creating: true))
      endIfUnusable(error)
    } catch ConnectionError.lineTooLong {
      input.header = LiteralHeader(atEndOf: connection.overlongLine.tail)
      try await abandon(tag, input, .lineTooLong)
    } catch is AppendInput.Gone {
      isEnding = true
    }
  }

  private func beginAppend(_ input: AppendInput, _ tag: [UInt8]) async throws -> AppendWork {
    let head = try input.cursor.appendHead()
    guard try await refreshRights() else { throw Refusal.no(.noPermission, "The mailbox may not be read any more") }
    let replaced = try head.replaced.map { try replacedMessage($0) }
    let known = try await freshUser()
    let place = try await place(head.mailbox, .insert)
    let mailbox = try await service.store.mailbox(place.mail, name: place.name)
    return AppendWork(tag: tag, user: known, place: place, mailbox: mailbox, replaced: replaced)
  }

  /// The UID of the message that REPLACE names, in the selected mailbox.
  private func replacedMessage(_ replaced: AppendHead.Replaced) throws -> UInt32 {
    let view = try writableMailbox([.deleteMessages, .expunge]).view
    guard replaced.isUID || !enabled.uidOnly else { throw Refusal.uidRequired }
    guard let number = replaced.number else {
      guard let last = view.messages.last else { throw Refusal.no(.nonExistent, "The mailbox is empty") }
      return last.uid
    }
    if replaced.isUID {
      guard view.index(of: number) != nil else { throw Refusal.no(.nonExistent, "There is no message of this UID") }
      return number
    }
    guard let index = Int(exactly: number), index <= view.messages.count else {
      throw Refusal.bad("There is no such message sequence number")
    }
    return view.messages[index - 1].uid
  }

  /// Whether the command is over; REPLACE takes one message only.
  private func atEnd(_ input: AppendInput, _ work: AppendWork) throws -> Bool {
    if input.header == nil, (try? input.cursor.expectEnd()) != nil { return true }
    guard work.replaced == nil else { throw GrammarError("REPLACE takes one message") }
    return false
  }

  /// Ends a command whose rest is not wanted.
  private func abandon(_ tag: [UInt8], _ input: AppendInput, _ refusal: Refusal) async throws {
    guard let header = input.header else { return answer(refusal, tag: tag) }
    guard let rest = try await refuse(tag, header, refusal) else {
      isEnding = true
      return
    }
    try await handle(rest)
  }

  // MARK: One message

  private func takeMessage(_ input: AppendInput, _ work: inout AppendWork) async throws {
    let head = try input.cursor.appendMessageHead()
    guard work.messages.count < limits.mostSaved else { throw tooManyToSave() }
    let expected = input.announcesLiteral ? Int(clamping: input.header?.count ?? 0) : 0
    let memory = max(0, min(limits.appendMemory, limits.appendMemoryInAll - work.inMemory))
    var spool = AppendSpool(expecting: expected, threshold: memory, directory: settings.spoolDirectory)
    if input.announcesLiteral {
      try await takeWhole(input, spool, work)
    } else if input.cursor.takeWord("UTF8") {
      // RFC 6855 section 4: the literal stands in parentheses.
      try input.cursor.space()
      try input.cursor.expect(UInt8(ascii: "("))
      guard input.announcesLiteral else { throw GrammarError("Expected a message literal") }
      try await takeWhole(input, spool, work)
      try input.cursor.expect(UInt8(ascii: ")"))
    } else if input.cursor.takeWord("CATENATE") {
      try await catenate(input, spool, work)
    } else {
      throw GrammarError("Expected a message literal")
    }
    // RFC 3501 section 9: a literal is made of CHAR8, which leaves NUL out.
    if spool.hasNUL {
      throw Refusal.bad("A literal may not hold NUL octets; send the message as a binary literal (literal8)")
    }
    if spool.hasBinary { spool = try await encoded(spool, memory: memory) }
    work.messages.append(
      NewMessage(
        content: try await spool.content(),
        flags: FlagWriter.flags(head.flags).intersection(work.place.rights.flags),
        keywords: work.place.rights.contains(.write) ? head.flags.keywords : [],
        internalDate: head.date.map { $0.timestamp }))
    work.spools.append(spool)
    work.octets += spool.size
    work.inMemory += spool.kept
  }

  /// Takes a message that comes as one literal.
  private func takeWhole(_ input: AppendInput, _ spool: AppendSpool, _ work: AppendWork) async throws {
    guard let header = input.header else { throw GrammarError("Expected a message literal") }
    guard header.count > 0 else { throw Refusal.no(.cannot, "A message cannot be empty") }
    try await admit(header.count, spool, work)
    try await fill(spool, input)
  }

  /// Refuses what may not come, before the client is asked to send it.
  private func admit(_ count: UInt64, _ spool: AppendSpool, _ work: AppendWork) async throws {
    let (size, overflow) = UInt64(spool.size).addingReportingOverflow(count)
    guard !overflow, size <= UInt64(limits.appendSize) else {
      throw Refusal.no(.tooBig, "Message is larger than \(limits.appendSize) octets")
    }
    guard try await service.store.fits(work.place.mail, bytes: work.octets + Int(clamping: size)) else {
      throw StoreError(.overQuota, "")
    }
  }

  /// Reads the announced literal into a spool, and the line behind it.
  private func fill(_ spool: AppendSpool, _ input: AppendInput) async throws {
    guard let header = input.header else { return }
    if !header.isNonSynchronizing {
      out.text("+ Ready for literal data\r\n")
      send()
    }
    var missing = Int(clamping: header.count)
    var failure: StoreError?
    while missing > 0 {
      var taken: [UInt8] = []
      let isOpen = try await connection.consume(timeout: limits.literalTimeout) { octets in
        let count = min(missing, octets.count)
        taken.append(contentsOf: UnsafeRawBufferPointer(rebasing: octets[..<count]))
        return count
      }
      guard isOpen else { throw AppendInput.Gone() }
      missing -= taken.count
      do {
        if failure == nil { try await spool.add(taken, isBinary: header.isBinary) }
      } catch let error as StoreError {
        // The rest is read and dropped, so that what follows is known to be commands.
        failure = error
      }
    }
    guard let line = try await connection.readLine(limit: limits.line, timeout: limits.literalTimeout) else {
      throw AppendInput.Gone()
    }
    input.go(to: line)
    if let failure { throw failure }
  }

  // MARK: CATENATE

  private func catenate(_ input: AppendInput, _ spool: AppendSpool, _ work: AppendWork) async throws {
    try input.cursor.space()
    try input.cursor.expect(UInt8(ascii: "("))
    var parts = 0
    repeat {
      parts += 1
      guard parts <= limits.catenatedParts else { throw Refusal.no(.limit, "Too many parts in one CATENATE") }
      if input.cursor.takeWord("URL") {
        try input.cursor.space()
        try await addMessage(at: try await url(input), to: spool, work)
      } else {
        guard input.cursor.takeWord("TEXT") else { throw GrammarError("Expected URL or TEXT") }
        try input.cursor.space()
        guard input.announcesLiteral, let header = input.header else { throw GrammarError("Expected a literal") }
        try await admit(header.count, spool, work)
        try await fill(spool, input)
      }
    } while input.cursor.take(UInt8(ascii: " "))
    try input.cursor.expect(UInt8(ascii: ")"))
    guard spool.size > 0 else { throw Refusal.no(.cannot, "A message cannot be empty") }
  }

  /// A URL as a string or a small literal.
  private func url(_ input: AppendInput) async throws -> [UInt8] {
    guard input.announcesLiteral, let header = input.header else { return try input.cursor.aString() }
    guard header.count <= UInt64(limits.lineBeforeLogin) else { throw Refusal.no(.tooBig, "The URL is too long") }
    let text = AppendSpool(expecting: 0, threshold: limits.lineBeforeLogin, directory: settings.spoolDirectory)
    try await fill(text, input)
    guard case .bytes(let octets) = try await text.content() else { throw Refusal.no(.tooBig, "The URL is too long") }
    return octets
  }

  private func addMessage(at octets: [UInt8], to spool: AppendSpool, _ work: AppendWork) async throws {
    let refusal = Refusal.no(.badURL(octets), "The URL names no part of a message that can be read here")
    guard let url = MessageURL(octets), names(url.authority, work.user) else { throw refusal }
    let content: MessageContentReader
    let found: MessageContentReader.Place
    do {
      let place = try await self.place(try MailboxName(url.mailbox), .read)
      let mailbox = try await service.store.mailbox(place.mail, name: place.name)
      if let wanted = url.uidValidity {
        guard try await mailbox.snapshot().uidValidity == wanted else { throw refusal }
      }
      content = MessageContentReader(try await mailbox.open(url.uid))
      found = try await content.locate(url.section.mimeSection)
    } catch let error as StoreError where error.code != .temporary && error.code != .closed {
      throw refusal
    } catch is Refusal {
      throw refusal
    }
    switch found {
    case .missing: throw refusal
    case .bytes(let bytes):
      let range = (0..<bytes.count).clipped(url.partial)
      try await admit(UInt64(range.count), spool, work)
      try await spool.add(Array(bytes[range]))
    case .range(let whole):
      let range = whole.clipped(url.partial)
      try await admit(UInt64(range.count), spool, work)
      for start in stride(from: range.lowerBound, to: range.upperBound, by: 256 * 1024) {
        try await spool.add(try await content.read(start..<min(range.upperBound, start + 256 * 1024)))
      }
    }
  }

  /// Whether an absolute URL means this host and this user.
  private func names(_ authority: MessageURL.Authority?, _ user: User) -> Bool {
    guard let authority else { return true }
    guard authority.host == settings.hostname.lowercased() else { return false }
    return authority.user.map { (try? LoginName($0).key) == user.account.key } ?? true
  }

  // MARK: The end

  private func finish(_ work: AppendWork) async throws {
    let result = try await work.mailbox.append(work.messages)
    var set = ResponseWriter()
    set.numberSet(result.assigned)
    let code = ResponseCode.withText("APPENDUID \(result.uidValidity) \(String(decoding: set.bytes, as: UTF8.self))")
    withExtendedLifetime(work.spools) {}
    guard let replaced = work.replaced else {
      if selected?.name == work.place.shown { try await sync(allowExpunge: true) }
      return tagged(work.tag, "OK", code, "APPEND completed")
    }
    // RFC 8508 section 3.2: the new message is safe before the old one goes.
    untagged("OK", code, "Replacement message ready")
    // Its client sees the new one come before the old one goes, as in the RFC's example.
    try await sync(allowExpunge: false)
    let current = try currentMailbox()
    _ = try await current.mailbox.remove([replaced])
    try await sync(allowExpunge: true)
    tagged(work.tag, "OK", highestModSeqCode, "REPLACE completed")
  }

  /// HIGHESTMODSEQ for a client that follows it (RFC 7162 section 3.2.7).
  var highestModSeqCode: ResponseCode? {
    guard enabled.condStore, let snapshot = selected?.view.snapshot else { return nil }
    return .withText("HIGHESTMODSEQ \(snapshot.highestModSeq)")
  }
}
