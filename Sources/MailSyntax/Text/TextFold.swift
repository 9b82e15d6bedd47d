/// Case folding for comparison and search: ASCII lower case, and Unicode's own lower case for the rest.
package enum TextFold {
  /// A text folded.
  package static func fold(_ text: String) -> String {
    if text.utf8.allSatisfy({ $0 < 0x80 }) { return ASCII.lowercased(text) }
    return text.lowercased()
  }

  /// UTF-8 octets folded; octets that are no UTF-8 become U+FFFD.
  package static func fold(utf8 octets: [UInt8]) -> [UInt8] {
    if octets.allSatisfy({ $0 < 0x80 }) { return octets.map(ASCII.lower) }
    return Array(String(decoding: octets, as: UTF8.self).lowercased().utf8)
  }
}
