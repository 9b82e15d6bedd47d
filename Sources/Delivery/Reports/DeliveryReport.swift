import Basics
import MailSyntax

/// What a report tells about one recipient (RFC 3464 section 2.3).
struct ReportedRecipient: Sendable {
  /// The action field.
  enum Action: String, Sendable { case failed, delayed, delivered, relayed, expanded }

  var address: String
  var originalRecipient: String?
  var action: Action
  var status: String
  /// The host that said so.
  var remote = ""
  /// Its words, on one line, or ours when no host was reached.
  var diagnostic = ""
  /// The paragraph for people: lines without an empty one between.
  var text = ""
  var lastAttempt: Timestamp?
  /// Until when it is tried again; for delays.
  var retryUntil: Timestamp?
}

/// The message a report is about.
struct ReportedMessage: Sendable {
  var id: String
  var sender: String
  var created: Timestamp
  var envelopeID: String?
  var dsnReturn: String?
  var size: Int
  /// The start of the message: its whole header, and the body when it was asked for and small enough.
  var octets: [UInt8]
  /// Whether it came by SMTPUTF8, so that its sender's programs read UTF-8 (RFC 6533).
  var isInternational = false
  /// Whether it demanded TLS on all its road, which its reports then ask for too (RFC 8689 section 5).
  var requiresTLS = false
  /// Whether it waived it, as its reports do then.
  var waivesTLS = false
}

/// The kinds of report.
enum ReportKind: Sendable {
  /// Recipients were given up.
  case failure
  /// Recipients wait.
  case delay
  /// The sender asked to hear of success.
  case success
  /// A report that could not be delivered, for postmaster.
  case doubleBounce
}

/// Writes bounces and other delivery reports: qmail's text for people and parsers, RFC 3464 for programs.
struct ReportWriter: Sendable {
  let hostname: String
  let program: String
  let format: BounceFormat
  let fullLimit: Int

  /// A report as a message.
  ///
  /// - Parameters:
  ///   - to: who gets it.
  ///   - id: its own queue id, for the Message-ID and the boundary.
  func write(
    _ kind: ReportKind, about message: ReportedMessage, recipients: [ReportedRecipient], to: String, id: String,
    now: Timestamp
  ) -> [UInt8] {
    let text = body(kind, message, recipients)
    let header = message.octets.prefix(Self.headerLength(message.octets))
    let whole =
      message.dsnReturn?.uppercased() == "FULL" && message.size <= fullLimit && message.octets.count == message.size
    let copy = whole ? message.octets[...] : header
    var lines = """
      Date: \(MailTime.rfc5322(now))
      From: MAILER-DAEMON@\(hostname)
      To: \(to)
      Message-ID: <\(id).\(now.seconds)@\(hostname)>
      Subject: \(subject(kind))
      Auto-Submitted: auto-replied
      MIME-Version: 1.0

      """
    if message.waivesTLS { lines += "TLS-Required: No\n" }
    if format == .qsbmf, kind != .success {
      lines += "Content-Type: text/plain; charset=\(Self.charset(text, copy))\n"
      lines += "Content-Transfer-Encoding: \(Self.encoding(text, copy))\n\n"
      lines += text + "Return-Path: <\(message.sender)>\n"
      return Self.wire(lines) + copy
    }
    let boundary = "\(id).\(now.seconds)/\(hostname)"
    lines += """
      Content-Type: multipart/report; report-type=delivery-status;
      \tboundary="\(boundary)"

      --\(boundary)
      Content-Description: Notification
      Content-Type: text/plain; charset=\(Self.charset(text, []))
      Content-Transfer-Encoding: \(Self.encoding(text, []))

      \(text)
      --\(boundary)
      Content-Description: Delivery report
      Content-Type: \(Self.statusType(message))

      \(status(message, recipients))
      --\(boundary)
      Content-Description: Undelivered Message\(whole ? "" : " Headers")
      Content-Type: \(Self.copyType(message, whole: whole))
      Content-Transfer-Encoding: \(Self.encoding("", copy))


      """
    var wire = Self.wire(lines) + copy
    if !wire.suffix(2).elementsEqual([13, 10]) { wire += [13, 10] }
    return wire + Array("--\(boundary)--\r\n".utf8)
  }

  private func subject(_ kind: ReportKind) -> String {
    switch kind {
    case .failure, .doubleBounce: "failure notice"
    case .delay: "delay notice"
    case .success: "success notice"
    }
  }

  /// The text for people; each paragraph ends with an empty line.
  private func body(_ kind: ReportKind, _ message: ReportedMessage, _ recipients: [ReportedRecipient]) -> String {
    var text: String
    switch kind {
    case .failure:
      text = """
        Hi. This is the \(program) at \(hostname).
        I'm afraid I wasn't able to deliver your message to the following addresses.
        This is a permanent error; I've given up. Sorry it didn't work out.


        """
    case .doubleBounce:
      text = """
        Hi. This is the \(program) at \(hostname).
        I tried to deliver a bounce message to this address, but the bounce bounced!


        """
    case .delay:
      // Not the words of a failure, since programs that read those would take the address for dead.
      text = """
        This is a warning from the mail system at \(hostname).
        I haven't been able to deliver your message to the following addresses yet.
        I'll keep trying. You do not need to send it again.


        """
    case .success:
      text = """
        This is a notice from the mail system at \(hostname).
        You asked to be told what became of your message.


        """
    }
    for recipient in recipients {
      text += "<\(recipient.address)>:\n"
      let lines = recipient.text.split(separator: "\n").map { $0.isEmpty ? " " : String($0) }
      text += (lines.isEmpty ? [recipient.status] : lines).joined(separator: "\n") + "\n\n"
    }
    switch kind {
    case .failure, .delay: text += "--- Below this line is a copy of the message.\n\n"
    case .doubleBounce: text += "--- Below this line is the original bounce.\n\n"
    case .success: break
    }
    return text
  }

  /// The fields of message/delivery-status.
  private func status(_ message: ReportedMessage, _ recipients: [ReportedRecipient]) -> String {
    var text = "Reporting-MTA: dns; \(hostname)\n"
    if let id = message.envelopeID, let decoded = XText.decode(id) {
      text += "Original-Envelope-Id: \(Self.clean(String(decoding: decoded, as: UTF8.self)))\n"
    }
    text += "X-Queue-ID: \(message.id)\n"
    text += "Arrival-Date: \(MailTime.rfc5322(message.created))\n"
    for recipient in recipients {
      text += "\n"
      if let original = recipient.originalRecipient.flatMap(OriginalRecipient.init(parameter:)) {
        text += "Original-Recipient: \(original.type);\(address(Self.clean(original.address), message))\n"
      }
      let type = recipient.address.utf8.allSatisfy { $0 < 0x80 } ? "rfc822" : "utf-8"
      text += "Final-Recipient: \(type); \(address(recipient.address, message))\n"
      text += "Action: \(recipient.action.rawValue)\nStatus: \(recipient.status)\n"
      if !recipient.remote.isEmpty { text += "Remote-MTA: dns; \(recipient.remote)\n" }
      if !recipient.diagnostic.isEmpty {
        let kind = recipient.remote.isEmpty ? "X-Martinet" : "smtp"
        let words = Self.clean(recipient.diagnostic)
        let said = message.isInternational ? words : Self.ascii(words)
        text += Self.folded("Diagnostic-Code: \(kind); \(said)") + "\n"
      }
      if let last = recipient.lastAttempt { text += "Last-Attempt-Date: \(MailTime.rfc5322(last))\n" }
      if let until = recipient.retryUntil { text += "Will-Retry-Until: \(MailTime.rfc5322(until))\n" }
    }
    return text
  }

  private static func statusType(_ message: ReportedMessage) -> String {
    guard message.isInternational else { return "message/delivery-status" }
    return "message/global-delivery-status\nContent-Transfer-Encoding: 8bit"
  }

  /// The type of the copy: what came by SMTPUTF8 and has UTF-8 in it goes back as such (RFC 6533 section 6).
  private static func copyType(_ message: ReportedMessage, whole: Bool) -> String {
    guard message.isInternational else { return whole ? "message/rfc822" : "text/rfc822-headers" }
    return whole ? "message/global" : "message/global-headers"
  }

  /// An address as it may stand in the status: as it is, or by the escapes of RFC 6533 section 3.
  private func address(_ text: String, _ message: ReportedMessage) -> String {
    message.isInternational || text.utf8.allSatisfy { $0 < 0x80 } ? text : OriginalRecipient.escaped(text)
  }

  /// Without what a status of 7 bits cannot hold (RFC 3464 section 2.1).
  private static func ascii(_ text: String) -> String {
    String(String.UnicodeScalarView(text.unicodeScalars.map { $0.isASCII ? $0 : "?" }))
  }

  /// Length of the header at the start of a message, without the empty line behind it.
  static func headerLength(_ bytes: [UInt8]) -> Int {
    var start = 0
    while start < bytes.count {
      let end = bytes[start...].firstIndex(of: 0x0a) ?? bytes.count
      if bytes[start..<end].allSatisfy({ $0 == 0x0d }) { return start }
      start = min(end + 1, bytes.count)
    }
    return bytes.count
  }

  private static func charset(_ text: String, _ copy: ArraySlice<UInt8>) -> String {
    text.utf8.allSatisfy { $0 < 0x80 } && copy.allSatisfy { $0 < 0x80 } ? "us-ascii" : "utf-8"
  }

  private static func encoding(_ text: String, _ copy: ArraySlice<UInt8>) -> String {
    text.utf8.allSatisfy { $0 < 0x80 } && copy.allSatisfy { $0 < 0x80 } ? "7bit" : "8bit"
  }

  private static func clean(_ text: String) -> String {
    String(String.UnicodeScalarView(text.unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7f ? " " : $0 }))
  }

  /// Breaks a long field at spaces (RFC 5322 section 2.2.3).
  static func folded(_ line: String) -> String {
    var result = ""
    var width = 0
    for word in line.split(separator: " ", omittingEmptySubsequences: false) {
      if width > 0, width + word.utf8.count + 1 > 76 {
        result += "\n "
        width = 1
      } else if width > 0 {
        result += " "
        width += 1
      }
      result += word
      width += word.utf8.count
    }
    return result
  }

  private static func wire(_ lines: String) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(lines.utf8.count + 128)
    for octet in lines.utf8 {
      if octet == 0x0a { bytes.append(0x0d) }
      bytes.append(octet)
    }
    return bytes
  }
}

/// Dates as mail headers write them.
enum MailTime {
  private static let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
  private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

  /// `Sun, 22 Nov 2026 04:35:29 +0000` (RFC 5322 section 3.3).
  static func rfc5322(_ time: Timestamp) -> String {
    let utc = time.utc
    func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
    let day = days[min(max(utc.weekday, 0), 6)]
    let month = months[min(max(utc.month - 1, 0), 11)]
    return "\(day), \(utc.day) \(month) \(utc.year) \(two(utc.hour)):\(two(utc.minute)):\(two(utc.second)) +0000"
  }
}
