import Basics
import Glibc
import NIOCore

extension IPAddress {
  /// The address of a socket; `nil` for a Unix one.
  init?(_ address: SocketAddress) {
    switch address {
    case .v4(let four):
      self = .v4(UInt32(bigEndian: four.address.sin_addr.s_addr))
    case .v6(let six):
      var octets = six.address.sin6_addr
      self.init(octets: withUnsafeBytes(of: &octets) { Array($0) })
    case .unixDomainSocket:
      return nil
    }
  }

  /// `192.0.2.1:25` or `[2001:db8::1]:25`.
  func withPort(_ port: Int) -> String {
    if case .v4 = self { return "\(self):\(port)" }
    return "[\(self)]:\(port)"
  }
}
