@_spi(_Unicode) import Swift

/// Case folding for comparison and search: ASCII lower case; for the rest Unicode's own lower
/// case in composed form (NFC), so that both spellings of `é` are the same.
package enum TextFold {
  /// A text folded.
  package static func fold(_ text: String) -> String {
    if text.utf8.allSatisfy({ $0 < 0x80 }) { return ASCII.lowercased(text) }
    return composed(text.lowercased())
  }

  /// UTF-8 octets folded; octets that are no UTF-8 become U+FFFD.
  package static func fold(utf8 octets: [UInt8]) -> [UInt8] {
    if octets.allSatisfy({ $0 < 0x80 }) { return octets.map(ASCII.lower) }
    return Array(fold(String(decoding: octets, as: UTF8.self)).utf8)
  }

  /// A text in Unicode's composed form, NFC.
  static func composed(_ text: String) -> String {
    var scalars = String.UnicodeScalarView()
    scalars.append(contentsOf: text._nfc)
    return String(scalars)
  }
}
