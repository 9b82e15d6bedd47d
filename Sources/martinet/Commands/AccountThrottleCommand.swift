import ArgumentParser
import Basics
import MartinetServer
import RelayAccess

/// `martinet account throttle`: the pause between an account's POP logins.
struct AccountThrottleCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "throttle", abstract: "Show or reset the pause between an account's POP logins.",
    subcommands: [Show.self, Reset.self])

  /// `martinet account throttle show`.
  struct Show: HostCommand {
    static let configuration = CommandConfiguration(
      abstract: "Show the last POP logins and when the next may come.")
    @Argument(help: "user@domain or user%domain.") var account: String
    @OptionGroup var common: CommonOptions

    func execute(_ context: CommandContext) async throws -> CommandResult {
      let rooms = try await context.rooms()
      let account = try await rooms.accounts.account(login: account)
      let states = try await rooms.relay.popThrottle(of: account)
      let delay = rooms.relay.popDelay(of: account)
      var table = Table("NET", "LAST", "RETRY-IN")
      for state in states {
        let wait = (state.retryAfter.wholeMilliseconds + 999) / 1000
        table.add(state.net ?? "any", state.lastLogin.rfc3339, wait > 0 ? "\(wait)s" : "-")
      }
      let rows = states.map { state -> JSONValue in
        [
          "net": JSONValue(state.net), "last_login": .string(state.lastLogin.rfc3339),
          "retry_after_seconds": JSONValue((state.retryAfter.wholeMilliseconds + 999) / 1000),
        ]
      }
      return CommandResult(
        [
          "account": .string(account.key), "login_delay": .string(delay.setting), "networks": .array(rows),
        ], text: "\(account.key): \(delay.setting) between POP logins\n\(table.text)")
    }
  }

  /// `martinet account throttle reset`.
  struct Reset: HostCommand {
    static let configuration = CommandConfiguration(abstract: "Let the next POP login pass at once.")
    @Argument(help: "user@domain or user%domain.") var account: String
    @OptionGroup var common: CommonOptions

    func execute(_ context: CommandContext) async throws -> CommandResult {
      let rooms = try await context.rooms()
      let account = try await rooms.accounts.account(login: account)
      let count = try await rooms.relay.resetPopThrottle(of: account)
      return CommandResult(
        ["account": .string(account.key), "reset": JSONValue(count)], text: "\(account.key): the next POP login passes")
    }
  }
}
