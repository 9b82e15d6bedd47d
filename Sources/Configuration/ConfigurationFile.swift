import Basics
import Yams

#if canImport(Glibc)
  import Glibc
#endif

extension Configuration {
  /// Largest configuration file that is read.
  static let largestFile = 1 << 20

  /// Reads and checks a configuration file.
  ///
  /// - Parameter path: the file; relative paths inside it are relative to its folder.
  /// - Throws: `ConfigurationError` with every fault found.
  package static func read(_ path: String) throws -> Configuration {
    let name = lastComponent(path)
    guard let bytes = SmallFile.bytes(path, limit: largestFile) else {
      let reason = String(cString: strerror(errno))
      throw ConfigurationError(faults: [
        ConfigurationFault(
          file: path, line: 0,
          text: "cannot be read: \(reason); name another with --config, or make one with: martinet init")
      ])
    }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw ConfigurationError(faults: [ConfigurationFault(file: name, line: 0, text: "is not UTF-8 text")])
    }
    return try parse(text, file: absolutePath(path), name: name)
  }

  /// Parses the text of a configuration file.
  ///
  /// - Parameters:
  ///   - text: YAML.
  ///   - file: absolute path the text stands for; its folder is the base of relative paths.
  ///   - name: the file's name in error texts.
  package static func parse(_ text: String, file: String, name: String) throws -> Configuration {
    let faults = FaultList(file: name)
    let root: Node?
    do {
      root = try Yams.compose(yaml: text)
    } catch let error as YamlError {
      throw ConfigurationError(faults: [
        ConfigurationFault(file: name, line: error.line, text: "is not valid YAML: \(error.summary)")
      ])
    }
    let reader = SettingsReader(root, path: "", faults: faults)
    let configuration = Configuration(reader, file: file)
    reader.finish()
    guard faults.faults.isEmpty else {
      throw ConfigurationError(faults: faults.faults.sorted { $0.line < $1.line })
    }
    return configuration
  }

  private init(_ reader: SettingsReader, file: String) {
    let base = folder(of: file)
    self.file = file
    hostname = reader.string("hostname") ?? ""
    if !isHostName(hostname) {
      reader.fault("hostname", "must be the server's full name, such as mail.example.com", reader.node("hostname"))
    }
    mailname = reader.string("mailname") ?? hostname
    data = resolve(reader.string("data") ?? "", base)
    if reader.string("data")?.isEmpty != false {
      reader.fault("data", "must name the data folder, such as /var/lib/martinet", reader.node("data"))
    }
    listeners = Self.readListeners(reader.section("listen"))
    tls = TLSSection(reader.section("tls"), base)
    openSMTP = OpenSMTPSection(reader.section("open-smtp"))
    pop3 = POP3Section(reader.section("pop3"))
    imap = IMAPSection(reader.section("imap"))
    smtp = SMTPSection(reader.section("smtp"))
    limits = LimitSection(reader.section("limits"), base)
    queue = QueueSection(reader.section("queue"), base)
    milters = reader.sections("milters").map { MilterSetting($0) }
    dns = DNSSection(reader.section("dns"), base)
    storage = StorageSection(reader.section("storage"), base)
    sendmail = SendmailSection(reader.section("sendmail"), base)
    log = LogSection(reader.section("log"))
    proxyNetworks = reader.networks("proxy-networks")
    logLevel = reader.string(
      "log-level", default: "info", oneOf: ["trace", "debug", "info", "notice", "warning", "error"])
    let tlsServices = listeners.filter(\.service.implicitTLS)
    if tls.primary == nil, let first = tlsServices.first {
      reader.faults.add(
        "\"listen.\(first.service.rawValue)\" needs TLS, but \"tls.certificate\" and \"tls.key\" are not set",
        at: reader.node("listen"))
    }
  }

  private static func readListeners(_ reader: SettingsReader) -> [ListenerSetting] {
    var settings: [ListenerSetting] = []
    var seen: [HostPort: String] = [:]
    for service in ListenerService.allCases {
      let node = reader.node(service.rawValue)
      var addresses: [HostPort] = []
      for text in reader.strings(service.rawValue) {
        guard let address = HostPort(text, defaultPort: service.standardPort),
          IPAddress(address.host) != nil || address.host == "localhost"
        else {
          reader.fault(service.rawValue, "holds \"\(text)\"; write \"0.0.0.0:25\" or \"[::]:25\"", node)
          continue
        }
        if address.port != 0, let other = seen[address] {
          reader.fault(service.rawValue, "uses \(address), which \"\(other)\" has already", node)
          continue
        }
        seen[address] = service.rawValue
        addresses.append(address)
      }
      if !addresses.isEmpty {
        settings.append(ListenerSetting(service: service, addresses: addresses, line: node?.mark?.line ?? 0))
      }
    }
    reader.finish()
    return settings
  }
}

extension YamlError {
  /// Line of the fault, from 1, where the parser knows it.
  fileprivate var line: Int {
    switch self {
    case .scanner(_, _, let mark, _), .parser(_, _, let mark, _), .composer(_, _, let mark, _): mark.line
    default: 0
    }
  }

  /// The parser's words without its excerpt of the file.
  fileprivate var summary: String {
    switch self {
    case .scanner(let context, let problem, _, _), .parser(let context, let problem, _, _),
      .composer(let context, let problem, _, _):
      [context?.text, problem].compactMap { $0 }.joined(separator: ", ")
    default: "\(self)"
    }
  }
}
