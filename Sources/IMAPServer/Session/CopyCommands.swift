import MailStore

/// COPY and MOVE, by number and by UID (RFC 3501 section 6.4.7, RFC 6851, RFC 4315).
extension IMAPSession {
  func copy(_ set: SequenceSet, to octets: [UInt8], uid: Bool, moves: Bool, _ tag: [UInt8]) async throws {
    let current = try moves ? writableMailbox() : currentMailbox()
    let name = try mailboxName(octets)
    let uids = current.view.uids(try positions(set, uid: uid))
    try await answering(tag, creating: true) {
      let known = try await self.freshUser()
      let target = try await self.service.store.mailbox(known.mail, name: name)
      guard !uids.isEmpty else { return self.tagged(tag, "OK", nil, moves ? "Nothing to move" : "Nothing to copy") }
      guard !moves || name != current.name else {
        throw Refusal.no(.cannot, "Messages are in this mailbox already")
      }
      let result =
        moves
        ? try await current.mailbox.move(uids, to: target)
        : try await current.mailbox.copy(uids, to: target)
      try await self.finishCopy(result, moves: moves, tag)
    }
  }

  private func finishCopy(_ result: UIDAssignment, moves: Bool, _ tag: [UInt8]) async throws {
    let code = result.source.isEmpty ? nil : copyCode(result)
    if moves {
      // RFC 6851 section 4.3: the COPYUID comes before the EXPUNGE responses it explains.
      if let code { untagged("OK", code, "Moved") }
      try await sync(allowExpunge: true)
      return tagged(tag, "OK", highestModSeqCode, "MOVE completed")
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
