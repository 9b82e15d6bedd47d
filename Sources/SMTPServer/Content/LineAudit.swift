#if canImport(Glibc)
  import Glibc
#endif

/// What is wrong with a message's octets (RFC 5321 sections 2.3.8 and 4.1.1.4), found while they stream by.
package struct LineAudit: Sendable, Equatable {
  /// An LF without a CR before it: what one server takes for a line end and the next does not (CVE-2023-51764).
  package var hasBareLF = false
  /// A CR without an LF behind it.
  package var hasBareCR = false
  /// A NUL.
  package var hasNUL = false
  /// An octet above 127 (RFC 6152).
  package var has8Bit = false
  /// Whether the last octet seen was a CR, whose LF may follow.
  private var endsInCR = false

  /// Nothing found yet.
  package init() {}

  /// Whether every line ends with CRLF and nowhere else.
  package var isClean: Bool { !hasBareLF && !hasBareCR && !hasNUL }

  /// Looks at the next octets.
  ///
  /// Counting CRs and LFs separately tells whether any stands alone without a branch per octet: the pairs are found
  /// line by line, the CRs all at once.
  package mutating func scan(_ bytes: UnsafeRawBufferPointer) {
    guard let base = bytes.baseAddress, !bytes.isEmpty else { return }
    let count = bytes.count
    if !hasNUL { hasNUL = memchr(base, 0, count) != nil }
    var carriages = 0
    var union: UInt8 = 0
    for octet in bytes {
      carriages &+= octet == 0x0d ? 1 : 0
      union |= octet
    }
    if union & 0x80 != 0 { has8Bit = true }
    var pairs = 0
    var position = 0
    while position < count, let found = memchr(base + position, 0x0a, count - position) {
      let index = UnsafeRawPointer(found) - base
      let isPair = index > 0 ? bytes[index - 1] == 0x0d : endsInCR
      if isPair { pairs += 1 } else { hasBareLF = true }
      position = index + 1
    }
    // A CR carried over from the last block takes part in this block's pairs.
    let expected = carriages + (endsInCR ? 1 : 0)
    endsInCR = bytes[count - 1] == 0x0d
    if expected - (endsInCR ? 1 : 0) != pairs { hasBareCR = true }
  }

  /// Notes the end of the message.
  package mutating func finish() {
    if endsInCR { hasBareCR = true }
    endsInCR = false
  }
}
