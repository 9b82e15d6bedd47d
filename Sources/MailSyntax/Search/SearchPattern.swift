/// A string to look for, case folded; the search takes time linear to what is searched, whatever the string.
///
///     SearchPattern("Résumé").isFound(in: "my RÉSUMÉ")  // true
package struct SearchPattern: Hashable, Sendable {
  /// The folded string in UTF-8.
  package let octets: [UInt8]
  /// Whether the string is ASCII only, so that it can be found in UTF-8 without folding that first.
  package let isASCII: Bool
  /// For each prefix, the length of its longest border (Knuth, Morris and Pratt).
  private let borders: [Int]

  private static let asciiFold = (0...255).map { ASCII.lower(UInt8($0)) }

  /// Makes a pattern; the empty one is found everywhere.
  package init(_ text: String) {
    octets = Array(TextFold.fold(text).utf8)
    isASCII = octets.allSatisfy { $0 < 0x80 }
    var borders = [Int](repeating: 0, count: octets.count)
    var length = 0
    for index in octets.indices.dropFirst() {
      while length > 0, octets[index] != octets[length] { length = borders[length - 1] }
      if octets[index] == octets[length] { length += 1 }
      borders[index] = length
    }
    self.borders = borders
  }

  /// Whether the pattern is in a text.
  package func isFound(in text: String) -> Bool { isFound(inFolded: Array(TextFold.fold(text).utf8)) }

  /// Whether the pattern is in text that was folded already.
  package func isFound(inFolded text: [UInt8]) -> Bool { isFound(inASCIICaseless: text.span, range: 0..<text.count) }

  /// Whether the pattern is in octets, ASCII letters compared without case and all others as they are.
  package func isFound(inASCIICaseless text: Span<UInt8>, range: Range<Int>) -> Bool {
    guard !octets.isEmpty else { return true }
    let end = min(range.upperBound, text.count)
    let fold = Self.asciiFold
    let first = octets[0]
    let firstUpper = ASCII.upper(first)
    var matched = 0
    var index = max(range.lowerBound, 0)
    while index < end {
      if matched == 0 {
        while index < end, text[index] != first, text[index] != firstUpper { index += 1 }
        guard index < end else { return false }
      }
      let octet = fold[Int(text[index])]
      while matched > 0, octet != octets[matched] { matched = borders[matched - 1] }
      if octet == octets[matched] { matched += 1 }
      if matched == octets.count { return true }
      index += 1
    }
    return false
  }
}
