import MailStore

/// UIDBATCHES (RFC 10022): the UID ranges that hold so many messages each, newest first.
extension IMAPSession {
  func uidBatches(_ argument: UIDBatchesArgument, _ tag: [UInt8]) throws {
    guard argument.size >= limits.uidBatch else {
      throw Refusal.no(.plain("TOOFEW"), "A batch has \(limits.uidBatch) messages at least")
    }
    let size = Int(argument.size)
    let messages = try currentMailbox().view.messages
    var wanted = 1...max(1, (messages.count + size - 1) / size)
    var asked = messages.count
    if let range = argument.range {
      guard range.first <= range.last else {
        throw Refusal(status: .bad, code: .clientBug, text: "The range of batches is reversed")
      }
      wanted = Int(range.first)...Int(range.last)
      let (product, overflow) = wanted.count.multipliedReportingOverflow(by: size)
      asked = overflow ? .max : product
    }
    guard asked <= limits.uidBatchMessages else {
      throw Refusal.no(.plain("TOOMANY"), "Ask for \(limits.uidBatchMessages) messages at most")
    }
    out.text("* UIDBATCHES (TAG ")
    out.string(tag)
    out.octet(UInt8(ascii: ")"))
    var isFirst = true
    for batch in wanted {
      // The newest message of a batch, and of the one behind it.
      let top = messages.count - 1 - (batch - 1) * size
      guard top >= 0 else { break }
      let next = top - size
      out.octet(isFirst ? UInt8(ascii: " ") : UInt8(ascii: ","))
      isFirst = false
      out.number(messages[top].uid)
      out.octet(UInt8(ascii: ":"))
      out.number(next >= 0 ? messages[next].uid + 1 : 1)
    }
    out.endLine()
    tagged(tag, "OK", nil, "UIDBATCHES completed")
  }
}
