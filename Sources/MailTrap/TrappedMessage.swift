import Basics
import MailSyntax

/// A message that was caught, without its octets.
package struct TrappedMessage: Sendable, Equatable {
  /// Its id: when it came, and a count.
  package var id: String
  /// When it came.
  package var at: Timestamp
  /// MAIL FROM as it was said, without brackets.
  package var sender: String
  /// RCPT TO as they were said, without brackets.
  package var recipients: [String]
  /// The login, when one was given.
  package var login: String?
  /// The client.
  package var peer: String
  /// EHLO's name.
  package var helo: String
  /// Whether it came under TLS.
  package var isEncrypted: Bool
  /// Octets.
  package var size = 0
  /// Subject, decoded.
  package var subject = ""
  /// From, decoded.
  package var from = ""

  /// The file beside the message: one `key value` line each.
  var envelope: [UInt8] {
    var lines = ["at \(at.milliseconds)", "from \(Self.clean(sender))"]
    lines += recipients.map { "to \(Self.clean($0))" }
    if let login { lines.append("login \(Self.clean(login))") }
    lines += ["peer \(peer)", "helo \(Self.clean(helo))", "tls \(isEncrypted ? "yes" : "no")"]
    return Array((lines.joined(separator: "\n") + "\n").utf8)
  }

  /// Reads the file back; what is missing is empty.
  init(id: String, envelope: [UInt8]) {
    self.init(
      id: id, at: Timestamp(milliseconds: 0), sender: "", recipients: [], peer: "", helo: "", isEncrypted: false)
    for line in String(decoding: envelope, as: UTF8.self).split(separator: "\n") {
      let parts = line.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2 else { continue }
      let value = String(parts[1])
      switch parts[0] {
      case "at": at = Timestamp(milliseconds: Int64(value) ?? 0)
      case "from": sender = value
      case "to": recipients.append(value)
      case "login": login = value
      case "peer": peer = value
      case "helo": helo = value
      case "tls": isEncrypted = value == "yes"
      default: continue
      }
    }
  }

  /// Describes a message that comes in.
  init(
    id: String, at: Timestamp, sender: String, recipients: [String], login: String? = nil, peer: String, helo: String,
    isEncrypted: Bool
  ) {
    self.id = id
    self.at = at
    self.sender = sender
    self.recipients = recipients
    self.login = login
    self.peer = peer
    self.helo = helo
    self.isEncrypted = isEncrypted
  }

  /// Takes what lists show from the message's header.
  mutating func read(_ head: [UInt8]) {
    let header = HeaderSection(head)
    subject = header.decoded("Subject") ?? ""
    from = header.decoded("From") ?? ""
  }

  private static func clean(_ text: String) -> String {
    String(String.UnicodeScalarView(text.unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7f ? "?" : $0 }))
  }
}
