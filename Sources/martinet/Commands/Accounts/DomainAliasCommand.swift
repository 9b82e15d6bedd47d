import Accounts
import ArgumentParser
import MailSyntax

/// `martinet domain alias`: names that stand for a domain.
struct DomainAliasCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "alias", abstract: "Let another name stand for a domain.",
    subcommands: [Add.self, List.self, Remove.self])

  /// `martinet domain alias add ALIAS --of DOMAIN`.
  struct Add: HostCommand {
    static let configuration = CommandConfiguration(abstract: "Add an alias domain.")
    @Argument(help: "The name that stands for the domain.") var alias: String
    @Option(name: .customLong("of"), help: "The domain.") var domain: String
    @OptionGroup var common: CommonOptions

    func execute(_ context: CommandContext) async throws -> CommandResult {
      let accounts = try await context.rooms().accounts
      try await accounts.addAliasDomain(alias, of: domain)
      try await context.poke()
      let info = try await accounts.domain(alias)
      let name = (try? MailDomain(alias).ascii) ?? alias
      return CommandResult(
        ["alias": .string(name), "domain": .string(info.name.ascii)], text: "\(name) stands for \(info.name)")
    }
  }

  /// `martinet domain alias list`.
  struct List: HostCommand {
    static let configuration = CommandConfiguration(abstract: "List alias domains.")
    @Option(name: .customLong("of"), help: "Only those of this domain.") var domain: String?
    @OptionGroup var common: CommonOptions

    func execute(_ context: CommandContext) async throws -> CommandResult {
      let rows = try await context.rooms().accounts.aliasDomains(of: domain)
      var table = Table("ALIAS", "DOMAIN")
      for row in rows { table.add(row.alias.ascii, row.domain.ascii) }
      let data = rows.map { row -> JSONValue in
        ["alias": .string(row.alias.ascii), "domain": .string(row.domain.ascii)]
      }
      return CommandResult(.array(data), text: table.text)
    }
  }

  /// `martinet domain alias rm ALIAS`.
  struct Remove: HostCommand {
    static let configuration = CommandConfiguration(commandName: "rm", abstract: "Remove an alias domain.")
    @Argument(help: "The name that stands for a domain.") var alias: String
    @OptionGroup var common: CommonOptions

    func execute(_ context: CommandContext) async throws -> CommandResult {
      try await context.rooms().accounts.removeAliasDomain(alias)
      try await context.poke()
      let name = (try? MailDomain(alias).ascii) ?? alias
      return CommandResult(["alias": .string(name)], text: "removed \(name)")
    }
  }
}
