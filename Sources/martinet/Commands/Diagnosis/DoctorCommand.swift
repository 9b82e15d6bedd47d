import ArgumentParser
import Basics
import Configuration
import DNSResolver
import Diagnosis
import MartinetServer

/// `martinet doctor`: looks at the host as others see it, and ends with a plan (R13, R48, R82, R85, R88).
struct DoctorCommand: HostCommand {
  /// The checks.
  enum Check: String, ExpressibleByArgument, CaseIterable { case dns, rdns, dnsbl, ports, tls, relay, all }

  static let configuration = CommandConfiguration(
    commandName: "doctor",
    abstract: "Look at this host as other servers see it, and say what to mend.",
    discussion: """
      Checks: dns (names, MX, SPF, DMARC), rdns (reverse names), dnsbl (public blacklists), ports (25 going out, our own
      coming in), tls (certificates and a handshake), relay (is this an open relay?). All of them when none is named.
      Every probe has a short time limit. Exit code 0 when nothing failed, 1 otherwise.
      """)
  @Argument(help: ArgumentHelp("Which checks.", valueName: "check")) var checks: [Check] = []
  @Option(help: ArgumentHelp("An address that mail is sent from; may be repeated.", valueName: "ip"))
  var ip: [ClientAddress] = []
  @Option(help: ArgumentHelp("Only this domain; may be repeated.", valueName: "domain")) var domain: [String] = []
  @Option(help: ArgumentHelp("A blacklist to ask instead of the built-in ones; may be repeated.", valueName: "zone"))
  var zone: [String] = []
  @Option(
    help: ArgumentHelp("Where to try port 25, instead of large mail hosts; may be repeated.", valueName: "host:port"))
  var probe: [String] = []
  @Option(help: ArgumentHelp("Time for each question and connection; 5s when left out.", valueName: "duration"))
  var timeout: DurationArgument?
  @OptionGroup var common: CommonOptions

  private var limit: Duration { timeout?.value ?? .seconds(5) }

  func validate() throws {
    for text in probe where HostPort(text, defaultPort: 25) == nil {
      throw ValidationError("--probe wants host:port, not \(text)")
    }
    guard limit > .zero else { throw ValidationError("--timeout must be longer than 0s") }
  }

  func execute(_ context: CommandContext) async throws -> CommandResult {
    let rooms = try await context.rooms()
    let resolver = try HostRooms.resolver(rooms.configuration, timeout: limit)
    let domains = try domain.map { try AddressArgument.domain($0).ascii }
    let patient = try await Patient.make(
      rooms, addresses: ip.map(\.value), names: ResolverLookup(resolver: resolver),
      domains: domains.isEmpty ? nil : domains)
    let wanted = checks.isEmpty || checks.contains(.all) ? Check.allCases.filter { $0 != .all } : checks
    var findings: [Finding] = []
    for check in wanted { findings += await run(check, rooms.configuration, patient, resolver) }
    let plan = Plan.steps(findings, patient: patient)
    let isWell = !findings.contains { $0.state == .failed }
    return CommandResult(
      [
        "healthy": .bool(isWell), "findings": .array(findings.map { Self.json($0) }), "plan": JSONValue(plan),
      ], text: Self.text(findings, plan), status: isWell ? .done : .refused)
  }

  private func run(
    _ check: Check, _ configuration: Configuration, _ patient: Patient, _ resolver: DNSResolver
  ) async -> [Finding] {
    let names = NameProbe(resolver: resolver, patient: patient)
    let ports = PortProbe(resolver: resolver, patient: patient, timeout: limit)
    switch check {
    case .dns: return await names.names()
    case .rdns: return await names.reverse()
    case .dnsbl: return await names.listings(zone.isEmpty ? NameProbe.blacklists : zone)
    case .ports:
      let targets = probe.compactMap { HostPort($0, defaultPort: 25) }.map {
        PortProbe.Target(host: $0.host, port: $0.port)
      }
      return await ports.inbound(Self.ownPorts(configuration))
        + (await ports.outbound(targets.isEmpty ? PortProbe.wellKnown : targets))
    case .tls: return await Self.encryption(configuration)
    case .relay: return await relay(ports, configuration, patient)
    case .all: return []
    }
  }

  /// Every listener at an address that leads to it from here.
  private static func ownPorts(
    _ configuration: Configuration
  ) -> [(name: String, address: IPAddress, port: Int, greets: Bool)] {
    configuration.listeners.flatMap { listener in
      listener.addresses.compactMap { place in
        reachable(place.host).map {
          (listener.service.rawValue, $0, place.port, greets(listener.service))
        }
      }
    }
  }

  /// Whether the server speaks first.
  private static func greets(_ service: ListenerService) -> Bool {
    !service.implicitTLS && service.rawValue != "http"
  }

  /// The address itself, or loopback for the one that stands for all.
  private static func reachable(_ host: String) -> IPAddress? {
    switch host {
    case "0.0.0.0", "localhost": IPAddress("127.0.0.1")
    case "::": IPAddress("::1")
    default: IPAddress(host)
    }
  }

  private func relay(_ ports: PortProbe, _ configuration: Configuration, _ patient: Patient) async -> [Finding] {
    let domain = patient.domains.first ?? patient.hostname
    var findings: [Finding] = []
    for listener in configuration.listeners where listener.service == .smtp || listener.service == .smtpAlt {
      // From a public address of our own the server sees a stranger; from loopback, whoever loopback is to it.
      var places = listener.addresses.compactMap { place in Self.reachable(place.host).map { ($0, place.port) } }
      if let port = listener.addresses.first(where: { $0.host == "0.0.0.0" || $0.host == "::" })?.port {
        places += patient.addresses.compactMap { IPAddress($0) }.map { ($0, port) }
      }
      for (address, port) in places { findings += await ports.relay(address, port: port, domain: domain) }
    }
    return findings
  }

  private static func encryption(_ configuration: Configuration) async -> [Finding] {
    let certificates = TLSProbe.certificates(of: configuration)
    guard !certificates.isEmpty else {
      return [
        Finding(
          "tls", configuration.hostname, .failed, "no certificate is configured",
          remedy: "set tls.certificate and tls.key")
      ]
    }
    let now = SystemTime().now
    var findings: [Finding] = []
    for certificate in certificates {
      if let fault = certificate.fault {
        findings.append(
          Finding(
            "tls", certificate.file, .failed, fault,
            remedy: "put a certificate and its own key in place, readable by the server"))
        continue
      }
      let ends = certificate.ends.map { "until \($0.rfc3339)" } ?? "without an end"
      let left = certificate.ends.map { $0 - now } ?? .seconds(86_400 * 365)
      let state: Finding.State = left <= .zero ? .failed : left < .seconds(14 * 86_400) ? .warning : .ok
      findings.append(
        Finding(
          "tls", certificate.file, state, "\(certificate.names.joined(separator: " ")), \(ends)",
          remedy: state == .ok ? "" : "renew \(certificate.file), then: martinet config reload"))
      if certificate.isKeyOpen {
        findings.append(
          Finding("tls", certificate.key, .failed, "everybody may read the key", remedy: "chmod 600 \(certificate.key)")
        )
      }
    }
    if let first = certificates.first, first.fault == nil, !TLSProbe.covers(first.names, configuration.hostname) {
      findings.append(
        Finding(
          "tls", configuration.hostname, .failed, "the certificate does not cover the host's own name",
          remedy: "get a certificate for \(configuration.hostname)"))
    }
    return findings + (await handshakes(configuration))
  }

  private static func handshakes(_ configuration: Configuration) async -> [Finding] {
    var findings: [Finding] = []
    for listener in configuration.listeners
    where [.smtp, .submission, .submissions].contains(listener.service) {
      guard let place = listener.addresses.first, let address = reachable(place.host) else { continue }
      let subject = "\(listener.service.rawValue) \(address):\(place.port)"
      do {
        let version = try await TLSProbe.handshake(
          address, port: place.port, isImplicit: listener.service.implicitTLS, hostname: configuration.hostname)
        findings.append(Finding("tls", subject, .ok, version))
      } catch {
        findings.append(Finding("tls", subject, .failed, "\(error)", remedy: "is the server running? martinet status"))
      }
    }
    return findings
  }

  private static func json(_ finding: Finding) -> JSONValue {
    [
      "check": .string(finding.check), "subject": .string(finding.subject), "state": .string(finding.state.rawValue),
      "text": .string(finding.text), "remedy": JSONValue(finding.remedy.isEmpty ? nil : finding.remedy),
    ]
  }

  private static func text(_ findings: [Finding], _ plan: [String]) -> String {
    var table = Table("CHECK", "STATE", "WHAT", "FOUND")
    for finding in findings {
      table.add(finding.check, finding.state.rawValue, finding.subject, finding.text)
    }
    let steps = plan.enumerated().map { "\($0.offset + 1). \($0.element)" }
    return ([table.text, ""] + (plan.isEmpty ? ["nothing to mend"] : ["plan:"] + steps)).joined(separator: "\n")
  }
}

/// Looks names up with the host's resolver.
struct ResolverLookup: Lookup {
  let resolver: DNSResolver

  func addresses(_ name: String) async -> [IPAddress] { (try? await resolver.addresses(name).records) ?? [] }
}

extension ResolverSetupError: CommandFailureConvertible {
  var commandFailure: CommandFailure { CommandFailure(.usage, description) }
}
