import Basics
import Wire

/// What a client has sent, framed: one command with all its literals, or what is left of one.
enum IncomingCommand {
  /// A whole command, literals in place.
  case command([UInt8])
  /// An APPEND or REPLACE up to the announcement of its first literal that is no mailbox name, or to its end.
  case append([UInt8], LiteralHeader?)
  /// A command that was refused for its size; its octets are gone.
  case refused(tag: [UInt8]?, Refusal)
}

/// Framing of commands and literals (RFC 3501 section 2.2, RFC 7888).
extension IMAPSession {
  private var lineLimit: Int { user == nil ? limits.lineBeforeLogin : limits.line }
  private var literalLimit: Int { user == nil ? limits.literalsBeforeLogin : limits.literals }

  /// Waits for the next command; `nil` when the client is gone or the session has to end.
  func nextCommand() async throws -> IncomingCommand? {
    let first: [UInt8]
    do {
      guard let line = try await firstLine() else { return nil }
      first = line
    } catch ConnectionError.lineTooLong {
      return try await overlongCommand()
    }
    let isAppend = user != nil && AppendHead.begins(first)
    guard var header = LiteralHeader(atEndOf: first) else { return isAppend ? .append(first, nil) : .command(first) }
    let (tag, name) = CommandParser.name(of: first) ?? (nil, "")
    var buffer = first
    var literalOctets: UInt64 = 0
    var lineOctets = first.count
    while true {
      if isAppend, !AppendHead.isMailboxLiteral(buffer, announcement: header.start) { return .append(buffer, header) }
      let (total, overflow) = literalOctets.addingReportingOverflow(header.count)
      guard !overflow, total <= UInt64(literalLimit) else {
        return try await refuse(tag, header, Refusal(status: .bad, code: .tooBig, text: "Literal too large"))
      }
      guard !header.isBinary || name == "SETMETADATA" else {
        return try await refuse(tag, header, .bad("A binary literal is not allowed here"))
      }
      literalOctets = total
      buffer.append(0x0d)
      buffer.append(0x0a)
      guard try await readLiteral(header, into: &buffer) else { return nil }
      do {
        guard let rest = try await connection.readLine(limit: lineLimit, timeout: limits.literalTimeout) else {
          return nil
        }
        lineOctets += rest.count
        buffer.append(contentsOf: rest)
        guard lineOctets <= lineLimit else { return try await refuse(tag, after: rest, .lineTooLong) }
        guard let next = LiteralHeader(atEndOf: rest) else {
          return isAppend ? .append(buffer, nil) : .command(buffer)
        }
        header = next
        header.start += buffer.count - rest.count
      } catch ConnectionError.lineTooLong {
        return try await refuse(tag, after: connection.overlongLine.tail, .lineTooLong)
      }
    }
  }

  /// What becomes of a command whose first line is too long.
  ///
  /// A client may say more of itself (RFC 2971 section 3.3: 30 fields of 1024 octets) than is kept before login. It is
  /// for the log only, so that nobody misses it.
  private func overlongCommand() async throws -> IncomingCommand? {
    let line = connection.overlongLine
    // What fills all that is kept may have been cut.
    guard let (tag, name) = CommandParser.name(of: line.head), tag.count + name.count + 1 < line.head.count else {
      return try await refuse(nil, after: line.tail, .lineTooLong)
    }
    if name == "ID", line.count <= limits.line, LiteralHeader(atEndOf: line.tail) == nil {
      return .command(tag + Array(" ID NIL".utf8))
    }
    return try await refuse(tag, after: line.tail, .lineTooLong)
  }

  /// Refuses a command after a line that may announce a literal.
  private func refuse(_ tag: [UInt8]?, after line: [UInt8], _ refusal: Refusal) async throws -> IncomingCommand? {
    guard let header = LiteralHeader(atEndOf: line) else { return .refused(tag: tag, refusal) }
    return try await refuse(tag, header, refusal)
  }

  /// Waits for a command's first line as long as an idle client may be silent, touching the lease in between.
  private func firstLine() async throws -> [UInt8]? {
    guard user != nil else {
      return try await connection.readLine(limit: lineLimit, timeout: limits.loginTimeout)
    }
    let start = service.time.uptime
    while true {
      let silent = service.time.uptime - start
      guard silent < limits.idleTimeout else { throw ConnectionError.timeout }
      var leaseWait = timeToTouchLease()
      if leaseWait <= .zero { leaseWait = try await touchLeaseApart() }
      let wait = min(limits.idleTimeout - silent, leaseWait)
      do {
        switch try await connection.readLine(limit: lineLimit, timeout: wait, or: wakeup) {
        case .line(let line): return line
        case .end: return nil
        case .woken:
          try await connection.apart { try await self.tellBetweenCommands() }
          if isEnding { return nil }
        }
      } catch ConnectionError.timeout where service.time.uptime - start < limits.idleTimeout {
        continue
      }
    }
  }

  private func tellBetweenCommands() async throws {
    if try await accountHasChanged() { isEnding = true } else { try await tellNewsBetweenCommands() }
  }

  /// Asks for a literal when the client waits, and takes its octets.
  ///
  /// - Returns: `false` when the client is gone.
  private func readLiteral(_ header: LiteralHeader, into buffer: inout [UInt8]) async throws -> Bool {
    if !header.isNonSynchronizing {
      out.text("+ Ready for literal data\r\n")
      send()
    }
    var missing = Int(clamping: header.count)
    // A thousand small literals would be a thousand copies of all before them.
    if missing > 4096 { buffer.reserveCapacity(buffer.count + missing + 64) }
    while missing > 0 {
      var taken: [UInt8] = []
      let isOpen = try await connection.consume(timeout: limits.literalTimeout) { octets in
        let count = min(missing, octets.count)
        taken.append(contentsOf: UnsafeRawBufferPointer(rebasing: octets[..<count]))
        return count
      }
      guard isOpen else { return false }
      buffer.append(contentsOf: taken)
      missing -= taken.count
    }
    return true
  }

  /// Refuses a literal: one the client waits with is simply not asked for, any other is read and dropped, with
  /// all that follows in its command, so that none of it runs as a command.
  ///
  /// - Returns: `nil` when the session has to end.
  func refuse(
    _ tag: [UInt8]?, _ first: LiteralHeader, _ refusal: Refusal
  ) async throws -> IncomingCommand? {
    var header = first
    var swallowed: UInt64 = 0
    let limit = UInt64(user == nil ? limits.swallowedBeforeLogin : limits.swallowed)
    while header.isNonSynchronizing {
      let (total, overflow) = swallowed.addingReportingOverflow(header.count)
      guard !overflow, total <= limit else {
        bye(.tooBig, "Literal too large")
        return nil
      }
      swallowed = total
      guard try await drop(header.count) else { return nil }
      do {
        guard let rest = try await connection.readLine(limit: limits.line, timeout: limits.literalTimeout) else {
          return nil
        }
        guard let next = LiteralHeader(atEndOf: rest) else { break }
        header = next
      } catch ConnectionError.lineTooLong {
        guard let next = LiteralHeader(atEndOf: connection.overlongLine.tail) else { break }
        header = next
      }
    }
    return .refused(tag: tag, refusal)
  }

  /// Reads octets and forgets them.
  func drop(_ count: UInt64) async throws -> Bool {
    var missing = count
    while missing > 0 {
      let isOpen = try await connection.consume(timeout: limits.literalTimeout) { octets in
        let taken = min(missing, UInt64(octets.count))
        missing -= taken
        return Int(taken)
      }
      guard isOpen else { return false }
    }
    return true
  }
}
