/// Collects IMAP response text: atoms, strings, lists (RFC 3501 section 9).
struct IMAPWriter {
  private(set) var bytes: [UInt8] = []

  /// Text that is known to be safe.
  mutating func raw(_ text: StaticString) { text.withUTF8Buffer { bytes.append(contentsOf: $0) } }

  mutating func number(_ value: Int) { bytes.append(contentsOf: String(value).utf8) }

  mutating func append(_ other: [UInt8]) { bytes += other }

  /// `NIL` or a string.
  mutating func nstring(_ octets: [UInt8]?) {
    if let octets { string(octets) } else { raw("NIL") }
  }

  /// A quoted string where every octet may stand in one, else a literal; CR, LF and NUL never get out.
  mutating func string(_ octets: [UInt8]) {
    var isQuotable = octets.count <= 4096
    var isClean = true
    for octet in octets {
      if octet == 0 || octet == ASCII.cr || octet == ASCII.lf {
        isClean = false
      } else if octet >= 0x80 || ASCII.isControl(octet) {
        isQuotable = isQuotable && octet == ASCII.tab
      }
    }
    let text = isClean ? octets : octets.filter { $0 != 0 && $0 != ASCII.cr && $0 != ASCII.lf }
    guard isQuotable else {
      bytes.append(contentsOf: "{\(text.count)}\r\n".utf8)
      bytes += text
      return
    }
    bytes.append(ASCII.quote)
    for octet in text {
      if octet == ASCII.quote || octet == ASCII.backslash { bytes.append(ASCII.backslash) }
      bytes.append(octet)
    }
    bytes.append(ASCII.quote)
  }

  /// A string of upper-case ASCII.
  mutating func keyword(_ text: String) { string(text.utf8.map(ASCII.upper)) }
}
