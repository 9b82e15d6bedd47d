import Accounts
import ArgumentParser
import Basics

/// `martinet domain limits`: how much a domain may have.
struct DomainLimitsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "limits", abstract: "Show, set or reset the limits of a domain.",
    subcommands: [Show.self, Set.self, Reset.self], defaultSubcommand: Show.self)

  /// `martinet domain limits show`.
  struct Show: HostCommand {
    static let configuration = CommandConfiguration(abstract: "Show the limits.")
    @Argument(help: "The domain.") var domain: String
    @OptionGroup var common: CommonOptions

    func execute(_ context: CommandContext) async throws -> CommandResult {
      DomainLimitsCommand.result(try await context.rooms().accounts.domain(domain))
    }
  }

  /// `martinet domain limits set`.
  struct Set: HostCommand {
    static let configuration = CommandConfiguration(
      abstract: "Set the limits given, and leave the others.",
      discussion: "A limit is a number, a size for the quota, or none. What is there already stays, even beyond it.")
    @Argument(help: "The domain.") var domain: String
    @Option(help: ArgumentHelp("Accounts, postmaster included.", valueName: "number")) var accounts: LimitValue?
    @Option(help: ArgumentHelp("Aliases and forwards.", valueName: "number")) var aliases: LimitValue?
    @Option(help: ArgumentHelp("What all its accounts' quotas may be together.", valueName: "size"))
    var quota: LimitValue?
    @Option(
      name: .customLong("disable"), help: ArgumentHelp("Services to deny to all its accounts.", valueName: "services"))
    var disable: ServiceList?
    @OptionGroup var common: CommonOptions

    func execute(_ context: CommandContext) async throws -> CommandResult {
      let rooms = try await context.rooms()
      var limits = try await rooms.accounts.domain(domain).limits
      if let accounts { limits.accounts = accounts.value.map { Int(clamping: $0) } }
      if let aliases { limits.aliases = aliases.value.map { Int(clamping: $0) } }
      if let quota { limits.quota = quota.value }
      var info = try await rooms.accounts.setLimits(domain, limits)
      if let disable { info = try await rooms.accounts.setDomain(domain, deny: disable.services) }
      try await context.poke()
      return DomainLimitsCommand.result(info)
    }
  }

  /// `martinet domain limits reset`.
  struct Reset: HostCommand {
    static let configuration = CommandConfiguration(abstract: "Take all limits away.")
    @Argument(help: "The domain.") var domain: String
    @OptionGroup var common: CommonOptions

    func execute(_ context: CommandContext) async throws -> CommandResult {
      let info = try await context.rooms().accounts.setLimits(domain, DomainLimits())
      try await context.poke()
      return DomainLimitsCommand.result(info)
    }
  }

  private static func result(_ info: DomainInfo) -> CommandResult {
    let limits = info.limits
    let data: JSONValue = [
      "domain": .string(info.name.ascii), "limits": JSONValue(limits), "denied": JSONValue(info.denied),
      "used": ["accounts": JSONValue(info.accountCount), "aliases": JSONValue(info.aliasCount)],
    ]
    let text = Words.facts([
      ("domain", info.name.ascii),
      ("accounts", "\(info.accountCount) of \(limits.accounts.map(String.init) ?? "any number")"),
      ("aliases", "\(info.aliasCount) of \(limits.aliases.map(String.init) ?? "any number")"),
      ("quota in all", limits.quota.map { "\(ByteSize($0))" } ?? "none"), ("denied", Words.services(info.denied)),
    ])
    return CommandResult(data, text: text)
  }
}
