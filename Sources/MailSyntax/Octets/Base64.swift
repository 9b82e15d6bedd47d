/// Base64 of RFC 4648 section 4, strict: canonical alphabet, right padding, no white space, zero trailing bits.
///
/// Message bodies, which carry line ends and accidents, go through `TransferEncoding` instead.
package enum Base64 {
  static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

  /// The value of each octet in the standard alphabet; 255 for octets outside it.
  static let values: [UInt8] = {
    var table = [UInt8](repeating: 255, count: 256)
    for (value, octet) in alphabet.enumerated() { table[Int(octet)] = UInt8(truncatingIfNeeded: value) }
    return table
  }()

  /// Encodes octets on one line, with padding.
  package static func encodedBytes(_ bytes: some Collection<UInt8>) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity((bytes.count + 2) / 3 * 4)
    var group: UInt32 = 0
    var held = 0
    for byte in bytes {
      group = group << 8 | UInt32(byte)
      held += 1
      if held == 3 {
        append(group, digits: 4, to: &result)
        group = 0
        held = 0
      }
    }
    if held > 0 {
      append(group << UInt32(8 * (3 - held)), digits: held + 1, to: &result)
      for _ in held..<3 { result.append(ASCII.equals) }
    }
    return result
  }

  /// Encodes octets as a string on one line, with padding.
  ///
  ///     Base64.encode(Array("Username:".utf8))  // "VXNlcm5hbWU6"
  package static func encode(_ bytes: some Collection<UInt8>) -> String {
    String(decoding: encodedBytes(bytes), as: UTF8.self)
  }

  /// Decodes octets.
  ///
  /// - Returns: `nil` for anything that `encode` would not have written; the empty array for no input.
  package static func decode(_ bytes: some Collection<UInt8>) -> [UInt8]? {
    let count = bytes.count
    guard count % 4 == 0 else { return nil }
    var result: [UInt8] = []
    result.reserveCapacity(count / 4 * 3)
    var group: UInt32 = 0
    var digits = 0
    var padding = 0
    for byte in bytes {
      if byte == ASCII.equals {
        padding += 1
        continue
      }
      let value = values[Int(byte)]
      guard value < 64, padding == 0 else { return nil }
      group = group << 6 | UInt32(value)
      digits += 1
      if digits == 4 {
        result.append(UInt8(truncatingIfNeeded: group >> 16))
        result.append(UInt8(truncatingIfNeeded: group >> 8))
        result.append(UInt8(truncatingIfNeeded: group))
        group = 0
        digits = 0
      }
    }
    switch (digits, padding) {
    case (0, 0):
      return result
    case (2, 2) where group & 0x0f == 0:
      result.append(UInt8(truncatingIfNeeded: group >> 4))
      return result
    case (3, 1) where group & 0x03 == 0:
      result.append(UInt8(truncatingIfNeeded: group >> 10))
      result.append(UInt8(truncatingIfNeeded: group >> 2))
      return result
    default:
      return nil
    }
  }

  /// Decodes the UTF-8 octets of a text.
  ///
  /// - Returns: `nil` for anything that `encode` would not have written.
  package static func decode(_ text: some StringProtocol) -> [UInt8]? { decode(Array(text.utf8)) }

  private static func append(_ group: UInt32, digits: Int, to result: inout [UInt8]) {
    for index in 0..<digits { result.append(alphabet[Int(group >> UInt32(18 - 6 * index)) & 63]) }
  }
}
