import Accounts
import Basics
import Configuration
import MailSyntax
import Wire

#if canImport(Glibc)
  import Glibc
#endif

/// What `martinet init` was asked for.
package struct HostSetup: Sendable {
  /// The server's own name.
  package var hostname: String
  /// Domain added to bare senders; the host name when `nil`.
  package var mailname: String?
  /// Absolute data folder.
  package var data: String
  /// Absolute path of the configuration file to write.
  package var configurationFile: String
  /// Added to every port, so that no root is needed.
  package var portBase: Int
  /// Whether the sandbox of `make run` is meant: loopback only, with a domain and two accounts.
  package var isDemo: Bool
  /// Whether an existing configuration is replaced (the old one is kept beside it).
  package var reconfigure: Bool

  /// Collects the answers.
  package init(
    hostname: String, mailname: String? = nil, data: String, configurationFile: String, portBase: Int = 0,
    isDemo: Bool = false, reconfigure: Bool = false
  ) {
    self.hostname = hostname
    self.mailname = mailname
    self.data = data
    self.configurationFile = configurationFile
    self.portBase = portBase
    self.isDemo = isDemo
    self.reconfigure = reconfigure
  }

  /// The sandbox's domain.
  package static let demoDomain = "example.test"
  /// Logins of the sandbox and their passwords.
  package static let demoLogins = [
    (login: "alice%example.test", password: "alice-reads-mail"),
    (login: "bob%example.test", password: "bob-reads-mail"),
    (login: "postmaster%example.test", password: "postmaster-reads-mail"),
  ]

  /// Whether a configuration is there already.
  package var isConfigured: Bool { access(configurationFile, F_OK) == 0 }

  /// Writes certificate, folders and configuration, and for the sandbox its domain and accounts.
  ///
  /// - Returns: the configuration as read back from the file.
  /// - Throws: `SetupError`, `ConfigurationError` or an error of the account database.
  package func perform() async throws -> Configuration {
    var template = ConfigurationTemplate()
    template.hostname = hostname
    template.mailname = mailname
    template.data = data
    template.portBase = portBase
    template.isDemo = isDemo
    template.hosts = Self.hosts(isDemo: isDemo)
    let configuration = try Configuration.parse(
      template.text, file: configurationFile, name: configurationFile.split(separator: "/").last.map(String.init) ?? "")
    let folder = DataFolder(path: data)
    try folder.prepare()
    try makeCertificate(in: folder)
    if let slash = configurationFile.lastIndex(of: "/"), slash != configurationFile.startIndex {
      try DataFolder.makeFolder(String(configurationFile[..<slash]))
    }
    if isConfigured {
      guard rename(configurationFile, configurationFile + ".old") == 0 else {
        throw SetupError("\(configurationFile) cannot be moved aside: \(DataFolder.reason())")
      }
    }
    // Programs of other users read it too, through sendmail; secrets lie in files of their own.
    try DataFolder.writeSmallFile(configurationFile, template.text, mode: 0o644)
    let rooms = try await HostRooms.open(configuration)
    if isDemo { try await addDemo(to: rooms) }
    return configuration
  }

  private func makeCertificate(in folder: DataFolder) throws {
    let certificate = "\(folder.tls)/cert.pem"
    let key = "\(folder.tls)/key.pem"
    guard access(certificate, F_OK) != 0 || access(key, F_OK) != 0 else { return }
    var names = [hostname]
    if isDemo { names += ["localhost", Self.demoDomain, "127.0.0.1", "::1"] }
    try SelfSignedCertificate(hostNames: names, now: .systemNow).write(certificate: certificate, key: key)
  }

  private func addDemo(to rooms: HostRooms) async throws {
    if try await rooms.accounts.isHosted(MailDomain(Self.demoDomain)) { return }
    for (login, password) in Self.demoLogins.reversed() {
      try await rooms.addDemoAccount(login: LoginName(login), password: password)
    }
  }

  private static func hosts(isDemo: Bool) -> [String] {
    let wanted = isDemo ? ["127.0.0.1", "[::1]"] : ["0.0.0.0", "[::]"]
    return hasIPv6 ? wanted : [wanted[0]]
  }

  /// Whether a socket can be bound to the IPv6 loopback.
  private static var hasIPv6: Bool {
    let descriptor = socket(AF_INET6, Int32(SOCK_STREAM.rawValue), 0)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    var address = sockaddr_in6()
    address.sin6_family = sa_family_t(AF_INET6)
    address.sin6_addr = in6addr_loopback
    return withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in6>.size)) == 0
      }
    }
  }
}
