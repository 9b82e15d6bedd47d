import Basics
import MailSyntax

/// A message as a program of this machine wrote it, made whole: CRLF line ends, From, Date and Message-ID.
package struct LocalLetter: Sendable {
  /// The finished message.
  package private(set) var bytes: [UInt8]
  /// Addresses of To, Cc and Bcc (or of Resent-To … when there are any), as they stand in the header.
  package private(set) var recipients: [String]
  /// Addresses of the header From after completion.
  package private(set) var from: [EmailAddress]
  /// Whether an octet above 127 occurs.
  package private(set) var has8Bit: Bool

  /// What is added where the writer said nothing.
  package struct Defaults: Sendable {
    /// The envelope sender; stands in From when there is none.
    package var sender: EmailAddress
    /// The sender's full name.
    package var fullName: String?
    /// Added to a From without a domain (R72).
    package var mailName: MailDomain
    /// The queue id, for the Message-ID.
    package var id: String
    /// The host's name, for the Message-ID.
    package var hostname: String
    /// The time, for Date.
    package var now: Timestamp

    /// Collects them.
    package init(
      sender: EmailAddress, fullName: String?, mailName: MailDomain, id: String, hostname: String, now: Timestamp
    ) {
      self.sender = sender
      self.fullName = fullName
      self.mailName = mailName
      self.id = id
      self.hostname = hostname
      self.now = now
    }
  }

  /// Fields that never leave: who else got it, and what the last server writes itself.
  private static let dropped: Set<String> = ["bcc", "resent-bcc", "return-path", "content-length"]

  /// Completes a message.
  ///
  /// - Parameter raw: what came on standard input, any line ends.
  package init(_ raw: [UInt8], _ defaults: Defaults) {
    let text = Self.clean(raw)
    let end = Self.headerEnd(text)
    let header = HeaderSection(Array(text[..<end]))
    var fields: [UInt8] = []
    var names: Set<String> = []
    var from = header.addresses("From").filter { $0.kind == .mailbox }
    for field in header.fields {
      let name = header.name(of: field)
      names.insert(name)
      if Self.dropped.contains(name) { continue }
      if name == "from", let completed = Self.completed(from, defaults.mailName) {
        fields += completed
      } else {
        fields += header.bytes[field.range]
      }
    }
    if from.isEmpty {
      names.remove("from")
    }
    fields += Self.missing(names, defaults)
    recipients = Self.recipients(header)
    if names.contains("from") {
      from = HeaderSection(fields).addresses("From").filter { $0.kind == .mailbox }
      self.from = from.compactMap(\.address)
      if self.from.count != from.count { self.from = [] }
    } else {
      self.from = [defaults.sender]
    }
    var body = text[end...]
    if body.starts(with: [0x0d, 0x0a]) { body = body.dropFirst(2) }
    bytes = fields + [0x0d, 0x0a] + body
    has8Bit = bytes.contains { $0 >= 0x80 }
  }

  /// CRLF for every kind of line end, no NUL; a "From " line of an mbox file in front is left out.
  private static func clean(_ raw: [UInt8]) -> [UInt8] {
    var start = 0
    if raw.starts(with: Array("From ".utf8)) {
      start = (raw.firstIndex(of: 0x0a) ?? raw.count - 1) + 1
    }
    var text: [UInt8] = []
    text.reserveCapacity(raw.count + raw.count / 32 + 2)
    var index = start
    while index < raw.count {
      let octet = raw[index]
      index += 1
      switch octet {
      case 0x00: continue
      case 0x0a: text += [0x0d, 0x0a]
      case 0x0d:
        text += [0x0d, 0x0a]
        if index < raw.count, raw[index] == 0x0a { index += 1 }
      default: text.append(octet)
      }
    }
    if !text.isEmpty, text.last != 0x0a { text += [0x0d, 0x0a] }
    return text
  }

  /// Where the header ends: at a blank line, or before the first line that is no field.
  private static func headerEnd(_ text: [UInt8]) -> Int {
    var start = 0
    while start < text.count {
      let end = text[start...].firstIndex(of: 0x0a).map { $0 + 1 } ?? text.count
      let line = text[start..<end]
      let isFolded = line.first == 0x20 || line.first == 0x09
      if isFolded ? start == 0 : !isField(line) { return start }
      start = end
    }
    return start
  }

  private static func isField(_ line: ArraySlice<UInt8>) -> Bool {
    guard let colon = line.firstIndex(of: 0x3a), colon > line.startIndex else { return false }
    return line[..<colon].allSatisfy { $0 > 0x20 && $0 < 0x7f }
  }

  /// The From field with the mail name added to an address without a domain; `nil` when nothing is to be changed.
  private static func completed(_ from: [HeaderAddress], _ mailName: MailDomain) -> [UInt8]? {
    guard from.count == 1, let only = from.first, only.host == nil, let mailbox = only.mailbox,
      let local = String(validating: mailbox, as: UTF8.self),
      let address = try? EmailAddress(localPart: local, domain: mailName)
    else { return nil }
    var builder = MessageBuilder()
    builder.addresses("From", [NamedAddress(address, name: only.displayName)])
    return headerOnly(builder)
  }

  private static func missing(_ names: Set<String>, _ defaults: Defaults) -> [UInt8] {
    var builder = MessageBuilder()
    if !names.contains("from") {
      builder.addresses("From", [NamedAddress(defaults.sender, name: defaults.fullName)])
    }
    if !names.contains("date") { builder.date(defaults.now) }
    if !names.contains("message-id") {
      builder.structured("Message-ID", "<\(defaults.now.milliseconds).\(defaults.id)@\(defaults.hostname)>")
    }
    return headerOnly(builder)
  }

  /// The fields of a builder without what it adds for a body.
  private static func headerOnly(_ builder: MessageBuilder) -> [UInt8] {
    let built = HeaderSection(builder.build(.text("")))
    let added: Set<String> = ["mime-version", "content-type", "content-transfer-encoding"]
    return built.fields.filter { !added.contains(built.name(of: $0)) }.flatMap { built.bytes[$0.range] }
  }

  private static func recipients(_ header: HeaderSection) -> [String] {
    let resent = ["Resent-To", "Resent-Cc", "Resent-Bcc"]
    let names = resent.contains { header.count($0) > 0 } ? resent : ["To", "Cc", "Bcc"]
    var found: [String] = []
    for name in names {
      for entry in header.addresses(name) where entry.kind == .mailbox {
        if let address = entry.address {
          found.append("\(address)")
        } else if let mailbox = entry.mailbox {
          found.append(String(decoding: mailbox, as: UTF8.self))
        }
      }
    }
    return found
  }
}
