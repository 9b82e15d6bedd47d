@_spi(_Unicode) import Swift

/// How SEARCH, SORT and THREAD compare: `i;unicode-casemap` (RFC 5051), which I18NLEVEL=1 asks for (RFC 5255
/// section 4.3).
///
/// Every character is decomposed, compatibility forms too, and raised to its title case. Both are done to what comes
/// out of the other, so that a ligature is the same as its letters. Hangul syllables stay whole.
///
///     CaseMap.fold("ﬁancé") == CaseMap.fold("FIANCE\u{301}")  // true
package enum CaseMap {
  /// A text made ready for comparison octet by octet.
  package static func fold(_ text: String) -> String {
    var text = text
    let upper = text.withUTF8 { octets -> String? in
      guard octets.allSatisfy({ $0 < 0x80 }) else { return nil }
      return String(unsafeUninitializedCapacity: octets.count) { space in
        for index in octets.indices { space[index] = ASCII.upper(octets[index]) }
        return octets.count
      }
    }
    if let upper { return upper }
    return String(decoding: octets(text), as: UTF8.self)
  }

  /// UTF-8 made ready for comparison; octets that are no UTF-8 become U+FFFD.
  package static func fold(utf8 octets: [UInt8]) -> [UInt8] {
    if octets.allSatisfy({ $0 < 0x80 }) { return octets.map(ASCII.upper) }
    return self.octets(String(decoding: octets, as: UTF8.self))
  }

  private static func octets(_ text: String) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(text.utf8.count + text.utf8.count / 4)
    let text = text.unicodeScalars.contains(where: isJamo) ? TextFold.composed(text) : text
    let known = Self.known
    var rare: [UInt32: [UInt8]] = [:]
    for scalar in text.unicodeScalars {
      if scalar.value < 0x80 {
        result.append(ASCII.upper(UInt8(truncatingIfNeeded: scalar.value)))
      } else if scalar.value < known.limit {
        known.append(scalar, to: &result)
      } else if isPlain(scalar.value) {
        result.append(contentsOf: scalar.utf8)
      } else {
        let form = rare[scalar.value] ?? Self.folded(scalar)
        // Room for all that a script has, and an end to what a text can make us remember.
        if rare.count < 4096 { rare[scalar.value] = form }
        result.append(contentsOf: form)
      }
    }
    return result
  }

  /// Parts of Hangul syllables, which some programs send one by one.
  private static func isJamo(_ scalar: Unicode.Scalar) -> Bool { (0x1100...0x11ff).contains(scalar.value) }

  /// Large blocks without case and decompositions: Han, Yi, Hangul, private use.
  private static func isPlain(_ value: UInt32) -> Bool {
    (0x3400...0xa63f).contains(value) || (0xac00...0xf8ff).contains(value) || (0x20000...0x2f7ff).contains(value)
  }

  /// One character, in UTF-8.
  private static func folded(_ scalar: Unicode.Scalar) -> [UInt8] {
    var decomposed = String.UnicodeScalarView()
    if let form = forms[scalar.value] {
      decomposed.append(contentsOf: form)
      // As everywhere, syllables in one piece.
      if form.contains(where: isJamo) { decomposed = TextFold.composed(String(decomposed)).unicodeScalars }
    } else {
      decomposed.append(contentsOf: String(scalar)._nfd)
    }
    var result: [UInt8] = []
    for scalar in decomposed {
      // RFC 5051 section 2: the mapping of one character to one, which ß does not have.
      let mapping = scalar.properties.titlecaseMapping.unicodeScalars
      let title = mapping.count == 1 ? mapping.first ?? scalar : scalar
      result.append(contentsOf: title.utf8)
    }
    return result
  }

  /// The characters of the common scripts, folded once for all.
  private struct Known: Sendable {
    let limit: UInt32 = 0x3400
    private var octets: [UInt8] = []
    private var ends: [UInt32] = []

    init() {
      for value in 0..<limit {
        if let scalar = Unicode.Scalar(value) { octets.append(contentsOf: CaseMap.folded(scalar)) }
        ends.append(UInt32(truncatingIfNeeded: octets.count))
      }
    }

    /// - Parameter scalar: below `limit`, and no control.
    func append(_ scalar: Unicode.Scalar, to result: inout [UInt8]) {
      let index = Int(scalar.value)
      guard index > 0, index < ends.count else { return }
      result.append(contentsOf: octets[Int(ends[index - 1])..<Int(ends[index])])
    }
  }

  private static let known = Known()

  private static let forms: [UInt32: [Unicode.Scalar]] = {
    var result: [UInt32: [Unicode.Scalar]] = [:]
    let table = CompatibilityForms.table.withUTF8Buffer { Array($0) }
    for entry in table.split(separator: ASCII.space) {
      let sides = entry.split(separator: ASCII.equals)
      let run = sides[0].split(separator: ASCII.plus).map(number)
      guard sides.count == 2, let first = run.first else { continue }
      let target = sides[1].split(separator: ASCII.dot).map(number)
      for step in 0...(run.count > 1 ? run[1] : 0) {
        // Only runs of single characters rise.
        result[first &+ step] = target.compactMap { Unicode.Scalar($0 &+ step) }
      }
    }
    return result
  }()

  private static func number(_ digits: ArraySlice<UInt8>) -> UInt32 {
    digits.reduce(0) { $0 << 4 | UInt32(ASCII.hexValue($1) ?? 0) }
  }
}
