#if canImport(Glibc)
  import Glibc
#endif

/// What the server has to know of a message's header before it takes it, found in one walk over its lines.
package struct HeaderDigest: Sendable, Equatable {
  /// `Received:` fields.
  package private(set) var received = 0
  /// Offsets of the values of `Delivered-To:`, first line only.
  package private(set) var deliveredTo: [Range<Int>] = []
  /// Whether there is a `From:`.
  package private(set) var hasFrom = false
  /// Whether there is a `Date:`.
  package private(set) var hasDate = false
  /// Whether there is a `Message-ID:`.
  package private(set) var hasMessageID = false
  /// Whether the message says that it is list or bulk mail (R27): `List-Id:`, `List-Unsubscribe:`, `Precedence: bulk`.
  package private(set) var isBulk = false
  /// Whether the message says `TLS-Required: No` (RFC 8689 section 4.2.2).
  package private(set) var waivesTLS = false
  /// Whether it has octets above 127 (RFC 6532).
  package private(set) var has8Bit = false
  /// Whether its end was found.
  package private(set) var isComplete = false
  /// Where the header ends, its blank line included; the count of octets looked at when no blank line was found.
  package private(set) var end = 0

  /// `Delivered-To:` fields that are remembered.
  private static let remembered = 100

  /// Walks over the header at the start of `bytes`.
  package init(_ bytes: [UInt8]) {
    bytes.withUnsafeBytes { walk($0) }
  }

  private mutating func walk(_ bytes: UnsafeRawBufferPointer) {
    var position = 0
    while position < bytes.count {
      let feed = Self.find(0x0a, in: bytes, from: position) ?? bytes.count
      let lineEnd = feed > position && feed < bytes.count && bytes[feed - 1] == 0x0d ? feed - 1 : feed
      let next = min(feed + 1, bytes.count)
      if lineEnd == position {
        end = next
        isComplete = true
        has8Bit = bytes[..<end].contains { $0 >= 0x80 }
        return
      }
      take(bytes, position..<lineEnd)
      position = next
    }
    end = bytes.count
    has8Bit = bytes.contains { $0 >= 0x80 }
  }

  private mutating func take(_ bytes: UnsafeRawBufferPointer, _ line: Range<Int>) {
    // The first letter sends most lines away at once.
    switch bytes[line.lowerBound] | 0x20 {
    case 0x72 where Self.value(bytes, line, of: "received") != nil: received += 1
    case 0x66 where Self.value(bytes, line, of: "from") != nil: hasFrom = true
    case 0x64:
      if Self.value(bytes, line, of: "date") != nil { hasDate = true }
      if deliveredTo.count < Self.remembered, let value = Self.value(bytes, line, of: "delivered-to") {
        deliveredTo.append(value)
      }
    case 0x6d where Self.value(bytes, line, of: "message-id") != nil: hasMessageID = true
    case 0x74:
      guard let value = Self.value(bytes, line, of: "tls-required") else { return }
      if bytes[value].map({ $0 | 0x20 }) == [0x6e, 0x6f] { waivesTLS = true }
    case 0x6c:
      if Self.value(bytes, line, of: "list-id") != nil || Self.value(bytes, line, of: "list-unsubscribe") != nil {
        isBulk = true
      }
    case 0x70:
      guard let value = Self.value(bytes, line, of: "precedence") else { return }
      let word = String(decoding: bytes[value].map { $0 | 0x20 }, as: UTF8.self)
      if ["bulk", "list", "junk"].contains(word) { isBulk = true }
    default: break
    }
  }

  /// The trimmed value when the line is a field of that name; blanks before the colon are taken (RFC 5322 section 4.5).
  private static func value(_ bytes: UnsafeRawBufferPointer, _ line: Range<Int>, of name: StaticString) -> Range<Int>? {
    let length = name.utf8CodeUnitCount
    guard line.count > length else { return nil }
    let isSame = name.withUTF8Buffer { wanted in
      (0..<length).allSatisfy { bytes[line.lowerBound + $0] | 0x20 == wanted[$0] | 0x20 }
    }
    guard isSame else { return nil }
    var position = line.lowerBound + length
    while position < line.upperBound, bytes[position] == 0x20 || bytes[position] == 0x09 { position += 1 }
    guard position < line.upperBound, bytes[position] == 0x3a else { return nil }
    position += 1
    var last = line.upperBound
    while position < last, bytes[position] == 0x20 || bytes[position] == 0x09 { position += 1 }
    while last > position, bytes[last - 1] == 0x20 || bytes[last - 1] == 0x09 { last -= 1 }
    return position..<last
  }

  private static func find(_ octet: Int32, in bytes: UnsafeRawBufferPointer, from start: Int) -> Int? {
    guard let base = bytes.baseAddress, let found = memchr(base + start, octet, bytes.count - start) else { return nil }
    return UnsafeRawPointer(found) - base
  }
}
