#if canImport(Glibc)
  import Glibc
#endif

/// An IPv4 or IPv6 address as a value, without a port or a zone.
///
/// IPv4-mapped IPv6 addresses (`::ffff:a.b.c.d`, RFC 4291 section 2.5.5.2) are folded to IPv4 when
/// they are made, so that one client never has two keys.
package enum IPAddress: Hashable, Sendable {
  /// An IPv4 address in host byte order.
  case v4(UInt32)
  /// An IPv6 address as its upper and lower 64 bits in host byte order.
  case v6(UInt64, UInt64)

  /// Parses the usual text forms; square brackets and an `IPv6:` tag (RFC 5321 section 4.1.3) are accepted.
  ///
  /// - Parameter text: `192.0.2.1`, `2001:db8::1`, `[2001:db8::1]` or `[IPv6:2001:db8::1]`.
  package init?(_ text: some StringProtocol) {
    var body = Substring(text)
    if body.hasPrefix("["), body.hasSuffix("]") { body = body.dropFirst().dropLast() }
    if body.lowercased().hasPrefix("ipv6:") { body = body.dropFirst(5) }
    guard body.utf8.count <= 45, !body.utf8.contains(0) else { return nil }
    let string = String(body)
    var four = in_addr()
    if inet_pton(AF_INET, string, &four) == 1 {
      self = .v4(UInt32(bigEndian: four.s_addr))
      return
    }
    var six = in6_addr()
    guard inet_pton(AF_INET6, string, &six) == 1 else { return nil }
    let octets = withUnsafeBytes(of: &six) { Array($0) }
    self.init(octets: octets)
  }

  /// Makes an address from 4 or 16 octets in network order.
  ///
  /// - Returns: `nil` for any other count.
  package init?(octets: [UInt8]) {
    switch octets.count {
    case 4:
      self = .v4(octets.reduce(0) { $0 << 8 | UInt32($1) })
    case 16:
      let high = octets[0..<8].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
      let low = octets[8..<16].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
      self = high == 0 && low >> 32 == 0xffff ? .v4(UInt32(truncatingIfNeeded: low)) : .v6(high, low)
    default:
      return nil
    }
  }

  /// The octets in network order: 4 or 16 of them.
  package var octets: [UInt8] {
    switch self {
    case .v4(let value):
      return (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) }
    case .v6(let high, let low):
      return (0..<16).map { index in
        let half = index < 8 ? high : low
        return UInt8(truncatingIfNeeded: half >> UInt64(56 - 8 * (index % 8)))
      }
    }
  }

  /// Number of bits in the address: 32 or 128.
  package var bitWidth: Int {
    if case .v4 = self { return 32 }
    return 128
  }

  /// Whether the address belongs to the host itself (127.0.0.0/8, ::1).
  package var isLoopback: Bool { IPNetwork.loopback.contains { $0.contains(self) } }

  /// Whether the address is private (RFC 1918, RFC 6598 shared space, RFC 4193 unique local).
  package var isPrivate: Bool { IPNetwork.privateRanges.contains { $0.contains(self) } }

  /// Whether the address can never identify a client: unspecified, link-local or multicast.
  package var isUnroutable: Bool { IPNetwork.unroutable.contains { $0.contains(self) } }

  /// The address literal of RFC 5321 section 4.1.3: `[192.0.2.1]` or `[IPv6:2001:db8::1]`.
  package var literal: String {
    if case .v4 = self { return "[\(self)]" }
    return "[IPv6:\(self)]"
  }

  /// The network in which one client may be expected to move: /32 for IPv4, /64 (by default) for IPv6.
  package func clientNetwork(ipv6Prefix: Int = 64) -> IPNetwork {
    if case .v4 = self { return IPNetwork(self, prefix: 32) }
    return IPNetwork(self, prefix: ipv6Prefix)
  }
}

extension IPAddress: CustomStringConvertible {
  /// The canonical text form (RFC 5952 for IPv6).
  package var description: String {
    var buffer = [CChar](repeating: 0, count: 46)
    let octets = self.octets
    let family = octets.count == 4 ? AF_INET : AF_INET6
    guard inet_ntop(family, octets, &buffer, 46) != nil else { return "?" }
    return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}

/// A network: an address with its host bits cleared, and a prefix length.
package struct IPNetwork: Hashable, Sendable {
  /// The first address of the network.
  package let address: IPAddress
  /// Number of leading bits that count: 0–32 or 0–128.
  package let prefix: Int

  /// Makes a network; host bits are cleared and the prefix is clamped to the family's width.
  package init(_ address: IPAddress, prefix: Int) {
    let bits = min(max(prefix, 0), address.bitWidth)
    self.prefix = bits
    switch address {
    case .v4(let value):
      self.address = .v4(bits == 0 ? 0 : value & (UInt32.max << UInt32(32 - bits)))
    case .v6(let high, let low):
      let keptHigh = bits >= 64 ? high : (bits == 0 ? 0 : high & (UInt64.max << UInt64(64 - bits)))
      let keptLow = bits <= 64 ? 0 : low & (UInt64.max << UInt64(128 - bits))
      self.address = .v6(keptHigh, keptLow)
    }
  }

  /// Parses `192.0.2.0/24`, `2001:db8::/32` or a single address.
  package init?(_ text: some StringProtocol) {
    let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    guard let first = parts.first, let address = IPAddress(first) else { return nil }
    guard parts.count == 2 else {
      self.init(address, prefix: address.bitWidth)
      return
    }
    guard let prefix = Int(parts[1]), prefix >= 0, prefix <= address.bitWidth else { return nil }
    self.init(address, prefix: prefix)
  }

  /// Whether the address lies in this network; families never mix.
  package func contains(_ other: IPAddress) -> Bool {
    switch (address, other) {
    case (.v4, .v4), (.v6, .v6):
      return IPNetwork(other, prefix: prefix).address == address
    default:
      return false
    }
  }

  static let loopback = ["127.0.0.0/8", "::1/128"].compactMap { IPNetwork($0) }
  static let privateRanges = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"]
    .compactMap { IPNetwork($0) }
  static let unroutable = ["0.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3", "::/128", "fe80::/10", "ff00::/8"]
    .compactMap { IPNetwork($0) }
}

extension IPNetwork: CustomStringConvertible {
  /// `192.0.2.1` for a single address, else `192.0.2.0/24`.
  package var description: String {
    prefix == address.bitWidth ? "\(address)" : "\(address)/\(prefix)"
  }
}
