import ArgumentParser
import MailQueue
import MailStore
import MartinetServer

/// `martinet verify`: looks at the whole data folder, says what is wrong and what would mend it, and changes nothing.
struct VerifyCommand: HostCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Check the data folder: database, queue, mail files, indexes, quotas.",
    discussion: "Exit code 0 when nothing needs attention, 1 otherwise. Runs beside the server, or without it.")

  @OptionGroup var common: CommonOptions

  func execute(_ context: CommandContext) async throws -> CommandResult {
    let rooms = try await context.rooms()
    var findings = try await rooms.database.faults().map { fault in
      Finding("error", rooms.folder.accountsDatabase, fault, "restore accounts.db from a backup")
    }
    let queue = try await rooms.queue.verify()
    findings += queue.findings.map { Finding("error", $0.path, $0.problem, $0.remedy) }
    let mail = try await rooms.store.verify(root: rooms.folder.mail)
    findings += mail.findings.map { Finding($0.severity.rawValue, $0.path, $0.problem, $0.remedy) }
    let isSound = mail.isSound && !findings.contains { $0.severity == "error" }
    let counts =
      "\(mail.accounts) accounts, \(mail.folders) folders, \(mail.messages) messages, \(queue.messages) in the queue"
    let lines = findings.map { "\($0.severity): \($0.path): \($0.problem)\n  remedy: \($0.remedy)" }
    let end = isSound ? "\(counts): sound" : "\(counts): see above"
    return CommandResult(
      [
        "sound": .bool(isSound), "accounts": JSONValue(mail.accounts), "folders": JSONValue(mail.folders),
        "messages": JSONValue(mail.messages), "queued": JSONValue(queue.messages),
        "findings": .array(findings.map(\.json)), "unlisted": JSONValue(mail.unlisted),
      ], text: (lines + [end]).joined(separator: "\n"), status: isSound ? .done : .refused)
  }

  private struct Finding {
    let severity: String
    let path: String
    let problem: String
    let remedy: String

    init(_ severity: String, _ path: String, _ problem: String, _ remedy: String) {
      self.severity = severity
      self.path = path
      self.problem = problem
      self.remedy = remedy
    }

    var json: JSONValue {
      [
        "severity": .string(severity), "path": .string(path), "problem": .string(problem), "remedy": .string(remedy),
      ]
    }
  }
}
