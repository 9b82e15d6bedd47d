import ArgumentParser

#if canImport(Glibc)
  import Glibc
#endif

/// The one command of the house; a file per noun lies in `Commands/`.
struct MartinetCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "martinet",
    abstract: "A mail host in one process: SMTP, POP3 and IMAP over one account database.",
    discussion: """
      Every command takes --config FILE (or MARTINET_CONFIG; else ./martinet.yaml, else
      /etc/martinet/martinet.yaml) and --json. Exit codes: 0 done, 1 refused by a rule, 2 usage,
      3 not found, 4 exists, 5 over a limit, 75 try later.
      """,
    version: MartinetVersion.text,
    subcommands: [
      InitCommand.self, ServeCommand.self, ConfigCommand.self, StatusCommand.self,
      DomainCommand.self, AccountCommand.self, AliasCommand.self, CatchAllCommand.self, OfferCommand.self,
      QuotaCommand.self, MailboxCommand.self, VerifyCommand.self,
      OpenSMTPCommand.self, BlacklistCommand.self, AddressCommand.self,
      QueueCommand.self, SendmailCommand.self, TraceCommand.self, ReportCommand.self, ExplainCommand.self,
      ClientSettingsCommand.self, TLSCommand.self, DoctorCommand.self, TrapCommand.self, SmarthostCommand.self,
    ])
}

/// Program entry: parses, runs, prints, and leaves with the contract's exit code.
@main
enum Program {
  static func main() async {
    signal(SIGPIPE, SIG_IGN)
    let name = CommandLine.arguments.first?.split(separator: "/").last.map(String.init) ?? ""
    let words = Array(CommandLine.arguments.dropFirst())
    if SendmailProgram.names.contains(name) { exit(await SendmailProgram.run(words, program: name)) }
    if words.first == "sendmail" { exit(await SendmailProgram.run(Array(words.dropFirst()), program: "sendmail")) }
    exit(await CommandDriver.run(words).rawValue)
  }
}
