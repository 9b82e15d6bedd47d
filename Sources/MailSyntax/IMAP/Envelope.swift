/// The header fields that ENVELOPE, SORT and THREAD need, collected in one pass over a header section.
package struct Envelope: Sendable {
  /// The Date field, unfolded.
  package private(set) var date: [UInt8]?
  /// The Subject field, unfolded, encoded words left.
  package private(set) var subject: [UInt8]?
  /// All Subject fields, the first among them, as far as they are looked at together.
  package private(set) var subjects: [[UInt8]] = []
  private var subjectOctets = 0
  /// From.
  package private(set) var from: [HeaderAddress] = []
  /// Sender, as written; clients are shown From where it is empty.
  package private(set) var sender: [HeaderAddress] = []
  /// Reply-To, as written; clients are shown From where it is empty.
  package private(set) var replyTo: [HeaderAddress] = []
  /// To.
  package private(set) var to: [HeaderAddress] = []
  /// Cc.
  package private(set) var cc: [HeaderAddress] = []
  /// Bcc.
  package private(set) var bcc: [HeaderAddress] = []
  /// In-Reply-To, unfolded.
  package private(set) var inReplyTo: [UInt8]?
  /// Message-ID, unfolded.
  package private(set) var messageID: [UInt8]?
  /// References, unfolded; not part of ENVELOPE.
  package private(set) var references: [UInt8]?

  /// Most octets looked at of one field.
  package static let maximumFieldOctets = 65_536

  /// Reads a header section; of repeated texts the first counts, repeated address fields are joined.
  package init(_ bytes: Span<UInt8>, headerRange: Range<Int>) {
    let end = min(headerRange.upperBound, bytes.count)
    var scanner = HeaderScanner(from: min(max(headerRange.lowerBound, 0), end), to: end)
    while let field = scanner.next(in: bytes) { take(field, bytes) }
  }

  private mutating func take(_ field: HeaderField, _ bytes: Span<UInt8>) {
    func text(_ place: inout [UInt8]?, _ name: StaticString) {
      guard place == nil, bytes.matches(field.name, lowercase: name) else { return }
      place = HeaderField.unfold(bytes, field.value, limit: Self.maximumFieldOctets)
    }
    func list(_ place: inout [HeaderAddress], _ name: StaticString) {
      guard place.count < HeaderAddress.maximumCount, bytes.matches(field.name, lowercase: name) else { return }
      let value = HeaderField.unfold(bytes, field.value, limit: Self.maximumAddressOctets)
      HeaderAddress.parse(value, limit: HeaderAddress.maximumCount - place.count, into: &place)
    }
    switch field.name.count {
    case 2:
      list(&to, "to")
      list(&cc, "cc")
    case 3: list(&bcc, "bcc")
    case 4:
      text(&date, "date")
      list(&from, "from")
    case 6: list(&sender, "sender")
    case 7: takeSubject(field, bytes)
    case 8: list(&replyTo, "reply-to")
    case 10:
      text(&messageID, "message-id")
      text(&references, "references")
    case 11: text(&inReplyTo, "in-reply-to")
    default: break
    }
  }

  private mutating func takeSubject(_ field: HeaderField, _ bytes: Span<UInt8>) {
    guard subjectOctets <= Self.maximumFieldOctets, bytes.matches(field.name, lowercase: "subject") else { return }
    let value = HeaderField.unfold(bytes, field.value, limit: Self.maximumFieldOctets)
    if subject == nil { subject = value }
    subjects.append(value)
    subjectOctets += value.count + 1
  }

  /// Most octets looked at of one address field: room for ten thousand of the usual size.
  package static let maximumAddressOctets = 524_288

  /// The ENVELOPE, ready to send.
  package var imap: [UInt8] {
    var writer = IMAPWriter()
    writer.raw("(")
    writer.nstring(date)
    writer.raw(" ")
    writer.nstring(subject)
    for addresses in [from, sender.isEmpty ? from : sender, replyTo.isEmpty ? from : replyTo, to, cc, bcc] {
      writer.raw(" ")
      Self.write(addresses, to: &writer)
    }
    writer.raw(" ")
    writer.nstring(inReplyTo)
    writer.raw(" ")
    writer.nstring(messageID)
    writer.raw(")")
    return writer.bytes
  }

  private static func write(_ addresses: [HeaderAddress], to writer: inout IMAPWriter) {
    guard !addresses.isEmpty else {
      writer.raw("NIL")
      return
    }
    writer.raw("(")
    for address in addresses {
      switch address.kind {
      case .mailbox:
        // A NIL mailbox or host would turn the entry into a group's start or end.
        writer.raw("(")
        writer.nstring(address.name)
        writer.raw(" ")
        writer.nstring(address.route)
        writer.raw(" ")
        writer.string(address.mailbox ?? Array("MISSING_MAILBOX".utf8))
        writer.raw(" ")
        writer.string(address.host ?? Array("MISSING_DOMAIN".utf8))
        writer.raw(")")
      case .groupStart:
        writer.raw("(NIL NIL ")
        writer.string(address.mailbox ?? [])
        writer.raw(" NIL)")
      case .groupEnd:
        writer.raw("(NIL NIL NIL NIL)")
      }
    }
    writer.raw(")")
  }
}
