import Accounts
import ArgumentParser
import Basics
import Glibc
import MailSyntax

/// `martinet alias import PATH --domain DOMAIN`: what `dotqmail2valias` was for.
struct AliasImportCommand: HostCommand {
  static let configuration = CommandConfiguration(
    commandName: "import", abstract: "Take aliases and the catch-all over from vpopmail.",
    discussion: """
      PATH is the folder of a domain with its .qmail-name files, or a file with what valias -s printed.
      Addresses and mailboxes of the domain become targets; programs, files of mail and names that exist
      are told with their reason, and the exit code is 1 then. Accounts are made first: martinet account add.
      """)
  @Argument(help: "A folder of .qmail-name files, or a file from valias -s.") var path: String
  @Option(help: "The domain they are for.") var domain: String
  @Flag(help: "Only say what would be done.") var dryRun = false
  @OptionGroup var common: CommonOptions

  /// Octets of one `.qmail` file, and of what `valias -s` printed.
  private static let fileLimit = 64 << 10
  private static let listLimit = 64 << 20
  /// Files looked at in one folder.
  private static let mostFiles = 100_000

  func execute(_ context: CommandContext) async throws -> CommandResult {
    let accounts = try await context.rooms().accounts
    let name = try await accounts.domain(domain).name
    let outcome = try await accounts.importQmail(try files(of: name), into: domain, dryRun: dryRun)
    if !dryRun { try await context.poke() }
    var table = Table("NAME", "TARGETS")
    if let choice = outcome.catchAll { table.add("catch-all", "\(choice)") }
    for alias in outcome.aliases { table.add(alias.address, alias.targets.joined(separator: " ")) }
    let warnings = outcome.refused.map { refusal in
      let place = refusal.line > 0 ? "\(refusal.name), line \(refusal.line)" : refusal.name
      return "\(place): \(refusal.reason)\(refusal.text.isEmpty ? "" : ": \(refusal.text)")"
    }
    return CommandResult(
      [
        "domain": .string(name.ascii), "dry_run": .bool(dryRun),
        "catchall": JSONValue(outcome.catchAll.map { "\($0)" }),
        "aliases": .array(
          outcome.aliases.map { ["alias": .string($0.address), "targets": .array($0.targets.map { .string($0) })] }),
        "refused": .array(
          outcome.refused.map {
            [
              "name": .string($0.name), "line": JSONValue($0.line), "text": .string($0.text),
              "reason": .string($0.reason),
            ]
          }),
      ], text: table.text, warnings: warnings, status: outcome.refused.isEmpty ? .done : .refused)
  }

  private func files(of domain: MailDomain) throws -> [QmailFile] {
    guard let names = DirectoryNames.list(path, most: Self.mostFiles, where: { $0.hasPrefix(".qmail-") }) else {
      guard errno == ENOTDIR else { throw failure(path) }
      return try listed(domain)
    }
    return try names.compactMap { name in
      guard let text = SmallFile.text("\(path)/\(name)", limit: Self.fileLimit) else {
        throw failure("\(path)/\(name)")
      }
      return QmailFile(fileName: name, text: text, domain: domain)
    }
  }

  /// `name@domain -> line`, as `valias -s` prints it; lines of other domains are left out.
  private func listed(_ domain: MailDomain) throws -> [QmailFile] {
    guard let text = SmallFile.text(path, limit: Self.listLimit) else { throw failure(path) }
    var lines: [String: [Substring]] = [:]
    for (number, line) in QmailFile.lines(text).enumerated() {
      if line.allSatisfy(\.isWhitespace) { continue }
      guard let arrow = line.firstRange(of: " -> ") else {
        throw CommandFailure(.usage, "\(path):\(number + 1): valias -s prints name@domain -> target, not \(line)")
      }
      let name = line[..<arrow.lowerBound].split(separator: "@", maxSplits: 1)
      guard name.count == 2, name[1].lowercased() == domain.ascii else { continue }
      lines[name[0].lowercased(), default: []].append(line[arrow.upperBound...])
    }
    return lines.map { QmailFile(name: $0.key, lines: $0.value, domain: domain) }
  }

  private func failure(_ path: String) -> CommandFailure {
    CommandFailure(errno == ENOENT ? .notFound : .refused, "\(path): \(String(cString: strerror(errno)))")
  }
}
