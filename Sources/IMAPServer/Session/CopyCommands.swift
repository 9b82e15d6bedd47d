import MailStore

/// COPY and MOVE, by number and by UID (RFC 3501 section 6.4.7, RFC 6851, RFC 4315).
extension IMAPSession {
  func copy(_ set: SequenceSet, to octets: [UInt8], uid: Bool, moves: Bool, _ tag: [UInt8]) async throws {
    let current = try moves ? writableMailbox([.deleteMessages, .expunge]) : currentMailbox()
    let name = try mailboxName(octets)
    var (positions, cutAt) = (try positions(set, uid: uid), UInt32?.none)
    if moves { (positions, cutAt) = withinLimit(positions, current.view) }
    let uids = current.view.uids(positions)
    try await answering(tag, creating: true) {
      _ = try await self.freshUser()
      let place = try await self.place(name, .insert)
      let target = try await self.service.store.mailbox(place.mail, name: place.name)
      guard moves || uids.count <= self.limits.mostSaved else {
        throw self.tooManyToSave(uids[uids.count - self.limits.mostSaved])
      }
      guard !uids.isEmpty else { return self.tagged(tag, "OK", nil, moves ? "Nothing to move" : "Nothing to copy") }
      let result =
        if target.account.directory != current.mailbox.account.directory || !place.rights.allowsAllFlags {
          try await self.copyApart(uids, from: current, to: target, place.rights, moves: moves)
        } else if moves {
          try await current.mailbox.move(uids, to: target)
        } else {
          try await current.mailbox.copy(uids, to: target)
        }
      try await self.finishCopy(result, moves: moves, tag, cutAt: cutAt)
    }
  }

  /// Copies into another account, or without the flags that may not be set there: all or none.
  private func copyApart(
    _ uids: [UInt32], from current: Selected, to target: Mailbox, _ rights: Rights, moves: Bool
  ) async throws -> UIDAssignment {
    var result = UIDAssignment(uidValidity: current.view.snapshot.uidValidity, source: [], assigned: [])
    let snapshot = try await current.mailbox.measuredSnapshot()
    do {
      var rest = uids[...]
      while !rest.isEmpty {
        let contents = try await current.mailbox.contents(Array(rest.prefix(256)))
        guard let last = contents.last?.uid else { break }
        let records = contents.compactMap { content in snapshot.index(of: content.uid).map { snapshot.messages[$0] } }
        guard records.count == contents.count else {
          throw StoreError(.noSuchMessage, "a message was expunged meanwhile")
        }
        let messages = zip(contents, records).map { content, record in
          NewMessage(
            content: .bytes(content.bytes), flags: record.flags.intersection(rights.flags),
            keywords: rights.contains(.write) ? snapshot.keywordNames(record) : [], internalDate: record.internalDate)
        }
        let part = try await target.append(messages)
        result.uidValidity = part.uidValidity
        result.source += contents.map(\.uid)
        result.assigned += part.assigned
        rest = rest.drop { $0 <= last }
      }
    } catch {
      _ = try? await target.remove(result.assigned)
      throw error
    }
    if moves { _ = try await current.mailbox.remove(result.source) }
    return result
  }

  private func finishCopy(_ result: UIDAssignment, moves: Bool, _ tag: [UInt8], cutAt: UInt32?) async throws {
    let code = result.source.isEmpty ? nil : copyCode(result)
    if moves {
      // RFC 6851 section 4.3: the COPYUID comes before the EXPUNGE responses it explains.
      if let code { untagged("OK", code, "Moved") }
      try await sync(allowExpunge: true)
      return tagged(tag, "OK", highestModSeqCode, "MOVE completed", cutAt: cutAt)
    }
    try await syncUnlessPipelined(allowExpunge: true)
    tagged(tag, "OK", code, "COPY completed")
  }

  private func copyCode(_ result: UIDAssignment) -> ResponseCode {
    var sets = ResponseWriter()
    sets.numberSet(result.source)
    sets.space()
    sets.numberSet(result.assigned)
    return .withText("COPYUID \(result.uidValidity) \(String(decoding: sets.bytes, as: UTF8.self))")
  }
}
