import ArgumentParser
import Basics
import MailStore
import MartinetServer

extension MailboxCommand {
  /// `martinet mailbox import`.
  struct Import: HostCommand {
    static let configuration = CommandConfiguration(
      abstract: "Take the mail of a Maildir of Dovecot, Courier or qmail over, so that no client loads it again.",
      discussion: """
        DIRECTORY is the one with cur, new and tmp; Maildir++ folders and Dovecot's LAYOUT=fs are
        found by themselves. Flags, dates, keywords and subscriptions come along; UIDVALIDITY, UIDs and
        POP3's unique ids where dovecot-uidlist, courierimapuiddb or courierpop3dsizelist tell them.
        Nothing is changed at the source but with --move. Interrupted and run again it goes on; a later
        run takes what came since, and the flags that changed. Works beside the server.

        --uidl says which POP3 server's ids are kept: auto goes by the files found (Courier's list,
        Dovecot's, else qmail); qmail is the file's name; dovecot=FORMAT is its pop3_uidl_format
        (default %08Xu%08Xv); none keeps none. Exit code 1 when something was left out, 5 when the
        quota does not allow it.
        """)
    @Argument(help: ArgumentHelp("The account.", valueName: "account")) var name: String
    @Argument(help: "The Maildir to take over.") var directory: String
    @Flag(
      help: "What becomes of the files: new ones, hard links where possible, or hard links and removed at the source.")
    var transfer = TransferFlag.copy
    @Option(help: ArgumentHelp("auto, qmail, courier, dovecot, dovecot=FORMAT or none.", valueName: "kind"))
    var uidl = UniqueIDValue(origin: .automatic)
    @Flag(help: "Take everything, even what the quota does not allow.") var overQuotaOk = false
    @Flag(help: "Remove messages that an earlier run took and that are gone from the source by now.")
    var expungeGone = false
    @Flag(help: "Only say what would be done.") var dryRun = false
    @OptionGroup var common: CommonOptions

    func execute(_ context: CommandContext) async throws -> CommandResult {
      let rooms = try await context.rooms()
      let account = try await rooms.accounts.account(login: name)
      var options = MailImportOptions(directory: directory)
      options.transfer = transfer.transfer
      options.uniqueIDs = uidl.origin
      options.ignoresQuota = overQuotaOk
      options.expungesGone = expungeGone
      options.isDryRun = dryRun
      options.largeMessage = rooms.configuration.limits.messageSize
      let stop = StopFlag()
      defer { stop.end() }
      options.mustStop = { stop.isSet }
      let outcome: ImportOutcome
      do { outcome = try await rooms.store.importMail(rooms.mailAccount(account), options) } catch {
        await rooms.store.close()
        throw error
      }
      await rooms.store.close()
      var result = MailImportOutput.result(outcome, account: account.key, isDryRun: dryRun)
      if !outcome.fitsQuota {
        result.warnings.append("this is more than the quota of \(account.key) allows")
        if dryRun, !overQuotaOk { result.status = .overLimit }
      }
      return result
    }
  }
}

/// `--copy`, `--link` or `--move`.
enum TransferFlag: String, EnumerableFlag {
  case copy, link, move

  var transfer: MailImportOptions.Transfer {
    switch self {
    case .copy: .copy
    case .link: .link
    case .move: .move
    }
  }
}

/// What `--uidl` takes.
struct UniqueIDValue: ExpressibleByArgument, CustomStringConvertible {
  let origin: UniqueIDOrigin

  init(origin: UniqueIDOrigin) { self.origin = origin }

  init?(argument: String) {
    guard let origin = UniqueIDOrigin(argument) else { return nil }
    self.origin = origin
  }

  var description: String { origin.text }
  var defaultValueDescription: String { origin.text }
}
