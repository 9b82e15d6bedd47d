import Accounts
import ArgumentParser
import MailSyntax
import MartinetServer

/// `martinet catchall`: what becomes of mail for names nobody has (R45, R79).
struct CatchAllCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "catchall", abstract: "Decide what becomes of mail for names nobody has.",
    subcommands: [Set.self, Show.self])

  /// `martinet catchall set DOMAIN bounce|delete|ADDRESS`.
  struct Set: HostCommand {
    static let configuration = CommandConfiguration(abstract: "Refuse it, delete it, or send it to an address.")
    @Argument(help: "The domain.") var domain: String
    @Argument(help: "bounce, delete or an address.") var choice: String
    @OptionGroup var common: CommonOptions

    func execute(_ context: CommandContext) async throws -> CommandResult {
      let accounts = try await context.rooms().accounts
      let choice = try CatchAll(choice)
      try await accounts.setCatchAll(domain, choice)
      try await context.poke()
      let warnings = choice == .delete ? ["mail for names nobody has will vanish"] : []
      return CatchAllCommand.result(try await accounts.domain(domain), warnings: warnings)
    }
  }

  /// `martinet catchall show DOMAIN`.
  struct Show: HostCommand {
    static let configuration = CommandConfiguration(abstract: "Show what becomes of it.")
    @Argument(help: "The domain.") var domain: String
    @OptionGroup var common: CommonOptions

    func execute(_ context: CommandContext) async throws -> CommandResult {
      CatchAllCommand.result(try await context.rooms().accounts.domain(domain))
    }
  }

  private static func result(_ info: DomainInfo, warnings: [String] = []) -> CommandResult {
    CommandResult(
      ["domain": .string(info.name.ascii), "catchall": .string("\(info.catchAll)")],
      text: "\(info.name): \(info.catchAll)", warnings: warnings)
  }
}
