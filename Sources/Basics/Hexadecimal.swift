/// Octets as pairs of hexadecimal digits.
package enum Hexadecimal {
  /// Lower-case digits.
  package static func encode(_ octets: [UInt8]) -> String { encode(octets[...]) }

  /// Lower-case digits.
  package static func encode(_ octets: ArraySlice<UInt8>) -> String {
    String(unsafeUninitializedCapacity: octets.count * 2) { digits in
      var end = 0
      for octet in octets {
        digits[end] = digit(octet >> 4)
        digits[end + 1] = digit(octet & 0xf)
        end += 2
      }
      return end
    }
  }

  /// The octets of digits in either case; `nil` for anything else.
  package static func decode(_ digits: some Sequence<UInt8>) -> [UInt8]? {
    var octets: [UInt8] = []
    var high: UInt8?
    for digit in digits {
      guard let value = value(digit) else { return nil }
      if let first = high {
        octets.append(first << 4 | value)
        high = nil
      } else {
        high = value
      }
    }
    return high == nil ? octets : nil
  }

  private static func digit(_ value: UInt8) -> UInt8 {
    value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
  }

  private static func value(_ digit: UInt8) -> UInt8? {
    switch digit {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
    default: nil
    }
  }
}
