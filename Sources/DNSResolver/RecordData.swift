import Basics

/// Reads record data in wire form (RFC 1035 section 3.3), names uncompressed as libunbound gives them.
enum RecordData {
  static func mx(_ data: [UInt8]) -> MXRecord? {
    guard data.count >= 3, let host = name(data[2...]) else { return nil }
    return MXRecord(preference: UInt16(data[0]) << 8 | UInt16(data[1]), host: host)
  }

  static func tlsa(_ data: [UInt8]) -> TLSARecord? {
    guard data.count > 3 else { return nil }
    return TLSARecord(usage: data[0], selector: data[1], matching: data[2], data: Array(data[3...]))
  }

  /// The character strings of a TXT record, joined.
  static func txt(_ data: [UInt8]) -> [UInt8]? {
    var result: [UInt8] = []
    var rest = data[...]
    while let length = rest.first {
      rest = rest.dropFirst()
      guard rest.count >= Int(length) else { return nil }
      result += rest.prefix(Int(length))
      rest = rest.dropFirst(Int(length))
    }
    return result
  }

  /// A domain name in lower case, labels joined by dots; octets a host name cannot have become `\DDD`.
  static func name(_ data: ArraySlice<UInt8>) -> String? {
    var labels: [String] = []
    var rest = data
    while let length = rest.first {
      rest = rest.dropFirst()
      if length == 0 { return labels.joined(separator: ".") }
      guard length <= 63, rest.count >= Int(length) else { return nil }
      labels.append(rest.prefix(Int(length)).map(character).joined())
      rest = rest.dropFirst(Int(length))
    }
    return nil
  }

  private static func character(_ octet: UInt8) -> String {
    switch octet {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): String(UnicodeScalar(octet | 0x20))
    case UInt8(ascii: "."), UInt8(ascii: "\\"): "\\" + String(UnicodeScalar(octet))
    case 0x21...0x7e: String(UnicodeScalar(octet))
    default: "\\" + String(repeating: "0", count: 3 - String(octet).count) + String(octet)
    }
  }
}

/// The record types asked for (RFC 1035 section 3.2.2, RFC 3596, RFC 6698).
enum RecordType: Int32 {
  case a = 1
  case ns = 2
  case ptr = 12
  case mx = 15
  case txt = 16
  case aaaa = 28
  case tlsa = 52
}
