import Accounts
import ArgumentParser
import MartinetServer

/// `martinet account app-password`: passwords for single programs.
struct AppPasswordCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "app-password", abstract: "Passwords for single programs, withdrawn one by one.",
    subcommands: [Add.self, List.self, Remove.self])

  /// `martinet account app-password add`.
  struct Add: HostCommand {
    static let configuration = CommandConfiguration(
      abstract: "Make an app password and print it once.")
    @Argument(help: "user@domain or user%domain.") var account: String
    @Argument(help: "What it is called, such as phone.") var name: String
    @Option(help: ArgumentHelp("Where it may be used: pop,imap,smtp.", valueName: "services")) var allow: ServiceList?
    @OptionGroup var common: CommonOptions

    func execute(_ context: CommandContext) async throws -> CommandResult {
      let accounts = try await context.rooms().accounts
      let made = try await accounts.addAppPassword(
        account, name: name, services: allow?.services ?? [.pop, .imap, .smtp])
      return CommandResult(
        JSONValue(made.password, adding: [("password", .string(made.secret))]), text: "password: \(made.secret)")
    }
  }

  /// `martinet account app-password list`.
  struct List: HostCommand {
    static let configuration = CommandConfiguration(abstract: "List an account's app passwords and their last use.")
    @Argument(help: "user@domain or user%domain.") var account: String
    @OptionGroup var common: CommonOptions

    func execute(_ context: CommandContext) async throws -> CommandResult {
      let passwords = try await context.rooms().accounts.appPasswords(account)
      var table = Table("NAME", "SERVICES", "CREATED", "LAST USED", "FROM")
      for password in passwords {
        table.add(
          password.name, Words.services(password.services), password.createdAt.rfc3339,
          password.lastUse.map { "\($0.at.rfc3339) \($0.service.rawValue)" } ?? "never", password.lastUse?.peer ?? "")
      }
      return CommandResult(.array(passwords.map { JSONValue($0) }), text: table.text)
    }
  }

  /// `martinet account app-password rm`.
  struct Remove: HostCommand {
    static let configuration = CommandConfiguration(
      commandName: "rm", abstract: "Withdraw an app password; sessions opened with it end.")
    @Argument(help: "user@domain or user%domain.") var account: String
    @Argument(help: "What it is called.") var name: String
    @OptionGroup var common: CommonOptions

    func execute(_ context: CommandContext) async throws -> CommandResult {
      try await context.rooms().accounts.removeAppPassword(account, name: name)
      try await context.poke()
      return CommandResult(["name": .string(name)], text: "withdrew \(name)")
    }
  }
}
