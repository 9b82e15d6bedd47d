import ArgumentParser
import MailSyntax
import MartinetServer
import RelayAccess

/// `martinet domain verify`: shows that a domain is its owner's, which gives it the full rate (R4).
struct DomainVerifyCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify", abstract: "Validate a domain by a TXT record, or by an MX that names this host.",
    discussion: "Mail to or from domains that are not validated counts against limits.unvalidated-per-minute.",
    subcommands: [Start.self, Check.self, Status.self])

  /// `martinet domain verify start`.
  struct Start: HostCommand {
    static let configuration = CommandConfiguration(abstract: "Print the TXT record to put into the zone.")
    @Argument(help: "The domain.") var domain: String
    @OptionGroup var common: CommonOptions

    func execute(_ context: CommandContext) async throws -> CommandResult {
      let rooms = try await context.rooms()
      let state = try await rooms.relay.startVerification(AddressArgument.domain(domain))
      try await context.poke()
      return DomainVerifyCommand.result(
        state, more: "put this into the zone, then: martinet domain verify check \(state.domain.ascii)\n\(state.record)"
      )
    }
  }

  /// `martinet domain verify check`.
  struct Check: HostCommand {
    static let configuration = CommandConfiguration(
      abstract: "Look for the proof now.", discussion: "Exit code 0 when the domain is verified, 1 when not.")
    @Argument(help: "The domain.") var domain: String
    @OptionGroup var common: CommonOptions

    func execute(_ context: CommandContext) async throws -> CommandResult {
      let rooms = try await context.rooms()
      let resolver = try HostRooms.resolver(rooms.configuration, timeout: .seconds(10))
      let state = try await rooms.relay.checkVerification(AddressArgument.domain(domain), resolver: resolver)
      try await context.poke()
      var result = DomainVerifyCommand.result(state, more: state.state == .verified ? nil : "wanted: \(state.record)")
      if state.state != .verified { result.status = .refused }
      return result
    }
  }

  /// `martinet domain verify status`.
  struct Status: HostCommand {
    static let configuration = CommandConfiguration(
      abstract: "Show how far a domain, or every domain, has come.")
    @Argument(help: "The domain; all when left out.") var domain: String?
    @OptionGroup var common: CommonOptions

    func execute(_ context: CommandContext) async throws -> CommandResult {
      let rooms = try await context.rooms()
      guard let domain else {
        let all = try await rooms.relay.verifications()
        var table = Table("DOMAIN", "STATE", "PROOF", "CHECKED", "FINDING")
        for row in all {
          table.add(
            row.domain.ascii, row.state.rawValue, row.proof?.rawValue ?? "-", row.checked?.rfc3339 ?? "-", row.finding)
        }
        return CommandResult(.array(all.map { JSONValue($0) }), text: table.text)
      }
      let name = try AddressArgument.domain(domain)
      guard let state = try await rooms.relay.verification(of: name) else {
        throw CommandFailure(
          .notFound, "the verification of \(name.ascii) was never started; martinet domain verify start \(name.ascii)")
      }
      return DomainVerifyCommand.result(state, more: nil)
    }
  }

  private static func result(_ state: DomainValidation, more: String?) -> CommandResult {
    let facts = Words.facts([
      ("domain", state.domain.ascii), ("state", state.state.rawValue), ("proof", state.proof?.rawValue ?? ""),
      ("started", state.started.rfc3339), ("checked", state.checked?.rfc3339 ?? ""),
      ("proven", state.proven?.rfc3339 ?? ""), ("finding", state.finding),
    ])
    return CommandResult(JSONValue(state), text: [facts, more].compactMap { $0 }.joined(separator: "\n"))
  }
}

extension JSONValue {
  /// How far a domain's validation has come.
  init(_ state: DomainValidation) {
    self = [
      "domain": .string(state.domain.ascii), "state": .string(state.state.rawValue),
      "record": .string(state.record), "token": .string(state.token), "proof": JSONValue(state.proof?.rawValue),
      "started": JSONValue(state.started), "checked": JSONValue(state.checked), "proven": JSONValue(state.proven),
      "finding": .string(state.finding),
    ]
  }
}
