import Basics
import MailSyntax

/// What SORT, THREAD and SEARCH ask of a message's header, as the index keeps it.
struct HeaderKeys: Sendable {
  /// What SEARCH's keys look at, folded, in the order of `searchable`.
  var texts: [String]
  var keys: MessageKeys

  /// The fields whose text is kept: the subject, and addresses in the envelope's form.
  static let searchable = ["subject"] + Envelope.searchableAddresses

  /// Most octets of one field's text kept; longer ones are read from the file.
  static let longestText = MessageIndexEntry.maximumAddressText

  init(_ entry: MessageIndexEntry, uid: UInt32) {
    // A text that was cut must not look whole: it is marked and SEARCH reads the file.
    texts = ([entry.subjectText] + entry.addressTexts).map { $0.utf8.count > Self.longestText ? "\u{0}" : $0 }
    keys = MessageKeys(
      uid: uid, sentDate: entry.sentDate, sentZoneMinutes: entry.sentZoneMinutes, baseSubject: entry.baseSubject,
      from: entry.fromMailbox, to: entry.toMailbox, cc: entry.ccMailbox, displayFrom: entry.displayFrom,
      displayTo: entry.displayTo, messageID: entry.messageID ?? "", inReplyTo: entry.inReplyTo.first ?? "",
      references: entry.references, isReply: entry.isReplyOrForward, hasAttachment: entry.hasAttachment)
  }

  /// Tells blobs with addresses in the envelope's form from older ones, which have them as the header spells them.
  private static let envelopeForm: UInt8 = 16

  /// The octets of a searched text; `nil` when the blob is of another make, and the message must be read again.
  static func text(_ field: Int, of blob: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
    guard let ranges = ranges(blob), field == 0 || blob[0] & envelopeForm != 0 else { return nil }
    return UnsafeRawBufferPointer(rebasing: blob[ranges[field]])
  }

  /// One blob: flags (1), zone (2), date (8), then each string with its length (4); the searched texts first.
  func encode() -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(512)
    var bits: UInt8 = 0
    if keys.sentDate != nil { bits |= 1 }
    if keys.sentZoneMinutes != nil { bits |= 2 }
    if keys.isReply { bits |= 4 }
    if keys.hasAttachment { bits |= 8 }
    bits |= Self.envelopeForm
    bytes.append(bits)
    Self.put(&bytes, Int16(clamping: keys.sentZoneMinutes ?? 0))
    Self.put(&bytes, keys.sentDate?.milliseconds ?? 0)
    let strings =
      texts + [
        keys.baseSubject, keys.from, keys.to, keys.cc, keys.displayFrom, keys.displayTo, keys.messageID, keys.inReplyTo,
        keys.references.joined(separator: "\n"),
      ]
    for string in strings {
      Self.put(&bytes, UInt32(truncatingIfNeeded: string.utf8.count))
      bytes.append(contentsOf: string.utf8)
    }
    return bytes
  }

  private static func put(_ bytes: inout [UInt8], _ value: some FixedWidthInteger) {
    withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
  }

  /// Where the strings of a blob lie; `nil` when it makes no sense.
  static func ranges(_ blob: UnsafeRawBufferPointer) -> [Range<Int>]? {
    var ranges: [Range<Int>] = []
    ranges.reserveCapacity(14)
    var position = 11
    while position + 4 <= blob.count {
      let count = Int(blob.loadUnaligned(fromByteOffset: position, as: UInt32.self))
      position += 4
      guard count <= blob.count - position else { return nil }
      ranges.append(position..<position + count)
      position += count
    }
    return ranges.count == searchable.count + 9 && position == blob.count ? ranges : nil
  }

  /// The number of a sort text among a blob's strings.
  static func position(_ field: SortText) -> Int {
    switch field {
    case .subject: searchable.count
    case .from: searchable.count + 1
    case .to: searchable.count + 2
    case .cc: searchable.count + 3
    case .displayFrom: searchable.count + 4
    case .displayTo: searchable.count + 5
    }
  }

  /// The date in a blob that has ranges.
  static func sentMilliseconds(_ blob: UnsafeRawBufferPointer) -> Int64? {
    guard blob.count >= 11, blob[0] & 1 != 0 else { return nil }
    return blob.loadUnaligned(fromByteOffset: 3, as: Int64.self)
  }

  /// The keys of a blob.
  static func decode(_ blob: UnsafeRawBufferPointer, uid: UInt32) -> MessageKeys? {
    guard let ranges = ranges(blob), blob.count >= 11 else { return nil }
    func string(_ number: Int) -> String {
      String(decoding: UnsafeRawBufferPointer(rebasing: blob[ranges[searchable.count + number]]), as: UTF8.self)
    }
    let bits = blob[0]
    let zone = blob.loadUnaligned(fromByteOffset: 1, as: Int16.self)
    let date = blob.loadUnaligned(fromByteOffset: 3, as: Int64.self)
    let references = string(8)
    return MessageKeys(
      uid: uid, sentDate: bits & 1 != 0 ? Timestamp(milliseconds: date) : nil,
      sentZoneMinutes: bits & 2 != 0 ? Int(zone) : nil, baseSubject: string(0), from: string(1), to: string(2),
      cc: string(3), displayFrom: string(4), displayTo: string(5), messageID: string(6), inReplyTo: string(7),
      references: references.isEmpty ? [] : references.split(separator: "\n").map(String.init),
      isReply: bits & 4 != 0, hasAttachment: bits & 8 != 0)
  }
}
