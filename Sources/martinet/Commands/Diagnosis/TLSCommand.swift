import ArgumentParser
import Basics
import MartinetServer

/// `martinet tls`: the certificates this host serves.
struct TLSCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tls", abstract: "Show certificates and the names they cover.", subcommands: [Names.self])

  /// `martinet tls names` (R33).
  struct Names: HostCommand {
    static let configuration = CommandConfiguration(
      abstract: "List what the certificates cover, and the names users type that they do not.",
      discussion: "A mail program complains when the name it uses is not covered; tls.hosts adds certificates.")
    @OptionGroup var common: CommonOptions

    func execute(_ context: CommandContext) async throws -> CommandResult {
      let rooms = try await context.rooms()
      let certificates = TLSProbe.certificates(of: rooms.configuration)
      var names = [rooms.configuration.hostname]
      for domain in try await rooms.accounts.domains() {
        for label in ["smtp", "pop3", "imap"] { names.append("\(label).\(domain.name.ascii)") }
      }
      let covered = certificates.flatMap(\.names)
      let missing = names.filter { !TLSProbe.covers(covered, $0) }
      var table = Table("CERTIFICATE", "NAMES", "UNTIL")
      for entry in certificates {
        table.add(entry.file, entry.fault ?? entry.names.joined(separator: " "), entry.ends?.rfc3339 ?? "-")
      }
      var lines = [table.text]
      if !missing.isEmpty {
        lines += ["", "not covered, so mail programs complain about them:"] + missing.map { "  \($0)" }
      }
      let rows = certificates.map { entry -> JSONValue in
        [
          "certificate": .string(entry.file), "key": .string(entry.key), "names": JSONValue(entry.names),
          "until": JSONValue(entry.ends), "fault": JSONValue(entry.fault),
        ]
      }
      return CommandResult(
        [
          "certificates": .array(rows), "covered": JSONValue(names.filter { TLSProbe.covers(covered, $0) }),
          "not_covered": JSONValue(missing),
        ], text: lines.joined(separator: "\n"))
    }
  }
}
