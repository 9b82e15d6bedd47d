import Basics
import DNSResolver

/// Names under `in-addr.arpa` and `ip6.arpa`.
enum ReverseName {
  static func of(_ address: IPAddress) -> String { DNSResolver.reverseName(address) }
}
