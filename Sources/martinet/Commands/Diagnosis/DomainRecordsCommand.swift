import ArgumentParser
import Basics
import Configuration
import Diagnosis
import MartinetServer

/// `martinet domain dns`: the lines a domain's zone needs (R29, R65, R80).
struct DomainRecordsCommand: HostCommand {
  static let configuration = CommandConfiguration(
    commandName: "dns",
    abstract: "Print the DNS records a domain needs: MX, names of services, SPF, DMARC, settings, reverse names.",
    discussion: "Whether they are there: martinet doctor dns --domain DOMAIN")
  @Argument(help: "The domain.") var domain: String
  @Option(help: ArgumentHelp("An address that mail is sent from; may be repeated.", valueName: "ip"))
  var ip: [ClientAddress] = []
  @OptionGroup var common: CommonOptions

  func execute(_ context: CommandContext) async throws -> CommandResult {
    let rooms = try await context.rooms()
    let name = try await rooms.accounts.domain(domain).name
    let resolver = try HostRooms.resolver(rooms.configuration, timeout: .seconds(3))
    let patient = try await Patient.make(
      rooms, addresses: ip.map(\.value), names: ResolverLookup(resolver: resolver), domains: [name.ascii])
    let token = try await rooms.relay.verification(of: name)?.token
    let records = DomainRecords(
      domain: name.ascii, patient: patient, services: Self.services(rooms.configuration), token: token
    ).records
    let width = records.map(\.line.count).max() ?? 0
    let lines = records.map { record in
      record.line + String(repeating: " ", count: width - record.line.count) + "  ; \(record.purpose)"
    }
    let rows = records.map { record -> JSONValue in
      [
        "name": .string(record.name), "type": .string(record.type), "value": .string(record.value),
        "purpose": .string(record.purpose),
      ]
    }
    return CommandResult(
      .array(rows), text: lines.joined(separator: "\n"),
      warnings: token == nil
        ? ["to validate the domain for its full rate: martinet domain verify start \(name.ascii)"] : [])
  }

  /// SRV labels for what this host listens on, TLS from the first octet first (RFC 8314 section 3.3).
  static func services(_ configuration: Configuration) -> DomainRecords.Services {
    let labels: [(ListenerService, String)] = [
      (.submissions, "submissions"), (.submission, "submission"), (.imaps, "imaps"), (.imap, "imap"),
      (.pop3s, "pop3s"), (.pop3, "pop3"),
    ]
    return DomainRecords.Services(
      labels.compactMap { service, label in
        configuration.listeners.first { $0.service == service }?.addresses.first.map { (label, $0.port) }
      })
  }
}
