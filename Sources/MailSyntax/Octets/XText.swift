/// The `xtext` of RFC 3461 section 4: printable ASCII with `+XX` for the rest; carries ENVID, ORCPT and AUTH= values.
package enum XText {
  /// Encodes octets; `+`, `=`, blanks, controls and octets above 126 become `+XX`.
  package static func encode(_ bytes: some Collection<UInt8>) -> String {
    var result: [UInt8] = []
    result.reserveCapacity(bytes.count)
    for byte in bytes {
      if byte > ASCII.space, byte < 0x7f, byte != ASCII.plus, byte != ASCII.equals {
        result.append(byte)
      } else {
        result.append(ASCII.plus)
        result.append(ASCII.hexDigit(byte >> 4))
        result.append(ASCII.hexDigit(byte))
      }
    }
    return String(decoding: result, as: UTF8.self)
  }

  /// Encodes the UTF-8 octets of a text.
  package static func encode(_ text: some StringProtocol) -> String { encode(Array(text.utf8)) }

  /// Decodes an xtext.
  ///
  /// Lower-case hexadecimal digits are accepted, as several senders write them.
  /// - Returns: `nil` when an octet outside 33–126, a bare `=` or a broken `+XX` is found.
  package static func decode(_ bytes: some Collection<UInt8>) -> [UInt8]? {
    var result: [UInt8] = []
    result.reserveCapacity(bytes.count)
    var iterator = bytes.makeIterator()
    while let byte = iterator.next() {
      guard byte > ASCII.space, byte < 0x7f, byte != ASCII.equals else { return nil }
      guard byte == ASCII.plus else {
        result.append(byte)
        continue
      }
      guard let first = iterator.next(), let high = ASCII.hexValue(first),
        let second = iterator.next(), let low = ASCII.hexValue(second)
      else { return nil }
      result.append(high << 4 | low)
    }
    return result
  }

  /// Decodes an xtext from a text.
  package static func decode(_ text: some StringProtocol) -> [UInt8]? { decode(Array(text.utf8)) }
}
