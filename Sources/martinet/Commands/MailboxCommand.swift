import Accounts
import ArgumentParser
import Basics
import MailStore
import MartinetServer

/// `martinet mailbox`: check, rebuild, undelete, import and export the mail of one account.
struct MailboxCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "mailbox", abstract: "Check and rebuild mailboxes, bring expunged mail back, move mail in and out.",
    subcommands: [Check.self, Rebuild.self, Undelete.self, Import.self, Export.self])

  /// `martinet mailbox check`.
  struct Check: HostCommand {
    static let configuration = CommandConfiguration(
      abstract: "Say what is wrong with the mail files, index and quota of an account; change nothing.",
      discussion: "Exit code 0 when nothing needs attention, 1 otherwise.")
    @Argument(help: ArgumentHelp("The account.", valueName: "account")) var name: String
    @OptionGroup var common: CommonOptions

    func execute(_ context: CommandContext) async throws -> CommandResult {
      let rooms = try await context.rooms()
      let account = try await rooms.accounts.account(login: name)
      let found = rooms.inspect(account)
      let report = found.report
      let counts = "\(account.key): \(found.folders) folders, \(found.messages) messages"
      return CommandResult(
        [
          "account": .string(account.key), "sound": .bool(report.isSound), "folders": JSONValue(found.folders),
          "messages": JSONValue(found.messages), "unlisted": JSONValue(report.unlisted),
          "findings": InspectionOutput.json(report),
        ], text: InspectionOutput.text(report, counts), status: report.isSound ? .done : .refused)
    }
  }

  /// `martinet mailbox rebuild`.
  struct Rebuild: HostCommand {
    static let configuration = CommandConfiguration(
      abstract: "Make the index of an account anew from its files and what the old index still tells.",
      discussion: """
        UIDs and keywords stay where the old index or its daily backup tells them; a folder neither knows
        gets a greater UIDVALIDITY, and clients load it anew. Open sessions of the account end.
        """)
    @Argument(help: ArgumentHelp("The account.", valueName: "account")) var name: String
    @OptionGroup var common: CommonOptions

    func execute(_ context: CommandContext) async throws -> CommandResult {
      let rooms = try await context.rooms()
      let account = try await rooms.accounts.account(login: name)
      let folders = try await rooms.store.rebuild(rooms.mailAccount(account))
      await rooms.store.close()
      var table = Table("FOLDER", "MESSAGES", "KEPT-UIDS", "NEW-UIDS", "UIDVALIDITY", "WHAT")
      for folder in folders {
        table.add(
          folder.name.path, "\(folder.messages)", "\(folder.keptUIDs)", "\(folder.messages - folder.keptUIDs)",
          "\(folder.uidValidity)", Self.word(folder))
      }
      return CommandResult(
        [
          "account": .string(account.key),
          "folders": .array(
            folders.map {
              [
                "name": .string($0.name.path), "messages": JSONValue($0.messages), "kept_uids": JSONValue($0.keptUIDs),
                "new_uids": JSONValue($0.messages - $0.keptUIDs),
                "uidvalidity_before": JSONValue($0.uidValidityBefore.map { Int($0) }),
                "uidvalidity": JSONValue(Int($0.uidValidity)), "result": .string(Self.word($0)),
              ]
            }),
        ], text: table.text)
    }

    private static func word(_ folder: RebuiltFolder) -> String {
      if let before = folder.uidValidityBefore, before != folder.uidValidity { return "new-uidvalidity" }
      if !folder.isKnown { return "new" }
      return folder.keptUIDs == folder.messages ? "kept" : "partly-kept"
    }
  }

  /// `martinet mailbox undelete`.
  struct Undelete: HostCommand {
    static let configuration = CommandConfiguration(
      abstract: "Bring expunged messages back into their folders, all or none.",
      discussion: """
        Works for mail that was expunged since storage: undelete: was set, for as long as it says; mail of
        deleted folders included. The quota holds: exit code 5 when not all of it fits.
        """)
    @Argument(help: ArgumentHelp("The account.", valueName: "account")) var name: String
    @Option(help: ArgumentHelp("Only this folder, for instance INBOX or Projects/2026.", valueName: "folder"))
    var folder: String?
    @Option(help: ArgumentHelp("Only what was expunged in this time: 90s, 15m, 24h.", valueName: "duration"))
    var since: AgeValue?
    @Flag(help: "Only say what would be brought back.") var dryRun = false
    @OptionGroup var common: CommonOptions

    func execute(_ context: CommandContext) async throws -> CommandResult {
      let rooms = try await context.rooms()
      let account = try await rooms.accounts.account(login: name)
      let outcome = try await rooms.store.undelete(
        rooms.mailAccount(account), folder: folder.map { try MailboxName($0) },
        since: since.map { SystemTime().now - $0.duration }, dryRun: dryRun)
      await rooms.store.close()
      let isKept = rooms.configuration.storage.undelete > .zero
      guard outcome.messages > 0 else {
        let reason = isKept ? "" : "; storage: undelete: is 0s, so expunged mail is not kept"
        throw CommandFailure(.notFound, "nothing to bring back\(reason)")
      }
      var table = Table("FOLDER", "MESSAGES", "SIZE")
      for folder in outcome.folders {
        table.add(folder.name.path, "\(folder.messages)", ByteSize(folder.bytes).description)
      }
      let warnings = outcome.fitsQuota ? [] : ["this is more than the quota of \(account.key) allows"]
      return CommandResult(
        [
          "account": .string(account.key), "dry_run": .bool(dryRun), "messages": JSONValue(outcome.messages),
          "fits_quota": .bool(outcome.fitsQuota),
          "folders": .array(
            outcome.folders.map {
              ["name": .string($0.name.path), "messages": JSONValue($0.messages), "bytes": .integer($0.bytes)]
            }),
        ],
        text: table.text, warnings: warnings)
    }
  }
}

/// How long ago something was: a duration such as `24h`.
struct AgeValue: ExpressibleByArgument {
  /// The duration.
  let duration: Duration

  init?(argument: String) {
    guard let duration = Duration(setting: argument), duration > .zero else { return nil }
    self.duration = duration
  }
}
