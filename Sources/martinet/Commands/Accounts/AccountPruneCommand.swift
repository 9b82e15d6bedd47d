import Accounts
import ArgumentParser
import Basics
import MartinetServer

/// `martinet account prune`: accounts that nobody has used for long (vdeloldusers).
struct AccountPruneCommand: HostCommand {
  static let configuration = CommandConfiguration(
    commandName: "prune",
    abstract: "List accounts without a login for so long; remove them with --apply.",
    discussion: """
      The last login counts, or the day the account was made when there was none. Postmasters and targets of a
      catch-all are never removed.
      """)
  @Option(help: ArgumentHelp("How long without a login, such as 180d.", valueName: "duration")) var idle:
    DurationArgument
  @Option(help: "Only this domain.") var domain: String?
  @Flag(help: "Remove them and their mail; without it they are only listed.") var apply = false
  @Flag(help: "Leave the mail on disk.") var keepMail = false
  @OptionGroup var confirmation: Confirmation
  @OptionGroup var common: CommonOptions

  func validate() throws {
    guard idle.value >= .seconds(86_400) else { throw ValidationError("--idle must be a day at least") }
  }

  func execute(_ context: CommandContext) async throws -> CommandResult {
    let rooms = try await context.rooms()
    let idle = try await idleAccounts(rooms)
    var table = Table("ACCOUNT", "LAST USED")
    for (account, used) in idle { table.add(account.key, used.rfc3339) }
    let rows = idle.map { account, used -> JSONValue in
      ["address": .string(account.key), "last_used": .string(used.rfc3339)]
    }
    guard apply, !idle.isEmpty else {
      return CommandResult(
        ["accounts": .array(rows), "removed": .array([])], text: idle.isEmpty ? "none" : table.text)
    }
    try confirmation.confirm(
      "\(idle.count) accounts are removed\(keepMail ? "; their mail stays" : " with their mail").")
    var removed: [Account] = []
    var warnings: [String] = []
    for (account, _) in idle {
      do {
        removed.append(try await rooms.accounts.removeAccount(account.key).account)
      } catch let error as AccountsError where error.code == .refused {
        warnings.append("\(account.key) stays: \(error.text)")
      }
    }
    try await context.poke()
    warnings += await MailFolders.remove(removed, keepMail: keepMail, rooms)
    return CommandResult(
      ["accounts": .array(rows), "removed": JSONValue(removed.map(\.key))],
      text: removed.map { "removed \($0.key)" }.joined(separator: "\n"), warnings: warnings)
  }

  private func idleAccounts(_ rooms: HostRooms) async throws -> [(Account, Timestamp)] {
    let end = SystemTime().now - idle.value
    var domains: [String] = []
    if let domain { domains = [domain] } else { domains = try await rooms.accounts.domains().map(\.name.ascii) }
    var found: [(Account, Timestamp)] = []
    for domain in domains {
      for account in try await rooms.accounts.accounts(domain: domain) where !account.isPostmaster {
        let used = try await rooms.accounts.lastLogins(account).map(\.at).max() ?? account.createdAt
        if used < end { found.append((account, used)) }
      }
    }
    return found
  }
}
