import Foundation
import WireTesting

/// A real remote side on loopback: an nsd with the zone `test.` and a Postfix of its own configuration.
final class RemoteHost {
  static var isPossible: Bool {
    ["/usr/sbin/nsd", "/usr/sbin/postfix", "/usr/bin/openssl", "/usr/bin/dig"]
      .allSatisfy { FileManager.default.isExecutableFile(atPath: $0) } && geteuid() == 0
  }

  let folder: URL
  let dnsPort: Int
  let smtpPort: Int
  private var servers: [ChildProcess] = []

  init() throws {
    folder = URL(fileURLWithPath: "/tmp").appendingPathComponent("martinet-remote-\(UUID().uuidString.prefix(8))")
    dnsPort = Int.random(in: 20_000..<30_000)
    smtpPort = dnsPort + 1
    for name in ["queue", "data", "conf", "mail"] {
      try FileManager.default.createDirectory(
        at: folder.appendingPathComponent(name), withIntermediateDirectories: true)
    }
    try startNSD()
    try startPostfix()
    for _ in 0..<200 {
      if isUp { break }
      usleep(50_000)
    }
  }

  deinit {
    _ = try? Self.run("/usr/sbin/postfix", ["-c", path("conf"), "stop"])
    for server in servers { server.stop() }
    try? FileManager.default.removeItem(at: folder)
  }

  /// Messages in a user's mailbox.
  func mail(_ user: String) -> [String] {
    let new = folder.appendingPathComponent("mail/\(user)/new")
    let names = (try? FileManager.default.contentsOfDirectory(atPath: new.path)) ?? []
    return names.compactMap { try? String(contentsOf: new.appendingPathComponent($0), encoding: .utf8) }
  }

  /// Postfix's own log.
  var log: String { (try? String(contentsOf: folder.appendingPathComponent("log"), encoding: .utf8)) ?? "" }

  /// Lets the greylisted address in.
  func liftGreylisting() throws {
    try write("conf/access", "")
    try Self.run("/usr/sbin/postmap", ["-c", path("conf"), "texthash:" + path("conf/access"), "-q", "x"])
    try Self.run("/usr/sbin/postfix", ["-c", path("conf"), "reload"])
  }

  private func path(_ name: String) -> String { folder.appendingPathComponent(name).path }

  private func write(_ name: String, _ text: String) throws {
    try Data(text.utf8).write(to: folder.appendingPathComponent(name))
  }

  private func startNSD() throws {
    try write(
      "zone",
      """
      $ORIGIN test.
      $TTL 60
      @ SOA ns admin 1 3600 600 86400 60
      @ NS ns
      ns A 127.0.0.1
      remote MX 10 dead.remote
      remote MX 20 mx.remote
      dead.remote A 127.0.0.9
      mx.remote A 127.0.0.1
      plain A 127.0.0.1

      """)
    try write(
      "nsd.conf",
      """
      server:
        ip-address: 127.0.0.1@\(dnsPort)
        username: ""
        chroot: ""
        zonesdir: "\(folder.path)"
        database: ""
        pidfile: "\(path("nsd.pid"))"
        xfrdfile: "\(path("xfrd.state"))"
        zonelistfile: "\(path("zone.list"))"
        logfile: "\(path("nsd.log"))"
        server-count: 1
      remote-control:
        control-enable: no
      zone:
        name: "test."
        zonefile: "zone"

      """)
    servers.append(try ChildProcess("/usr/sbin/nsd", ["-d", "-c", path("nsd.conf")]))
  }

  private func startPostfix() throws {
    try Self.run(
      "/usr/bin/openssl",
      [
        "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=mx.remote.test", "-keyout",
        path("key.pem"), "-out", path("cert.pem"),
      ])
    try write("conf/access", "grey@remote.test 451 4.7.1 Greylisted, come back later\n")
    try write(
      "conf/main.cf",
      """
      compatibility_level = 3.6
      queue_directory = \(path("queue"))
      data_directory = \(path("data"))
      command_directory = /usr/sbin
      daemon_directory = /usr/lib/postfix/sbin
      mail_owner = postfix
      setgid_group = postdrop
      inet_interfaces = 127.0.0.1
      inet_protocols = ipv4
      myhostname = mx.remote.test
      mydestination =
      local_recipient_maps =
      alias_maps =
      maillog_file = \(path("log"))
      maillog_file_prefixes = /tmp
      virtual_mailbox_domains = remote.test plain.test
      virtual_mailbox_base = \(path("mail"))
      virtual_mailbox_maps = texthash:\(path("conf/users"))
      virtual_uid_maps = static:8
      virtual_gid_maps = static:8
      virtual_minimum_uid = 1
      smtpd_recipient_restrictions = check_recipient_access texthash:\(path("conf/access")), reject_unauth_destination
      smtpd_tls_security_level = may
      smtpd_tls_cert_file = \(path("cert.pem"))
      smtpd_tls_key_file = \(path("key.pem"))
      smtpd_tls_received_header = yes
      smtpd_delay_reject = yes

      """)
    try write(
      "conf/users", ["a", "b", "c", "grey"].map { "\($0)@remote.test \($0)/\n" }.joined() + "p@plain.test p/\n")
    try write(
      "conf/master.cf",
      """
      127.0.0.1:\(smtpPort) inet n - n - - smtpd
      cleanup unix n - n - 0 cleanup
      qmgr unix n - n 300 1 qmgr
      tlsmgr unix - - n 1000? 1 tlsmgr
      rewrite unix - - n - - trivial-rewrite
      bounce unix - - n - 0 bounce
      defer unix - - n - 0 bounce
      trace unix - - n - 0 bounce
      proxymap unix - - n - - proxymap
      virtual unix - n n - - virtual
      error unix - - n - - error
      retry unix - - n - - error
      anvil unix - - n - 1 anvil
      postlog unix-dgram n - n - 1 postlogd

      """)
    try Self.run("/bin/chown", ["postfix", path("data")])
    try Self.run("/bin/chown", ["mail:mail", path("mail")])
    try Self.run("/bin/chmod", ["755", folder.path])
    servers.append(try ChildProcess("/usr/sbin/postfix", ["-c", path("conf"), "start-fg"]))
  }

  private var isUp: Bool {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = UInt16(smtpPort).bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    return withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
      }
    }
  }

  /// Runs a program to its end and gives its output.
  @discardableResult
  static func run(_ program: String, _ arguments: [String], input: String = "") throws -> String {
    let process = Process()
    let (output, source) = (Pipe(), Pipe())
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    process.standardInput = source
    try process.run()
    source.fileHandleForWriting.write(Data(input.utf8))
    try source.fileHandleForWriting.close()
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return String(decoding: data, as: UTF8.self)
  }
}
