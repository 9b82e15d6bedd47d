import Basics

/// Collects what the server says; every method writes octets that can never break a line or a string.
struct ResponseWriter {
  var bytes: [UInt8] = []

  init(reserving count: Int = 256) { bytes.reserveCapacity(count) }

  /// Gives memory back when nothing is collected.
  mutating func letGo() {
    if bytes.isEmpty, bytes.capacity > Self.kept { bytes = [] }
  }

  /// Octets of memory that are always kept: most replies fit in.
  private static let kept = 512

  /// Text that the server made itself: no client octets.
  mutating func text(_ string: StaticString) {
    bytes.append(contentsOf: UnsafeBufferPointer(start: string.utf8Start, count: string.utf8CodeUnitCount))
  }

  /// Octets that are ready to send.
  mutating func raw(_ octets: some Sequence<UInt8>) { bytes.append(contentsOf: octets) }

  /// An ASCII string of ours, ready to send.
  mutating func raw(_ string: String) { bytes.append(contentsOf: string.utf8) }

  mutating func octet(_ octet: UInt8) { bytes.append(octet) }

  mutating func space() { bytes.append(0x20) }

  mutating func endLine() {
    bytes.append(0x0d)
    bytes.append(0x0a)
  }

  mutating func number(_ value: some FixedWidthInteger & UnsignedInteger) {
    var rest = UInt64(truncatingIfNeeded: value)
    if rest < 10 {
      bytes.append(0x30 | UInt8(truncatingIfNeeded: rest))
      return
    }
    let start = bytes.count
    while rest > 0 {
      bytes.append(0x30 | UInt8(truncatingIfNeeded: rest % 10))
      rest /= 10
    }
    bytes[start...].reverse()
  }

  mutating func number(_ value: Int) { number(UInt64(max(0, value))) }

  /// Human text at the end of a response: what is not printable ASCII becomes `?`.
  mutating func humanText(_ string: String) {
    for octet in string.utf8 { bytes.append(octet >= 0x20 && octet < 0x7f ? octet : UInt8(ascii: "?")) }
    // A line that ends so would announce a literal: a mailbox may be named `{5}`.
    if bytes.last == UInt8(ascii: "}") { bytes.append(UInt8(ascii: ".")) }
  }

  /// `string`: quoted when short and plain, else a literal; NUL, which no string may hold, becomes 0x80 as in
  /// RFC 9051's "MUST NOT" leaves no better choice.
  mutating func string(_ octets: some Collection<UInt8>) {
    var isPlain = octets.count <= 1000
    var hasNUL = false
    for octet in octets {
      if octet < 0x20 || octet >= 0x7f { isPlain = false }
      if octet == 0 { hasNUL = true }
    }
    guard isPlain else {
      literal(count: octets.count)
      if hasNUL {
        for octet in octets { bytes.append(octet == 0 ? 0x80 : octet) }
      } else {
        bytes.append(contentsOf: octets)
      }
      return
    }
    bytes.append(UInt8(ascii: "\""))
    for octet in octets {
      if octet == UInt8(ascii: "\"") || octet == UInt8(ascii: "\\") { bytes.append(UInt8(ascii: "\\")) }
      bytes.append(octet)
    }
    bytes.append(UInt8(ascii: "\""))
  }

  /// `string`, or a binary literal for octets that hold NUL (RFC 3516, RFC 5464).
  mutating func string8(_ octets: [UInt8]) {
    guard octets.contains(0) else { return string(octets) }
    octet(UInt8(ascii: "~"))
    literal(count: octets.count)
    bytes.append(contentsOf: octets)
  }

  /// `astring`: bare when it is an atom, else as `string`.
  mutating func aString(_ octets: some Collection<UInt8>) {
    if !octets.isEmpty, octets.count <= 1000, octets.allSatisfy(\.isAtomCharacter), !octets.isNIL {
      bytes.append(contentsOf: octets)
    } else {
      string(octets)
    }
  }

  /// A mailbox name in quotes even when bare would do: every client reads that.
  ///
  /// UTF-8 stays within quotes when
  /// the client has enabled it (RFC 9051 section 4.3, RFC 6855).
  mutating func mailbox(_ octets: [UInt8], utf8: Bool) {
    guard utf8, octets.allSatisfy({ $0 >= 0x20 && $0 != 0x7f }) else { return string(octets) }
    bytes.append(UInt8(ascii: "\""))
    for octet in octets {
      if octet == UInt8(ascii: "\"") || octet == UInt8(ascii: "\\") { bytes.append(UInt8(ascii: "\\")) }
      bytes.append(octet)
    }
    bytes.append(UInt8(ascii: "\""))
  }

  /// The head of a literal whose octets follow.
  mutating func literal(count: Int) {
    bytes.append(UInt8(ascii: "{"))
    number(count)
    text("}\r\n")
  }

  /// A `sequence-set` of ascending numbers, with runs as ranges; nothing for an empty collection.
  mutating func numberSet(_ numbers: some Collection<UInt32>) {
    var iterator = numbers.makeIterator()
    guard var low = iterator.next() else { return }
    var high = low
    var isFirst = true
    func flush(_ writer: inout ResponseWriter) {
      if !isFirst { writer.octet(UInt8(ascii: ",")) }
      isFirst = false
      writer.number(low)
      guard high != low else { return }
      writer.octet(UInt8(ascii: ":"))
      writer.number(high)
    }
    while let next = iterator.next() {
      if high < UInt32.max, next == high + 1 {
        high = next
        continue
      }
      flush(&self)
      low = next
      high = next
    }
    flush(&self)
  }
}

extension Collection<UInt8> {
  fileprivate var isNIL: Bool { count == 3 && zip(self, "NIL".utf8).allSatisfy { $0.asciiUppercased == $1 } }
}

extension ResponseWriter {
  private static let months: [StaticString] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
  ]

  /// `date-time` in UTC: `"17-Jul-1996 02:44:25 +0000"`.
  mutating func internalDate(_ time: Timestamp) {
    let civil = CivilTime(secondsSinceEpoch: time.seconds)
    octet(UInt8(ascii: "\""))
    twoDigits(civil.day)
    octet(UInt8(ascii: "-"))
    text(Self.months[min(11, max(0, civil.month - 1))])
    octet(UInt8(ascii: "-"))
    twoDigits(civil.year / 100)
    twoDigits(civil.year % 100)
    space()
    twoDigits(civil.hour)
    octet(UInt8(ascii: ":"))
    twoDigits(civil.minute)
    octet(UInt8(ascii: ":"))
    twoDigits(civil.second)
    text(" +0000\"")
  }

  private mutating func twoDigits(_ value: Int) {
    octet(0x30 | UInt8(truncatingIfNeeded: value / 10 % 10))
    octet(0x30 | UInt8(truncatingIfNeeded: value % 10))
  }
}
