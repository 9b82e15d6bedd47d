import Accounts
import ArgumentParser
import Basics
import MailStore
import MartinetServer

/// `martinet quota`: what mailboxes hold and may hold.
struct QuotaCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "quota", abstract: "Show, set and recount quotas.", subcommands: [Show.self, Set.self, Recount.self])

  /// `martinet quota show`.
  struct Show: HostCommand {
    static let configuration = CommandConfiguration(abstract: "Show use and quota of an account or a whole domain.")
    @Argument(help: ArgumentHelp("An account or a domain.", valueName: "account-or-domain")) var name: String
    @OptionGroup var common: CommonOptions

    func execute(_ context: CommandContext) async throws -> CommandResult {
      let rooms = try await context.rooms()
      let accounts = try await QuotaCommand.accounts(name, rooms)
      return try await QuotaCommand.result(accounts, of: name, rooms) { try await rooms.store.quotaUse($0) }
    }
  }

  /// `martinet quota set`.
  struct Set: HostCommand {
    static let configuration = CommandConfiguration(
      abstract: "Set the quota of an account, or of all accounts of a domain, within their offer.")
    @Argument(help: ArgumentHelp("An account or a domain.", valueName: "account-or-domain")) var name: String
    @Argument(help: "25M, none, or offer for what the offer gives.") var quota: QuotaValue
    @OptionGroup var common: CommonOptions

    func execute(_ context: CommandContext) async throws -> CommandResult {
      let rooms = try await context.rooms()
      let changed =
        QuotaCommand.isAccount(name)
        ? [try await rooms.accounts.setAccount(name, quota: quota.choice)]
        : try await rooms.accounts.setQuota(domain: name, quota.choice)
      try await context.poke()
      // The first line of maildirsize is the quota, which other Maildir++ programs go by.
      return try await QuotaCommand.result(changed, of: name, rooms) { try await rooms.store.recount($0) }
    }
  }

  /// `martinet quota recount`.
  struct Recount: HostCommand {
    static let configuration = CommandConfiguration(
      abstract: "Count the mail of an account or domain again and rewrite maildirsize.")
    @Argument(help: ArgumentHelp("An account or a domain.", valueName: "account-or-domain")) var name: String
    @OptionGroup var common: CommonOptions

    func execute(_ context: CommandContext) async throws -> CommandResult {
      let rooms = try await context.rooms()
      let accounts = try await QuotaCommand.accounts(name, rooms)
      return try await QuotaCommand.result(accounts, of: name, rooms) { try await rooms.store.recount($0) }
    }
  }

  private static func isAccount(_ name: String) -> Bool { name.contains { "@%/".contains($0) } }

  private static func accounts(_ name: String, _ rooms: HostRooms) async throws -> [Account] {
    guard isAccount(name) else { return try await rooms.accounts.accounts(domain: name) }
    return [try await rooms.accounts.account(login: name)]
  }

  /// One object for an account, a list for a domain.
  private static func result(
    _ accounts: [Account], of name: String, _ rooms: HostRooms,
    use: (MailAccount) async throws -> QuotaUse
  ) async throws -> CommandResult {
    var table = Table("ACCOUNT", "USED", "QUOTA", "PERCENT", "MESSAGES")
    var rows: [JSONValue] = []
    for account in accounts {
      let used = try await use(rooms.mailAccount(account))
      let percent = account.quota.bytes.flatMap { $0 > 0 ? Int(used.bytes * 100 / $0) : nil }
      table.add(
        account.key, ByteSize(used.bytes).description, account.quota.bytes.map { ByteSize($0).description } ?? "none",
        percent.map { "\($0)%" } ?? "-", "\(used.messages)")
      rows.append([
        "account": .string(account.key), "used": .integer(used.bytes), "quota": JSONValue(account.quota.bytes),
        "messages": JSONValue(used.messages), "message_quota": JSONValue(account.quota.messages),
        "percent": JSONValue(percent),
      ])
    }
    let single = isAccount(name) ? rows.first : nil
    return CommandResult(single ?? .array(rows), text: table.text)
  }
}

extension StoreError: CommandFailureConvertible {
  var commandFailure: CommandFailure {
    switch code {
    case .temporary, .closed: CommandFailure(.tryLater, text)
    case .overQuota, .limit: CommandFailure(.overLimit, text)
    case .noSuchFolder, .noSuchMessage: CommandFailure(.notFound, text)
    case .folderExists: CommandFailure(.exists, text)
    default: CommandFailure(.refused, text)
    }
  }
}
