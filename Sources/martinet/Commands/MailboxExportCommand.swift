import ArgumentParser
import MailStore
import MartinetServer

extension MailboxCommand {
  /// `martinet mailbox export`.
  struct Export: HostCommand {
    static let configuration = CommandConfiguration(
      abstract: "Write an account's mail as a Maildir++ that Dovecot serves on without a client loading it again.",
      discussion: """
        DIRECTORY must be empty or not there yet. With the mail come dovecot-uidlist (UIDVALIDITY, UIDs,
        POP3's unique ids and their order), dovecot-keywords and subscriptions. Nothing here changes;
        works beside the server.
        """)
    @Argument(help: ArgumentHelp("The account.", valueName: "account")) var name: String
    @Argument(help: "Where to.") var directory: String
    @Flag(help: "Hard links where the file system allows, instead of copies.") var link = false
    @OptionGroup var common: CommonOptions

    func execute(_ context: CommandContext) async throws -> CommandResult {
      let rooms = try await context.rooms()
      let account = try await rooms.accounts.account(login: name)
      let stop = StopFlag()
      defer { stop.end() }
      let outcome: ExportOutcome
      do {
        outcome = try await rooms.store.exportMail(
          rooms.mailAccount(account), to: directory, links: link, mustStop: { stop.isSet })
      } catch {
        await rooms.store.close()
        throw error
      }
      await rooms.store.close()
      var table = Table("FOLDER", "MESSAGES", "WITH-UID", "UIDVALIDITY", "OCTETS")
      for folder in outcome.folders {
        table.add(
          folder.name.path, "\(folder.messages)", "\(folder.listed)", "\(folder.uidValidity)", "\(folder.bytes)")
      }
      return CommandResult(
        [
          "account": .string(account.key), "messages": JSONValue(outcome.folders.reduce(0) { $0 + $1.messages }),
          "folders": .array(
            outcome.folders.map {
              [
                "name": .string($0.name.path), "messages": JSONValue($0.messages), "with_uid": JSONValue($0.listed),
                "uidvalidity": JSONValue(Int($0.uidValidity)), "bytes": .integer($0.bytes),
              ]
            }),
        ], text: table.text, warnings: outcome.warnings)
    }
  }
}
