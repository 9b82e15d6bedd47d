import Basics
import Synchronization

#if canImport(Glibc)
  import Glibc
#endif

/// The addresses on which this host takes mail, to know a loop before it is made.
final class OwnAddresses: Sendable {
  private let listening = Mutex<[ListeningAddress]>([])

  func set(_ addresses: [ListeningAddress]) { listening.withLock { $0 = addresses } }

  /// Whether a connection to this address and port would end at one of our own listeners.
  func contains(_ address: IPAddress, port: Int) -> Bool {
    let candidates = listening.withLock { $0.filter { $0.port == port } }
    if candidates.contains(where: { $0.address == address }) { return true }
    let wildcards = candidates.filter { Self.isUnspecified($0.address) }
    guard !wildcards.isEmpty else { return false }
    // A listener on [::] takes IPv4 too, as the system's default is.
    let covers = wildcards.contains { $0.address.bitWidth == address.bitWidth || $0.address.bitWidth == 128 }
    return covers && (Self.isUnspecified(address) || Self.interfaceAddresses().contains(address))
  }

  private static func isUnspecified(_ address: IPAddress) -> Bool { address.octets.allSatisfy { $0 == 0 } }

  /// The addresses of this machine's interfaces.
  private static func interfaceAddresses() -> Set<IPAddress> {
    var first: UnsafeMutablePointer<ifaddrs>?
    guard getifaddrs(&first) == 0 else { return [] }
    defer { freeifaddrs(first) }
    var result: Set<IPAddress> = []
    var entry = first
    while let current = entry {
      entry = current.pointee.ifa_next
      guard let socket = current.pointee.ifa_addr else { continue }
      let octets: [UInt8]
      switch Int32(socket.pointee.sa_family) {
      case AF_INET:
        octets = socket.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { pointer in
          withUnsafeBytes(of: pointer.pointee.sin_addr) { Array($0) }
        }
      case AF_INET6:
        octets = socket.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) { pointer in
          withUnsafeBytes(of: pointer.pointee.sin6_addr) { Array($0) }
        }
      default: continue
      }
      if let address = IPAddress(octets: octets) { result.insert(address) }
    }
    return result
  }
}
