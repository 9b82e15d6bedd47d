import MailSyntax

/// The text in front of a dropped message: one `key value` line each, ended by a blank line.
enum DropEnvelope {
  static let magic = "martinet-drop 1"
  /// Octets of an envelope that are read.
  static let limit = 1 << 20

  /// The text for a message, blank line included.
  static func text(_ message: LocalMessage) -> [UInt8] {
    var lines = [magic, "from \(message.sender.map { "\($0)" } ?? "")"]
    if let notify = message.notify { lines.append("notify \(notify)") }
    if let dsnReturn = message.dsnReturn { lines.append("ret \(dsnReturn)") }
    if let envelopeID = message.envelopeID { lines.append("envid \(envelopeID)") }
    lines += message.recipients.map { "to \($0)" }
    lines.append("size \(message.content.count)")
    return Array((lines.joined(separator: "\n") + "\n\n").utf8)
  }

  /// Reads what a user wrote; `nil` for anything that is not whole and sound.
  static func parse(_ file: [UInt8], recipientLimit: Int) -> LocalMessage? {
    let head = file.prefix(limit)
    guard let end = blankLine(head), let text = String(validating: head[..<end], as: UTF8.self) else { return nil }
    var lines = text.split(separator: "\n", omittingEmptySubsequences: false)[...]
    guard lines.popFirst().map(String.init) == magic else { return nil }
    var message = LocalMessage(sender: nil, recipients: [], content: [])
    var size: Int?
    var hasSender = false
    for line in lines {
      let parts = line.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2 else { return nil }
      let value = String(parts[1])
      switch parts[0] {
      case "from":
        guard !hasSender else { return nil }
        hasSender = true
        if !value.isEmpty {
          guard let address = try? EmailAddress(value) else { return nil }
          message.sender = address
        }
      case "to":
        guard message.recipients.count < recipientLimit, let address = try? EmailAddress(value) else { return nil }
        message.recipients.append(address)
      case "notify":
        guard DeliveryNotify(parameter: value) != nil else { return nil }
        message.notify = value
      case "ret":
        guard DeliveryReturn(parameter: value) != nil else { return nil }
        message.dsnReturn = value
      case "envid":
        guard value.utf8.count <= 100, value.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) else { return nil }
        message.envelopeID = value
      case "size": size = Int(value)
      default: return nil
      }
    }
    message.content = Array(file[(end + 2)...])
    guard hasSender, !message.recipients.isEmpty, size == message.content.count else { return nil }
    return message
  }

  /// Where two line feeds follow each other.
  private static func blankLine(_ bytes: ArraySlice<UInt8>) -> Int? {
    var index = bytes.startIndex
    while let found = bytes[index...].firstIndex(of: 0x0a) {
      if found + 1 < bytes.endIndex, bytes[found + 1] == 0x0a { return found }
      index = found + 1
    }
    return nil
  }
}
