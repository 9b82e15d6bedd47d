@_spi(_Unicode) import Swift

/// Domain labels between Unicode and A-labels, by IDNA2008 (RFC 5890–5892) with the usual mapping of RFC 5895 before.
enum IDNA {
  /// The ASCII form of one label given in any script and case.
  ///
  /// - Throws: `AddressError.invalidDomain`, `.invalidPunycode` or `.tooLong`.
  static func asciiLabel(_ label: Substring) throws(AddressError) -> String {
    if label.utf8.allSatisfy({ $0 < 0x80 }) { return try checkedASCII(ASCII.lowercased(label)) }
    let mapped = mapLabel(label)
    if mapped.allSatisfy(\.isASCII) {
      return try checkedASCII(text(mapped))
    }
    guard isValidUnicode(mapped) else { throw .invalidDomain }
    guard let encoded = Punycode.encode(mapped) else { throw .tooLong }
    guard encoded.utf8.count <= 59 else { throw .tooLong }
    return "xn--" + encoded
  }

  /// The Unicode form of an A-label, or the label itself when it is none or breaks the rules.
  static func unicodeLabel(_ label: Substring) -> String {
    guard label.hasPrefix("xn--"), let scalars = Punycode.decode(label.dropFirst(4)), isValidUnicode(scalars)
    else { return String(label) }
    return text(scalars)
  }

  private static func text(_ scalars: [Unicode.Scalar]) -> String {
    var view = String.UnicodeScalarView()
    view.append(contentsOf: scalars)
    return String(view)
  }

  /// RFC 5895 section 2: lower case, full-width forms to their plain ones, NFC.
  private static func mapLabel(_ label: Substring) -> [Unicode.Scalar] {
    var mapped = String.UnicodeScalarView()
    for scalar in label.unicodeScalars {
      if (0xff01...0xff5e).contains(scalar.value), let plain = Unicode.Scalar(scalar.value - 0xfee0) {
        mapped.append(contentsOf: plain.properties.lowercaseMapping.unicodeScalars)
      } else {
        mapped.append(contentsOf: scalar.properties.lowercaseMapping.unicodeScalars)
      }
    }
    return Array(String(mapped)._nfc)
  }

  /// Letters, digits, hyphens and underscores; the underscore is no host name's, but names with it receive mail.
  private static func checkedASCII(_ label: String) throws(AddressError) -> String {
    let octets = Array(label.utf8)
    guard let first = octets.first, let last = octets.last else { throw .invalidDomain }
    guard octets.count <= 63 else { throw .tooLong }
    guard first != ASCII.hyphen, last != ASCII.hyphen,
      octets.allSatisfy({ ASCII.isLetter($0) || ASCII.isDigit($0) || $0 == ASCII.hyphen || $0 == ASCII.underscore })
    else { throw .invalidDomain }
    if label.hasPrefix("xn--") {
      guard let scalars = Punycode.decode(label.dropFirst(4)), !scalars.allSatisfy(\.isASCII),
        Punycode.encode(scalars) == String(label.dropFirst(4))
      else { throw .invalidPunycode }
    }
    return label
  }

  /// The label rules of RFC 5891 section 4.2.3 and the code point classes of RFC 5892.
  private static func isValidUnicode(_ scalars: [Unicode.Scalar]) -> Bool {
    guard let first = scalars.first, let last = scalars.last, first != "-", last != "-" else { return false }
    switch first.properties.generalCategory {
    case .nonspacingMark, .spacingMark, .enclosingMark: return false
    default: break
    }
    if scalars.count >= 4, scalars[2] == "-", scalars[3] == "-" { return false }
    guard Array(text(scalars)._nfc) == scalars else { return false }
    return scalars.indices.allSatisfy { isValid(scalars, at: $0) }
  }

  private static func isValid(_ scalars: [Unicode.Scalar], at index: Int) -> Bool {
    let scalar = scalars[index]
    if scalar.isASCII {
      let octet = UInt8(truncatingIfNeeded: scalar.value)
      return ASCII.isDigit(octet) || (ASCII.isLetter(octet) && ASCII.lower(octet) == octet) || octet == ASCII.hyphen
    }
    switch scalar.value {
    case 0x00df, 0x03c2, 0x06fd, 0x06fe, 0x0f0b, 0x3007:
      return true
    case 0x0640, 0x07fa, 0x302e, 0x302f, 0x3031...0x3035, 0x303b, 0x1100...0x11ff, 0xa960...0xa97c, 0xd7b0...0xd7fb:
      return false
    case 0x00b7, 0x0375, 0x05f3, 0x05f4, 0x200c, 0x200d, 0x30fb:
      return isValidInContext(scalars, at: index)
    default:
      break
    }
    let properties = scalar.properties
    guard !properties.changesWhenNFKCCaseFolded, !properties.isDefaultIgnorableCodePoint else { return false }
    switch properties.generalCategory {
    case .lowercaseLetter, .otherLetter, .modifierLetter, .nonspacingMark, .spacingMark, .decimalNumber:
      return true
    default:
      return false
    }
  }

  /// RFC 5892 appendix A.
  private static func isValidInContext(_ scalars: [Unicode.Scalar], at index: Int) -> Bool {
    let before = index > 0 ? scalars[index - 1] : nil
    let after = index + 1 < scalars.count ? scalars[index + 1] : nil
    switch scalars[index].value {
    case 0x00b7: return before == "l" && after == "l"
    case 0x0375: return after.map { (0x0370...0x03ff).contains($0.value) } ?? false
    case 0x05f3, 0x05f4: return before.map { (0x0590...0x05ff).contains($0.value) } ?? false
    case 0x200c, 0x200d: return before?.properties.canonicalCombiningClass == .virama
    case 0x30fb:
      return scalars.contains {
        (0x3041...0x309f).contains($0.value) || (0x30a1...0x30fa).contains($0.value)
          || (0x30fc...0x30ff).contains($0.value) || $0.properties.isIdeographic
      }
    default: return false
    }
  }
}
