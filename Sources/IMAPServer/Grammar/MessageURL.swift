import MailSyntax

/// An IMAP URL that names a message or a part of one (RFC 5092), as CATENATE may hold it.
struct MessageURL: Equatable, Sendable {
  /// `user` and `host` of an absolute URL.
  struct Authority: Equatable, Sendable {
    var user: String?
    var host: String
  }

  /// `nil` for a URL that begins with the path.
  var authority: Authority?
  /// UTF-8.
  var mailbox: String
  var uidValidity: UInt32?
  var uid: UInt32
  var section = SectionArgument()
  var partial: PartialArgument?

  /// Reads a URL; `nil` when it is none that names a message, or asks for more than that (URLAUTH).
  init?(_ octets: [UInt8]) {
    var rest = octets[...]
    if rest.starts(with: Array("imap://".utf8)) {
      rest = rest.dropFirst(7)
      guard let path = rest.firstIndex(of: UInt8(ascii: "/")),
        let found = Self.authority(rest[..<path])
      else { return nil }
      authority = found
      rest = rest[path...]
    }
    guard rest.first == UInt8(ascii: "/") else { return nil }
    // The parameters stand in segments of their own, UIDVALIDITY behind the mailbox's name.
    guard let start = Self.find("/;UID=", in: rest), start > rest.startIndex else { return nil }
    var name = rest[rest.startIndex + 1..<start]
    if let cut = Self.find(";UIDVALIDITY=", in: name) {
      guard let value = Self.number(name[(cut + 13)...]), value > 0 else { return nil }
      uidValidity = value
      name = name[..<cut]
    }
    guard let decoded = Self.decoded(name), let text = String(validating: decoded, as: UTF8.self), !text.isEmpty else {
      return nil
    }
    mailbox = text
    uid = 0
    for segment in rest[(start + 1)...].split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
      guard take(segment) else { return nil }
    }
    guard uid > 0 else { return nil }
  }

  private mutating func take(_ segment: ArraySlice<UInt8>) -> Bool {
    // A slash at the end is an old habit (RFC 4469's own examples have it).
    if segment.isEmpty { return true }
    guard let equals = segment.firstIndex(of: UInt8(ascii: "=")) else { return false }
    let value = segment[(equals + 1)...]
    switch String(decoding: segment[..<equals].map(\.asciiUppercased), as: UTF8.self) {
    case ";UID":
      guard uid == 0, let number = Self.number(value) else { return false }
      uid = number
    case ";SECTION":
      guard !value.isEmpty, let decoded = Self.decoded(value) else { return false }
      var cursor = ByteCursor([UInt8(ascii: "[")] + decoded + [UInt8(ascii: "]")])
      guard let found = try? cursor.section(), cursor.isAtEnd else { return false }
      section = found
    case ";PARTIAL":
      let numbers = value.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
      guard (1...2).contains(numbers.count), let origin = Self.number(numbers[0]) else { return false }
      let count = numbers.count == 2 ? Self.number(numbers[1]) : UInt32.max
      guard let count, count > 0 else { return false }
      partial = PartialArgument(origin: origin, count: count)
    default: return false
    }
    return true
  }

  private static func authority(_ octets: ArraySlice<UInt8>) -> Authority? {
    var host = octets
    var user: String?
    if let at = octets.lastIndex(of: UInt8(ascii: "@")) {
      let name = octets[..<at].prefix { $0 != UInt8(ascii: ";") }
      guard let decoded = decoded(name) else { return nil }
      user = String(decoding: decoded, as: UTF8.self)
      host = octets[(at + 1)...]
    }
    if let colon = host.lastIndex(of: UInt8(ascii: ":")), host[(colon + 1)...].allSatisfy(\.isDigit) {
      host = host[..<colon]
    }
    return Authority(user: user, host: String(decoding: host, as: UTF8.self).lowercased())
  }

  private static func find(_ text: StaticString, in octets: ArraySlice<UInt8>) -> Int? {
    let count = text.utf8CodeUnitCount
    guard octets.count >= count else { return nil }
    return (octets.startIndex...(octets.endIndex - count)).first { start in
      (0..<count).allSatisfy { octets[start + $0].asciiUppercased == text.utf8Start[$0].asciiUppercased }
    }
  }

  private static func number(_ octets: ArraySlice<UInt8>) -> UInt32? {
    guard !octets.isEmpty, octets.count <= 10, octets.allSatisfy(\.isDigit) else { return nil }
    return UInt32(exactly: octets.reduce(UInt64(0)) { $0 * 10 + UInt64($1 & 0x0f) })
  }

  /// Takes away the percent signs; `nil` when one of them makes no sense.
  private static func decoded(_ octets: ArraySlice<UInt8>) -> [UInt8]? {
    var result: [UInt8] = []
    var rest = octets
    while let octet = rest.popFirst() {
      guard octet == UInt8(ascii: "%") else {
        result.append(octet)
        continue
      }
      guard let high = rest.popFirst().flatMap(ASCII.hexValue), let low = rest.popFirst().flatMap(ASCII.hexValue) else {
        return nil
      }
      result.append(high << 4 | low)
    }
    return result
  }
}
