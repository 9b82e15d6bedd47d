@_spi(_Unicode) import Swift

/// Case folding of names that people are known by.
///
/// ASCII lower case; for the rest Unicode's own lower case in composed form (NFC), so that both spellings of `é` are the
/// same. What mail says is compared by `CaseMap`.
package enum TextFold {
  /// A text folded.
  package static func fold(_ text: String) -> String {
    if text.utf8.allSatisfy({ $0 < 0x80 }) { return ASCII.lowercased(text) }
    return composed(text.lowercased())
  }

  /// A text in Unicode's composed form, NFC.
  static func composed(_ text: String) -> String {
    var scalars = String.UnicodeScalarView()
    scalars.append(contentsOf: text._nfc)
    return String(scalars)
  }
}
