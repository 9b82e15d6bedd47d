import Basics

#if canImport(Glibc)
  import Glibc
#endif

/// The addresses of this host's own interfaces.
package enum HostAddresses {
  /// Asks the kernel; empty when it does not answer.
  package static func current() -> Set<IPAddress> {
    var head: UnsafeMutablePointer<ifaddrs>?
    guard getifaddrs(&head) == 0, let first = head else { return [] }
    defer { freeifaddrs(first) }
    var found: Set<IPAddress> = []
    var next: UnsafeMutablePointer<ifaddrs>? = first
    while let entry = next {
      next = entry.pointee.ifa_next
      guard let socket = entry.pointee.ifa_addr else { continue }
      switch Int32(socket.pointee.sa_family) {
      case AF_INET:
        let four = UnsafeRawPointer(socket).loadUnaligned(as: sockaddr_in.self)
        found.insert(.v4(UInt32(bigEndian: four.sin_addr.s_addr)))
      case AF_INET6:
        let six = UnsafeRawPointer(socket).loadUnaligned(as: sockaddr_in6.self)
        let octets = withUnsafeBytes(of: six.sin6_addr) { Array($0) }
        if let address = IPAddress(octets: octets) { found.insert(address) }
      default:
        continue
      }
    }
    return found
  }
}
