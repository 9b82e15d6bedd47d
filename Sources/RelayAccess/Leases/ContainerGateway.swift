import Basics

#if canImport(Glibc)
  import Glibc
#endif

/// What a container's network hides: behind a userland proxy every client seems to come from the default
/// gateway, and one login from there would open SMTP for the whole world.
package struct ContainerGateway: Hashable, Sendable {
  /// Whether this process runs in a container.
  package let inContainer: Bool
  /// The default gateways of all routing tables read.
  package let gateways: Set<IPAddress>

  /// Makes a finding, for tests or for hosts that know better.
  package init(inContainer: Bool, gateways: Set<IPAddress>) {
    self.inContainer = inContainer
    self.gateways = gateways
  }

  /// Looks at the marks container engines leave and at the kernel's routing tables.
  ///
  /// - Parameter root: the file system to read, `/` but in tests.
  package static func detect(root: String = "") -> ContainerGateway {
    let marks = ["\(root)/.dockerenv", "\(root)/run/.containerenv"]
    let marked = marks.contains { access($0, F_OK) == 0 }
    let environment = read("\(root)/proc/1/environ").contains("container=")
    let groups = read("\(root)/proc/1/cgroup")
    let grouped = ["docker", "kubepods", "containerd", "libpod", "lxc"].contains { groups.contains($0) }
    return ContainerGateway(
      inContainer: marked || environment || grouped,
      gateways: gateways4(read("\(root)/proc/net/route")).union(gateways6(read("\(root)/proc/net/ipv6_route"))))
  }

  /// The gateways of `/proc/net/route`: destination and mask zero, flag `RTF_GATEWAY`, address in host order.
  static func gateways4(_ table: String) -> Set<IPAddress> {
    var found: Set<IPAddress> = []
    for line in table.split(separator: "\n").dropFirst() {
      let columns = line.split { $0 == "\t" || $0 == " " }
      guard columns.count > 7, UInt32(columns[1], radix: 16) == 0, UInt32(columns[7], radix: 16) == 0,
        let flags = UInt32(columns[3], radix: 16), flags & 2 != 0, let gateway = UInt32(columns[2], radix: 16)
      else { continue }
      found.insert(.v4(UInt32(bigEndian: gateway)))
    }
    return found
  }

  /// The gateways of `/proc/net/ipv6_route`: destination `::/0` and a next hop other than `::`.
  static func gateways6(_ table: String) -> Set<IPAddress> {
    var found: Set<IPAddress> = []
    for line in table.split(separator: "\n") {
      let columns = line.split { $0 == "\t" || $0 == " " }
      guard columns.count > 8, columns[0].allSatisfy({ $0 == "0" }), columns[1] == "00",
        let flags = UInt32(columns[8], radix: 16), flags & 2 != 0, columns[4].utf8.count == 32
      else { continue }
      let digits = Array(columns[4].utf8)
      let octets = stride(from: 0, to: 32, by: 2).compactMap {
        UInt8(String(decoding: digits[$0..<$0 + 2], as: UTF8.self), radix: 16)
      }
      if let address = IPAddress(octets: octets), !address.isUnroutable { found.insert(address) }
    }
    return found
  }

  private static func read(_ path: String) -> String {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return "" }
    defer { close(descriptor) }
    var text: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 16_384)
    while text.count < 1 << 20 {
      let count = Glibc.read(descriptor, &chunk, chunk.count)
      guard count > 0 else { break }
      text.append(contentsOf: chunk[..<count])
    }
    return String(decoding: text, as: UTF8.self)
  }
}
