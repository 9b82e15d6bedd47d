import Basics

/// The envelope at the end of a message file, from which the queue is rebuilt when its database is lost.
///
/// A file is the message's octets, this trailer, and a last line of fixed length that names the trailer's length; so
/// the message starts at octet 0 and can be sent straight from the file. Values are percent-encoded.
struct EnvelopeTrailer: Sendable {
  /// The database the message was queued in; files of another one are adopted, files of this one without a row are left
  /// over from a crash.
  var generation: String
  /// The envelope; recipient numbers are 0, all of them queued.
  var message: QueuedMessage

  static let footerLength = 15
  static let largest = 64 << 20
  private static let magic = "MQE1"

  func encoded() -> [UInt8] {
    var text = "martinet-envelope 1\n"
    func line(_ key: String, _ values: String?...) {
      text += key
      for value in values { text += " " + (value.map(Self.escape) ?? "-") }
      text += "\n"
    }
    line("generation", generation)
    line("id", message.id)
    line("sender", message.sender)
    line("size", String(message.size))
    line("created", String(message.created.milliseconds))
    line("expires", String(message.expires.milliseconds))
    line("class", String(message.mailClass.rawValue))
    line("account", message.account)
    line("via", message.via)
    line("ret", message.dsnReturn)
    line("envid", message.envelopeID)
    line("traits", String(message.traits.rawValue))
    if message.isHeld { line("held", message.recipients.first?.reply ?? "") }
    for recipient in message.recipients {
      line(
        "to", recipient.address, recipient.destination, recipient.notify, recipient.originalRecipient,
        String(recipient.next.milliseconds))
    }
    let digits = String(text.utf8.count + Self.footerLength)
    text += Self.magic + " " + String(repeating: "0", count: max(0, 9 - digits.count)) + digits + "\n"
    return Array(text.utf8)
  }

  /// The length of the trailer, footer included, that a file's last octets name.
  static func length(footer: [UInt8]) -> Int? {
    guard footer.count == footerLength, footer.last == 0x0a, footer.starts(with: Array((magic + " ").utf8)),
      let length = Int(String(decoding: footer[5..<14], as: UTF8.self)), length > footerLength, length <= largest
    else { return nil }
    return length
  }

  /// Reads a whole trailer; `nil` for anything this type did not write.
  init?(_ bytes: [UInt8]) {
    guard bytes.count > Self.footerLength,
      let text = String(validating: bytes.dropLast(Self.footerLength), as: UTF8.self)
    else { return nil }
    var lines = text.split(separator: "\n")[...]
    guard lines.popFirst() == "martinet-envelope 1" else { return nil }
    var values: [Substring: String] = [:]
    var recipients: [QueuedRecipient] = []
    for line in lines {
      let fields = line.split(separator: " ", omittingEmptySubsequences: false)
      let decoded = fields.dropFirst().map { $0 == "-" ? nil : Self.unescape($0) }
      if fields.first == "to" {
        guard decoded.count == 5, let address = decoded[0], let destination = decoded[1],
          let next = decoded[4].flatMap({ Int64($0) })
        else { return nil }
        recipients.append(
          QueuedRecipient(
            number: 0, address: address, destination: destination, state: .queued, next: Timestamp(milliseconds: next),
            attempts: 0, lastAttempt: nil, reply: "", status: "", remote: "", notify: decoded[2],
            originalRecipient: decoded[3]))
      } else if let key = fields.first, decoded.count == 1, let value = decoded[0] {
        values[key] = value
      }
    }
    guard let generation = values["generation"], let id = values["id"], let sender = values["sender"],
      let size = values["size"].flatMap({ Int($0) }), let created = values["created"].flatMap({ Int64($0) }),
      let expires = values["expires"].flatMap({ Int64($0) }), size >= 0, !recipients.isEmpty
    else { return nil }
    self.generation = generation
    if let reason = values["held"] {
      for index in recipients.indices { (recipients[index].state, recipients[index].reply) = (.held, reason) }
    }
    message = QueuedMessage(
      id: id, sender: sender, size: size, created: Timestamp(milliseconds: created),
      expires: Timestamp(milliseconds: expires),
      mailClass: values["class"].flatMap { Int($0) }.flatMap(MailClass.init(rawValue:)) ?? .normal,
      isHeld: values["held"] != nil,
      account: values["account"], via: values["via"], dsnReturn: values["ret"], envelopeID: values["envid"],
      traits: MessageTraits(rawValue: values["traits"].flatMap { Int($0) } ?? 0), warned: nil, recipients: recipients)
  }

  init(generation: String, message: QueuedMessage) {
    self.generation = generation
    self.message = message
  }

  /// Percent-encodes all but visible ASCII; a lone `-` is encoded too, since it stands for "none".
  private static func escape(_ text: String) -> String {
    if text == "-" { return "%2D" }
    var result: [UInt8] = []
    for octet in text.utf8 {
      if (0x21...0x7e).contains(octet), octet != UInt8(ascii: "%") {
        result.append(octet)
      } else {
        result += [UInt8(ascii: "%"), hex(octet >> 4), hex(octet & 15)]
      }
    }
    return String(decoding: result, as: UTF8.self)
  }

  private static func hex(_ nibble: UInt8) -> UInt8 { nibble < 10 ? 0x30 + nibble : 0x37 + nibble }

  private static func unescape(_ text: Substring) -> String? {
    var result: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let octet = rest.popFirst() {
      guard octet == UInt8(ascii: "%") else {
        result.append(octet)
        continue
      }
      guard rest.count >= 2, let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) else {
        return nil
      }
      result.append(value)
      rest = rest.dropFirst(2)
    }
    return String(validating: result, as: UTF8.self)
  }
}
