/// Mailbox names on the IMAP wire: modified UTF-7 of RFC 3501 section 5.1.3.
///
///     ModifiedUTF7.encode("~peter/mail/台北")  // "~peter/mail/&U,BTFw-"
package enum ModifiedUTF7 {
  private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,".utf8)

  /// Encodes a name; the result is printable ASCII.
  ///
  /// - Parameter alsoShifting: printable characters that are encoded like the others, for names that must not hold
  ///   them as they are.
  package static func encode(_ name: String, alsoShifting: String.UnicodeScalarView = .init()) -> String {
    var result: [UInt8] = []
    var pending: [UInt16] = []
    for scalar in name.unicodeScalars {
      guard (0x20...0x7e).contains(scalar.value), !alsoShifting.contains(scalar) else {
        pending.append(contentsOf: UTF16.encode(scalar).map(Array.init) ?? [])
        continue
      }
      flush(&pending, to: &result)
      result.append(UInt8(truncatingIfNeeded: scalar.value))
      if scalar == "&" { result.append(ASCII.hyphen) }
    }
    flush(&pending, to: &result)
    return String(decoding: result, as: UTF8.self)
  }

  /// Decodes a name.
  ///
  /// - Parameter alsoShifting: as given to `encode`.
  /// - Returns: `nil` for anything that is not the one canonical spelling: octets outside 0x20–0x7e, shifts that
  ///   are not closed, encoded printable ASCII, loose surrogates, neighbouring shifts, stray bits.
  package static func decode(
    _ bytes: some Collection<UInt8>, alsoShifting: String.UnicodeScalarView = .init()
  ) -> String? {
    var scalars = String.UnicodeScalarView()
    var iterator = bytes.makeIterator()
    while let octet = iterator.next() {
      guard (ASCII.space...ASCII.tilde).contains(octet) else { return nil }
      guard octet == ASCII.ampersand else {
        scalars.append(Unicode.Scalar(octet))
        continue
      }
      var units: [UInt16] = []
      var bits: UInt32 = 0
      var held: UInt32 = 0
      var isEmpty = true
      while true {
        guard let digit = iterator.next() else { return nil }
        if digit == ASCII.hyphen { break }
        guard let value = value(of: digit) else { return nil }
        isEmpty = false
        bits = bits << 6 | UInt32(value)
        held += 6
        if held >= 16 {
          held -= 16
          units.append(UInt16(truncatingIfNeeded: bits >> held))
          bits &= (1 << held) - 1
        }
      }
      if isEmpty {
        scalars.append("&")
        continue
      }
      guard let text = String(validating: units, as: UTF16.self) else { return nil }
      scalars.append(contentsOf: text.unicodeScalars)
    }
    let name = String(scalars)
    return encode(name, alsoShifting: alsoShifting).utf8.elementsEqual(bytes) ? name : nil
  }

  /// Decodes a name given as text.
  package static func decode(_ text: some StringProtocol) -> String? { decode(Array(text.utf8)) }

  private static func flush(_ pending: inout [UInt16], to result: inout [UInt8]) {
    guard !pending.isEmpty else { return }
    result.append(ASCII.ampersand)
    var bits: UInt32 = 0
    var held: UInt32 = 0
    for unit in pending {
      bits = bits << 16 | UInt32(unit)
      held += 16
      while held >= 6 {
        held -= 6
        result.append(alphabet[Int(bits >> held & 63)])
      }
      bits &= (1 << held) - 1
    }
    if held > 0 { result.append(alphabet[Int(bits << (6 - held) & 63)]) }
    result.append(ASCII.hyphen)
    pending = []
  }

  private static func value(of digit: UInt8) -> UInt8? {
    if digit == ASCII.comma { return 63 }
    if digit == ASCII.slash { return nil }
    let value = Base64.values[Int(digit)]
    return value < 64 ? value : nil
  }
}
