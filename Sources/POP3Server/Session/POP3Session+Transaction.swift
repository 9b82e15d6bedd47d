import Basics
import Logging
import MailStore
import MailSyntax
import Wire

/// The TRANSACTION state: what a mailbox holds, as it was at login.
extension POP3Session {
  /// Obeys a command after login.
  func transact(_ command: POP3Command) async throws -> Flow {
    switch command {
    case .stat:
      let (count, octets) = remaining()
      connection.write("+OK \(count) \(octets)\r\n")
    case .list(nil): try await list { "\($0.size)" }
    case .uidl(nil): try await list { $0.uidl }
    case .list(let number?):
      guard let index = message(number) else { return .goOn }
      connection.write("+OK \(index + 1) \(messages[index].size)\r\n")
    case .uidl(let number?):
      guard let index = message(number) else { return .goOn }
      connection.write("+OK \(index + 1) \(messages[index].uidl)\r\n")
    case .retr(let number):
      guard let index = message(number) else { return .goOn }
      return try await retrieve(index)
    case .top(let number, let lines):
      guard let index = message(number) else { return .goOn }
      return try await send(messages[index], lines: lines)
    case .dele(let number):
      guard let index = message(number) else { return .goOn }
      maildrop?.deleted.insert(index)
      ok(.deleted(index + 1))
    case .rset:
      maildrop?.deleted = []
      let (count, octets) = remaining()
      ok(.maildrop(messages: count, octets: octets))
    case .user, .pass, .apop, .auth: return fail(.alreadyAuthorized)
    case .stls, .utf8: return fail(.notNow)
    default: return fail(.unimplemented)
    }
    return .goOn
  }

  private var messages: [POPMessage] { maildrop?.messages ?? [] }

  /// Count and octets of what is not deleted.
  private func remaining() -> (Int, Int) {
    guard let maildrop else { return (0, 0) }
    var octets = 0
    for (index, message) in maildrop.messages.enumerated() where !maildrop.deleted.contains(index) {
      octets &+= message.size
    }
    return (maildrop.messages.count - maildrop.deleted.count, octets)
  }

  /// The place of a message that can be named; otherwise says why not.
  private func message(_ number: POP3Number) -> Int? {
    switch number {
    case .zero: error(.countedFromOne)
    case .huge: error(.notThatMany)
    case .message(let value):
      let index = value - 1
      if !messages.indices.contains(index) {
        error(.notThatMany)
      } else if maildrop?.deleted.contains(index) ?? false {
        error(.alreadyDeleted)
      } else {
        return index
      }
    }
    return nil
  }

  /// A line for each message that is not deleted.
  private func list(_ value: (POPMessage) -> String) async throws {
    guard let maildrop else { return }
    let (count, octets) = remaining()
    ok(.maildrop(messages: count, octets: octets))
    var lines: [UInt8] = []
    for (index, message) in maildrop.messages.enumerated() where !maildrop.deleted.contains(index) {
      lines += "\(index + 1) \(value(message))\r\n".utf8
      guard lines.count >= 32 * 1024 else { continue }
      connection.write(lines)
      lines.removeAll(keepingCapacity: true)
      try await connection.flushIfLarge()
    }
    lines += ".\r\n".utf8
    connection.write(lines)
  }

  /// RETR of a message that fits into memory; those behind it are read along when the client goes through the mailbox.
  private func retrieve(_ index: Int) async throws -> Flow {
    let message = messages[index]
    guard message.size <= settings.wholeMessage else { return try await send(message, lines: nil) }
    let isNext = index == lastRetrieved.map { $0 + 1 } ?? 0
    lastRetrieved = index
    let bytes: [UInt8]
    do {
      if isNext, try await sendCached(index) { return .goOn }
      bytes = try await whole(index, readsAhead: isNext)
    } catch let fault as StoreError {
      return storeFailed(fault)
    }
    if !isUTF8, settings.utf8Delivery == .refuse {
      var header = TopLines(lines: 0)
      if bytes.prefix(header.take(bytes).count).contains(where: { $0 >= 0x80 }) {
        error(.needsUTF8, .utf8)
        return .goOn
      }
    }
    ok(.octets(message.size))
    var stuffing = DotStuffing()
    write(bytes, &stuffing)
    connection.write(stuffing.terminator)
    try await connection.flushIfLarge()
    return .goOn
  }

  /// Sends a message that the system holds in memory, without leaving the event loop.
  ///
  /// - Returns: whether it could be done; nothing has been written when not.
  private func sendCached(_ index: Int) async throws -> Bool {
    let message = messages[index]
    guard readAhead[message.uid] == nil, isUTF8 || settings.utf8Delivery != .refuse else { return false }
    if places[message.uid] == nil, let mailbox = maildrop?.mailbox {
      let next = messages[index...].prefix(settings.placesAhead + 1).map(\.uid)
      places = [:]
      for place in try await mailbox.located(next) { places[place.uid] = place }
    }
    guard let place = places.removeValue(forKey: message.uid) else { return false }
    var terminator = ""
    let beginning = "+OK \(POP3Text.octets(message.size).words(language))\r\n"
    // Room for the dots that are doubled: a message with more of them goes the other way.
    let room = message.size + message.size / 64 + 16
    let isSent = connection.write(beginning, upTo: room) { space in
      guard let count = place.readCached(into: space) else { return nil }
      var stuffing = DotStuffing()
      let stuffed = stuffing.stuff(space, count: count)
      terminator = stuffing.terminator
      return stuffed
    }
    guard isSent else { return false }
    connection.write(terminator)
    try await connection.flushIfLarge()
    return true
  }

  /// A message's octets, from what was read ahead or from the store.
  private func whole(_ index: Int, readsAhead: Bool) async throws -> [UInt8] {
    let message = messages[index]
    if let bytes = readAhead.removeValue(forKey: message.uid) { return bytes }
    readAhead = [:]
    guard let mailbox = maildrop?.mailbox else { throw StoreError(.closed, "no mailbox") }
    var uids = [message.uid]
    if readsAhead {
      var octets = message.size
      for other in messages[(index + 1)...].prefix(settings.readAheadMessages) {
        octets &+= other.size
        if octets > settings.readAheadOctets { break }
        uids.append(other.uid)
      }
    }
    for found in try await mailbox.contents(uids) { readAhead[found.uid] = found.bytes }
    guard let bytes = readAhead.removeValue(forKey: message.uid) else {
      throw StoreError(.noSuchMessage, "message \(message.uid) is gone")
    }
    return bytes
  }

  /// TOP with so many lines of the body, or RETR of a large message, piece by piece.
  private func send(_ message: POPMessage, lines: Int?) async throws -> Flow {
    guard let mailbox = maildrop?.mailbox else { return .end }
    let file: MessageFile
    var piece: [UInt8]
    do {
      file = try await mailbox.open(message.uid)
      // The first octets are read before the reply promises them.
      let first = lines == nil ? settings.readChunk : settings.topChunk
      piece = try await file.read(at: 0, count: min(first, file.size))
      if !isUTF8, settings.utf8Delivery == .refuse, try await needsUTF8(file, piece) {
        error(.needsUTF8, .utf8)
        return .goOn
      }
    } catch let fault as StoreError {
      return storeFailed(fault)
    }
    if lines == nil { ok(.octets(message.size)) } else { ok() }
    var stuffing = DotStuffing()
    var top = lines.map(TopLines.init)
    var offset = 0
    while !piece.isEmpty {
      offset += piece.count
      var isDone = offset >= file.size
      if let (count, isEnd) = top?.take(piece) {
        if count < piece.count { piece.removeLast(piece.count - count) }
        isDone = isDone || isEnd
      }
      write(piece, &stuffing)
      try await connection.flushIfLarge()
      if isDone { break }
      do {
        piece = try await file.read(at: offset, count: min(settings.readChunk, file.size - offset))
      } catch let fault as StoreError {
        // The reply has begun: only a broken connection tells the client that it is not whole.
        connection.log.error("message cannot be read on", metadata: ["error": "\(fault)"])
        connection.close()
        throw fault
      }
    }
    connection.write(stuffing.terminator)
    return .goOn
  }

  private func write(_ piece: [UInt8], _ stuffing: inout DotStuffing) {
    let ranges = stuffing.pieces(piece)
    if ranges.count == 1 {
      connection.write(piece)
      return
    }
    for (index, range) in ranges.enumerated() {
      if index > 0 { connection.write(".") }
      connection.write(piece[range])
    }
  }

  private func storeFailed(_ fault: StoreError) -> Flow {
    switch fault.code {
    case .noSuchMessage:
      error(.gone)
      return .goOn
    case .gone, .closed:
      error(.temporary, .temporary)
      return .end
    default:
      connection.log.error("message cannot be read", metadata: ["error": "\(fault)"])
      error(.temporary, .temporary)
      return .goOn
    }
  }

  /// Whether the header has octets above ASCII (RFC 6856 section 2).
  private func needsUTF8(_ file: MessageFile, _ first: [UInt8]) async throws -> Bool {
    var top = TopLines(lines: 0)
    var piece = first
    var offset = 0
    while !piece.isEmpty {
      let (count, isDone) = top.take(piece)
      if piece.prefix(count).contains(where: { $0 >= 0x80 }) { return true }
      offset += piece.count
      if isDone || offset >= file.size { return false }
      piece = try await file.read(at: offset, count: min(settings.topChunk, file.size - offset))
    }
    return false
  }
}
