import Basics

/// The PROXY protocol's header, versions 1 and 2 (HAProxy, proxy-protocol.txt sections 2.1 and 2.2).
enum ProxyHeader: Equatable {
  /// The proxy's own connection (`LOCAL`, `UNKNOWN`): the real addresses stand.
  case local
  case proxied(source: IPAddress, sourcePort: Int, destination: IPAddress, destinationPort: Int)

  /// What parsing came to.
  enum Result: Equatable {
    case incomplete
    case complete(ProxyHeader, length: Int)
  }

  /// The connection does not begin with a header, or with a wrong one.
  struct Malformed: Error, Equatable {}

  /// Longest header of version 1, its CRLF included.
  static let longestText = 107
  /// Longest address part of version 2 that is accepted; the rest of the format's 65535 octets has no use here.
  static let longestBinary = 4096

  private static let signature: [UInt8] = [
    0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a,
  ]
  private static let word = Array("PROXY ".utf8)

  /// Looks at the first octets of a connection.
  static func parse(_ octets: UnsafeRawBufferPointer) throws(Malformed) -> Result {
    if octets.prefix(signature.count).elementsEqual(signature.prefix(octets.count)) { return try parseBinary(octets) }
    guard octets.prefix(word.count).elementsEqual(word.prefix(octets.count)) else { throw Malformed() }
    return try parseText(octets)
  }

  private static func parseText(_ octets: UnsafeRawBufferPointer) throws(Malformed) -> Result {
    let head = octets.prefix(longestText)
    guard let end = head.firstIndex(of: 0x0a) else {
      if octets.count >= longestText { throw Malformed() }
      return .incomplete
    }
    guard end > 0, octets[end - 1] == 0x0d else { throw Malformed() }
    let fields = String(decoding: octets[..<(end - 1)], as: UTF8.self)
      .split(separator: " ", omittingEmptySubsequences: false)
    if fields.count >= 2, fields[1] == "UNKNOWN" { return .complete(.local, length: end + 1) }
    guard fields.count == 6, fields[1] == "TCP4" || fields[1] == "TCP6",
      let source = IPAddress(fields[2]), let destination = IPAddress(fields[3]),
      let sourcePort = port(fields[4]), let destinationPort = port(fields[5])
    else { throw Malformed() }
    if fields[1] == "TCP4", source.bitWidth != 32 || destination.bitWidth != 32 { throw Malformed() }
    let header = ProxyHeader.proxied(
      source: source, sourcePort: sourcePort, destination: destination, destinationPort: destinationPort)
    return .complete(header, length: end + 1)
  }

  private static func port(_ text: Substring) -> Int? {
    guard (1...5).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
      let number = Int(text), number <= 65_535
    else { return nil }
    return number
  }

  private static func parseBinary(_ octets: UnsafeRawBufferPointer) throws(Malformed) -> Result {
    guard octets.count >= 16 else { return .incomplete }
    let length = Int(octets[14]) << 8 | Int(octets[15])
    guard octets[12] >> 4 == 2, length <= longestBinary else { throw Malformed() }
    guard octets.count >= 16 + length else { return .incomplete }
    switch octets[12] & 0x0f {
    case 0: return .complete(.local, length: 16 + length)
    case 1: break
    default: throw Malformed()
    }
    // Address family in the upper four bits, transport in the lower: 1 is a stream.
    let width: Int
    switch octets[13] {
    case 0x11: width = 4
    case 0x21: width = 16
    case 0x00: return .complete(.local, length: 16 + length)
    default: throw Malformed()
    }
    guard length >= 2 * width + 4,
      let source = IPAddress(octets: Array(octets[16..<16 + width])),
      let destination = IPAddress(octets: Array(octets[16 + width..<16 + 2 * width]))
    else { throw Malformed() }
    let ports = 16 + 2 * width
    let header = ProxyHeader.proxied(
      source: source, sourcePort: Int(octets[ports]) << 8 | Int(octets[ports + 1]), destination: destination,
      destinationPort: Int(octets[ports + 2]) << 8 | Int(octets[ports + 3]))
    return .complete(header, length: 16 + length)
  }
}
