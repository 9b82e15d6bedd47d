import Foundation
import WireTesting

/// An nsd of our own on a loopback port, with zones written for the test.
final class NameServer {
  static var isInstalled: Bool { FileManager.default.isExecutableFile(atPath: "/usr/sbin/nsd") }
  static var canSign: Bool { FileManager.default.isExecutableFile(atPath: "/usr/bin/ldns-signzone") }

  let port: Int
  let folder: URL
  private let process: ChildProcess

  /// Starts the server and waits until it answers.
  ///
  /// - Parameters:
  ///   - zones: zone text by name, without final dots in the names.
  ///   - signed: zones to sign; their trust anchors are in `anchors`.
  init(zones: [String: String], signed: Set<String> = []) throws {
    folder = URL(fileURLWithPath: NSTemporaryDirectory()).appendingPathComponent("nsd-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    port = try Self.freePort()
    var configuration = """
      server:
        ip-address: 127.0.0.1@\(port)
        username: ""
        chroot: ""
        zonesdir: "\(folder.path)"
        database: ""
        pidfile: "\(folder.path)/nsd.pid"
        xfrdfile: "\(folder.path)/xfrd.state"
        zonelistfile: "\(folder.path)/zone.list"
        logfile: "\(folder.path)/log"
        server-count: 1
      remote-control:
        control-enable: no

      """
    for (name, text) in zones {
      let head = "$ORIGIN \(name).\n$TTL 300\n@ SOA ns.\(name). admin.\(name). 1 3600 600 86400 60\n@ NS ns.\(name).\n"
      try Data((head + text).utf8).write(to: folder.appendingPathComponent(name))
      var file = name
      if signed.contains(name) {
        try Self.sign(name, folder)
        file = "\(name).signed"
      }
      configuration += "zone:\n  name: \"\(name).\"\n  zonefile: \"\(file)\"\n"
    }
    let path = folder.appendingPathComponent("nsd.conf")
    try Data(configuration.utf8).write(to: path)
    process = try ChildProcess("/usr/sbin/nsd", ["-d", "-c", path.path])
    for _ in 0..<100 {
      if answers(zones.keys.first ?? "test") { break }
      usleep(50_000)
    }
  }

  deinit {
    process.stop()
    try? FileManager.default.removeItem(at: folder)
  }

  /// The DS record of a signed zone.
  func anchor(_ zone: String) throws -> String {
    for name in try FileManager.default.contentsOfDirectory(atPath: folder.path)
    where name.hasPrefix("K\(zone).") && name.hasSuffix(".ds") {
      return try String(contentsOf: folder.appendingPathComponent(name), encoding: .utf8)
        .trimmingCharacters(in: .whitespacesAndNewlines)
    }
    throw CocoaError(.fileNoSuchFile)
  }

  private static func sign(_ zone: String, _ folder: URL) throws {
    let key = try run("/usr/bin/ldns-keygen", ["-k", "-a", "ECDSAP256SHA256", zone], in: folder)
      .trimmingCharacters(in: .whitespacesAndNewlines)
    _ = try run("/usr/bin/ldns-signzone", [zone, key], in: folder)
  }

  private static func run(_ program: String, _ arguments: [String], in folder: URL) throws -> String {
    let process = Process()
    let output = Pipe()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    process.currentDirectoryURL = folder
    process.standardOutput = output
    try process.run()
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return String(decoding: data, as: UTF8.self)
  }

  private func answers(_ zone: String) -> Bool {
    let question = ["+short", "+time=1", "+tries=1", "@127.0.0.1", "-p", "\(port)", zone, "SOA"]
    return (try? Self.run("/usr/bin/dig", question, in: folder))?.contains("admin") == true
  }

  private static func freePort() throws -> Int {
    let descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let port = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic -> Int in
        guard bind(descriptor, generic, length) == 0, getsockname(descriptor, generic, &length) == 0 else { return 0 }
        return pointer.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
          Int(UInt16(bigEndian: $0.pointee.sin_port))
        }
      }
    }
    guard port > 0 else { throw CocoaError(.fileReadUnknown) }
    return port
  }
}
