import Accounts
import ArgumentParser
import MailSyntax
import MartinetServer

/// `martinet alias`: names that stand for other addresses.
struct AliasCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "alias", abstract: "Add, list and remove aliases and forwards.",
    subcommands: [Add.self, List.self, Remove.self, AliasImportCommand.self])

  /// `martinet alias add ALIAS TARGET…`.
  struct Add: HostCommand {
    static let configuration = CommandConfiguration(abstract: "Let an address lead to others, here or elsewhere.")
    @Argument(help: "The alias: name@domain or name%domain.") var alias: String
    @Argument(help: "Where its mail goes.") var targets: [String]
    @Flag(help: "Add the targets to an alias that exists.") var append = false
    @Option(help: "A note.") var comment = ""
    @OptionGroup var common: CommonOptions

    func execute(_ context: CommandContext) async throws -> CommandResult {
      let made = try await context.rooms().accounts.addAlias(
        alias, targets: targets, comment: comment, appending: append)
      try await context.poke()
      return CommandResult(
        JSONValue(made),
        text: "\(made.address.key) leads to \(made.targets.map(\.description).joined(separator: ", "))")
    }
  }

  /// `martinet alias list`.
  struct List: HostCommand {
    static let configuration = CommandConfiguration(abstract: "List the aliases of a domain, or of all domains.")
    @Option(help: "Only this domain.") var domain: String?
    @OptionGroup var common: CommonOptions

    func execute(_ context: CommandContext) async throws -> CommandResult {
      let accounts = try await context.rooms().accounts
      var domains: [String] = []
      if let domain { domains = [domain] } else { domains = try await accounts.domains().map(\.name.ascii) }
      var table = Table("ALIAS", "TARGETS", "COMMENT")
      var rows: [JSONValue] = []
      for name in domains {
        for alias in try await accounts.aliases(domain: name) {
          rows.append(JSONValue(alias))
          table.add(alias.address.key, alias.targets.map(\.description).joined(separator: " "), alias.comment)
        }
      }
      return CommandResult(.array(rows), text: table.text)
    }
  }

  /// `martinet alias rm ALIAS`.
  struct Remove: HostCommand {
    static let configuration = CommandConfiguration(commandName: "rm", abstract: "Remove an alias.")
    @Argument(help: "The alias: name@domain or name%domain.") var alias: String
    @OptionGroup var common: CommonOptions

    func execute(_ context: CommandContext) async throws -> CommandResult {
      let gone = try await context.rooms().accounts.removeAlias(alias)
      try await context.poke()
      return CommandResult(JSONValue(gone), text: "removed \(gone.address.key)")
    }
  }
}
