import Accounts
import ArgumentParser
import MartinetServer

extension AccountCommand {
  /// `martinet account passwd`.
  struct SetPassword: HostCommand {
    static let configuration = CommandConfiguration(
      commandName: "passwd", abstract: "Set an account's password; sessions and leases that rest on the old one end.")
    @Argument(help: "user@domain or user%domain.") var account: String
    @Option(help: "A crypt(3) or {SCHEME} string from another system.") var hash: String?
    @Flag(help: "Also keep the password readable, for APOP.") var apop = false
    @OptionGroup var password: PasswordOptions
    @OptionGroup var common: CommonOptions

    func validate() throws {
      guard hash != nil else { return }
      if apop || password.random || password.passwordFile != nil {
        throw ValidationError("--hash excludes --apop, --random and --password-file")
      }
    }

    func execute(_ context: CommandContext) async throws -> CommandResult {
      let given = hash == nil ? try password.read(prompt: "New password: ") : nil
      let rooms = try await context.rooms()
      let secret: NewPassword =
        hash.map { .hash($0) } ?? given.map { .clear(Array($0.password.utf8), keepForAPOP: apop) } ?? .none
      let changed = try await rooms.accounts.setPassword(account, secret)
      try await context.poke()
      guard let given, given.isRandom else {
        return CommandResult(JSONValue(changed), text: "password of \(changed.key) changed")
      }
      return CommandResult(
        JSONValue(changed, adding: [("password", .string(given.password))]),
        text: "password of \(changed.key) changed\npassword: \(given.password)")
    }
  }

  /// `martinet account verify`.
  struct Verify: HostCommand {
    static let configuration = CommandConfiguration(
      abstract: "Check a password: exit code 0 when it is right, 1 when it is wrong.")
    @Argument(help: "user@domain or user%domain.") var account: String
    @Option(
      help: ArgumentHelp("Read the password from the first line of a file; - is standard input.", valueName: "file"))
    var passwordFile: String?
    @OptionGroup var common: CommonOptions

    func execute(_ context: CommandContext) async throws -> CommandResult {
      let given = try PasswordOptions.readOnce(file: passwordFile, prompt: "Password: ")
      let accounts = try await context.rooms().accounts
      let found = try await accounts.account(login: account)
      let isRight = try await accounts.verifyPassword(account, Array(given.utf8))
      return CommandResult(
        ["address": .string(found.key), "valid": .bool(isRight)],
        text: isRight ? "the password is right" : "the password is wrong", status: isRight ? .done : .refused)
    }
  }
}
