import Basics

/// What an index keeps of a message so that FETCH, SORT, THREAD and SEARCH need not open its file.
package struct MessageIndexEntry: Sendable {
  /// ENVELOPE, ready to send.
  package var envelope: [UInt8]
  /// BODY, ready to send.
  package var body: [UInt8]
  /// BODYSTRUCTURE, ready to send.
  package var bodyStructure: [UInt8]
  /// The Date field's moment.
  package var sentDate: Timestamp?
  /// The Date field's zone in minutes east of UTC; SENTON and its kin compare the date as written.
  package var sentZoneMinutes: Int?
  /// The base subject, folded for comparison (RFC 5256 section 2.1).
  package var baseSubject: String
  /// Whether the subject is a reply's or forward's (RFC 5256 section 3, THREAD=REFERENCES).
  package var isReplyOrForward: Bool
  /// Local part of the first From address, folded (SORT FROM).
  package var fromMailbox: String
  /// Local part of the first To address, folded (SORT TO).
  package var toMailbox: String
  /// Local part of the first Cc address, folded (SORT CC).
  package var ccMailbox: String
  /// The first From address as people read it (RFC 5957 section 3), folded.
  package var displayFrom: String
  /// The first To address as people read it, folded.
  package var displayTo: String
  /// What SEARCH SUBJECT looks at: all Subject fields decoded, each on a line, folded.
  package var subjectText: String
  /// What SEARCH FROM, TO, CC and BCC look at, in the order of `Envelope.searchableAddresses`, folded.
  package var addressTexts: [String]
  /// The message's own identifier without its brackets.
  package var messageID: String?
  /// Identifiers of In-Reply-To without brackets.
  package var inReplyTo: [String]
  /// Identifiers of References without brackets, oldest first.
  package var references: [String]
  /// RFC822.SIZE: octets with every line ended by CRLF.
  package var wireSize: Int
  /// Size of the header section in wire form.
  package var headerWireSize: Int
  /// Octets of the header section in the file.
  package var headerSize: Int
  /// Line ends of the whole message's body.
  package var lineCount: Int
  /// Whether the file can be sent as it is, every LF preceded by CR.
  package var isWireForm: Bool
  /// Whether any part is an attachment by its disposition.
  package var hasAttachment: Bool
  /// The beginning of the text as people read it, at most 200 characters (RFC 8970).
  package var preview: String

  /// Longest sort key kept, in characters.
  package static let maximumKeyLength = 255
  /// Octets of an address text from which on it is not continued.
  package static let maximumAddressText = 4096
  /// Most message identifiers kept of References.
  package static let maximumReferences = 200

  /// Parses a message once and collects everything.
  package static func make(from bytes: [UInt8], limits: MIMEPart.Limits = MIMEPart.Limits()) -> MessageIndexEntry {
    make(from: bytes.span, limits: limits)
  }

  /// Parses a message once and collects everything.
  package static func make(
    from bytes: Span<UInt8>, limits: MIMEPart.Limits = MIMEPart.Limits()
  ) -> MessageIndexEntry {
    make(from: MIMEPart.parse(bytes, limits: limits), in: bytes)
  }

  /// Collects everything from a message that was parsed already.
  package static func make(from root: MIMEPart, in bytes: Span<UInt8>) -> MessageIndexEntry {
    let envelope = Envelope(bytes, headerRange: root.headerRange)
    let sent = envelope.date.flatMap(MessageDate.parse)
    let subject = BaseSubject(envelope.subject ?? [])
    return MessageIndexEntry(
      envelope: envelope.imap,
      body: IMAPStructures.body(of: root, in: bytes),
      bodyStructure: IMAPStructures.bodyStructure(of: root, in: bytes),
      sentDate: sent?.time,
      sentZoneMinutes: sent?.zoneMinutes,
      baseSubject: key(subject.text),
      isReplyOrForward: subject.isReplyOrForward,
      fromMailbox: mailboxKey(envelope.from),
      toMailbox: mailboxKey(envelope.to),
      ccMailbox: mailboxKey(envelope.cc),
      displayFrom: displayKey(envelope.from),
      displayTo: displayKey(envelope.to),
      subjectText: CaseMap.fold(envelope.subjects.map { EncodedWord.decode($0) }.joined(separator: "\n")),
      addressTexts: Envelope.searchableAddresses.indices.map {
        envelope.searchText($0, limit: maximumAddressText)
      },
      messageID: envelope.messageID.flatMap { MessageIdentifier.parse($0, limit: 1).first },
      inReplyTo: envelope.inReplyTo.map { MessageIdentifier.parse($0, limit: maximumReferences) } ?? [],
      references: envelope.references.map { MessageIdentifier.parse($0, limit: maximumReferences) } ?? [],
      wireSize: root.wireSize,
      headerWireSize: root.headerWireSize,
      headerSize: root.headerRange.count,
      lineCount: root.lineCount,
      isWireForm: root.headerBareLineFeeds == 0 && root.bodyBareLineFeeds == 0,
      hasAttachment: root.hasAttachment,
      preview: MessageText.preview(of: root, in: bytes))
  }

  private static func key(_ text: String) -> String { String(CaseMap.fold(text).prefix(maximumKeyLength)) }

  /// RFC 5256 section 3: the first address' mailbox; for a group, its name.
  private static func mailboxKey(_ addresses: [HeaderAddress]) -> String {
    guard let mailbox = addresses.first?.mailbox else { return "" }
    return key(String(decoding: mailbox.prefix(1024), as: UTF8.self))
  }

  private static func displayKey(_ addresses: [HeaderAddress]) -> String {
    guard let first = addresses.first else { return "" }
    if let name = first.displayName { return key(name) }
    let local = String(decoding: (first.mailbox ?? []).prefix(1024), as: UTF8.self)
    guard let host = first.host else { return key(local) }
    return key(local + "@" + String(decoding: host.prefix(1024), as: UTF8.self))
  }
}

extension MIMEPart {
  /// Whether any part is an attachment by its disposition.
  package var hasAttachment: Bool { disposition == "attachment" || children.contains(where: \.hasAttachment) }
}

/// Message identifiers of RFC 5322 section 3.6.4.
package enum MessageIdentifier {
  /// The identifiers in a field, without brackets and blanks, each at most 998 octets.
  ///
  /// Text between them is skipped; a field without any bracket is one identifier, as broken programs write it.
  package static func parse(_ value: [UInt8], limit: Int) -> [String] {
    var result: [String] = []
    var position = 0
    while result.count < limit, let open = value.firstIndex(of: ASCII.less, from: position) {
      guard let close = value.firstIndex(of: ASCII.greater, from: open + 1) else { break }
      if let id = clean(value[(open + 1)..<close]) { result.append(id) }
      position = close + 1
    }
    if result.isEmpty, !value.contains(ASCII.less), let id = clean(value[...]) { result.append(id) }
    return result
  }

  /// Quotes around the left side mean nothing (RFC 5256 section 3, RFC 5322 section 4.5.4).
  private static func clean(_ octets: ArraySlice<UInt8>) -> String? {
    let kept = octets.filter { !ASCII.isWhite($0) && $0 != ASCII.quote && !ASCII.isControl($0) }
    return kept.isEmpty || kept.count > 998 ? nil : String(decoding: kept, as: UTF8.self)
  }
}
