import ArgumentParser
import MartinetServer

/// `martinet verify`: looks at the whole data folder, says what is wrong and what would mend it, and changes nothing.
struct VerifyCommand: HostCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Check the data folder: database, queue, mail files, indexes, quotas.",
    discussion: """
      Changes nothing; runs beside the server, or without it. Exit code 0 when nothing needs
      attention, 1 otherwise. Notes are what the server mends by itself.
      """)

  @Flag(help: "Do not read every message and every page of the databases.") var quick = false
  @OptionGroup var common: CommonOptions

  func execute(_ context: CommandContext) async throws -> CommandResult {
    let found = try await HostInspection(context.configuration(), isQuick: quick)
    let (mail, report) = (found.mail, found.report)
    let counts =
      "\(mail.accounts) accounts, \(mail.folders) folders, \(mail.messages) messages, \(found.queued) in the queue"
    return CommandResult(
      [
        "sound": .bool(report.isSound), "accounts": JSONValue(mail.accounts), "folders": JSONValue(mail.folders),
        "messages": JSONValue(mail.messages), "queued": JSONValue(found.queued),
        "findings": InspectionOutput.json(report), "unlisted": JSONValue(report.unlisted),
      ], text: InspectionOutput.text(report, counts), status: report.isSound ? .done : .refused)
  }
}
