import ArgumentParser

#if canImport(Glibc)
  import Glibc
#endif

/// Exit codes that scripts may rely on.
enum ExitStatus: Int32 {
  /// Done.
  case done = 0
  /// A rule of the host forbids it.
  case refused = 1
  /// The command line or the configuration makes no sense.
  case usage = 2
  /// What was named does not exist.
  case notFound = 3
  /// What was to be made exists already.
  case exists = 4
  /// A limit of the offer or domain would be passed.
  case overLimit = 5
  /// Nothing is wrong with the command; try it again later.
  case tryLater = 75

  /// The word for the code in JSON errors.
  var word: String {
    switch self {
    case .done: "done"
    case .refused: "refused"
    case .usage: "usage"
    case .notFound: "not-found"
    case .exists: "exists"
    case .overLimit: "over-limit"
    case .tryLater: "try-later"
    }
  }
}

/// A command that could not do what it was asked.
struct CommandFailure: Error {
  /// The exit code.
  var status: ExitStatus
  /// One line for people, with the remedy where there is one.
  var text: String
  /// Facts for `--json` and lines for people beside the error.
  var data: JSONValue = .null

  init(_ status: ExitStatus, _ text: String, data: JSONValue = .null) {
    self.status = status
    self.text = text
    self.data = data
  }
}

/// Errors of the rooms that know which exit code they mean.
protocol CommandFailureConvertible: Error {
  /// The failure as the command line shows it.
  var commandFailure: CommandFailure { get }
}

/// What a command has to show.
struct CommandResult {
  /// For `--json`.
  var data: JSONValue
  /// For people; printed as it is, with a final newline added.
  var text: String
  /// Things worth knowing that did not stop the command.
  var warnings: [String] = []
  /// Exit code when the command worked but its answer is "no" (`open-smtp check`).
  var status: ExitStatus = .done

  init(_ data: JSONValue, text: String, warnings: [String] = [], status: ExitStatus = .done) {
    self.data = data
    self.text = text
    self.warnings = warnings
    self.status = status
  }
}

/// A command of the house: it computes a result; the driver prints it and chooses the exit code.
protocol HostCommand: AsyncParsableCommand {
  /// `--config` and `--json`.
  var common: CommonOptions { get }
  /// Does the work.
  func execute(_ context: CommandContext) async throws -> CommandResult
}

extension HostCommand {
  /// Runs the command through the driver, also when the library calls it.
  mutating func run() async throws {
    let status = await CommandDriver.execute(self)
    if status != .done { throw ExitCode(status.rawValue) }
  }
}

/// Options that every command has.
struct CommonOptions: ParsableArguments {
  @Option(name: .customLong("config"), help: ArgumentHelp("The configuration file.", valueName: "file"))
  var configurationFile: String?

  @Flag(name: .customLong("json"), help: "Print one JSON object: ok, data, error, warnings.")
  var json = false
}

/// Parses a command line, runs the command and prints what it says.
enum CommandDriver {
  static func run(_ arguments: [String]) async -> ExitStatus {
    let json = arguments.contains("--json")
    do {
      var command = try MartinetCommand.parseAsRoot(arguments)
      if let hostCommand = command as? any HostCommand { return await execute(hostCommand) }
      if var asynchronous = command as? any AsyncParsableCommand {
        try await asynchronous.run()
      } else {
        try command.run()
      }
      return .done
    } catch {
      let code = MartinetCommand.exitCode(for: error)
      if code == .success {
        Output.line(MartinetCommand.fullMessage(for: error))
        return .done
      }
      if let status = ExitStatus(rawValue: code.rawValue), error is ExitCode { return status }
      return report(CommandFailure(.usage, usageText(error, arguments)), json: json, usage: true)
    }
  }

  /// A noun without its verb does not know --json and --config; what is wrong shows without them.
  private static func usageText(_ error: any Error, _ arguments: [String]) -> String {
    let text = MartinetCommand.fullMessage(for: error)
    guard text.contains("'--json'") || text.contains("'--config'") else { return text }
    var words = arguments.filter { $0 != "--json" }
    if let index = words.firstIndex(of: "--config") { words.removeSubrange(index..<min(index + 2, words.count)) }
    do {
      _ = try MartinetCommand.parseAsRoot(words)
      return "say what to do; see: martinet help"
    } catch {
      return MartinetCommand.exitCode(for: error) == .success
        ? "say what to do; see: martinet help" : MartinetCommand.fullMessage(for: error)
    }
  }

  static func execute(_ command: any HostCommand) async -> ExitStatus {
    let json = command.common.json
    do {
      let context = CommandContext(options: command.common)
      let result = try await command.execute(context)
      Output.result(result, json: json)
      return result.status
    } catch {
      return report(failure(for: error), json: json, usage: false)
    }
  }

  static func failure(for error: any Error) -> CommandFailure {
    switch error {
    case let failure as CommandFailure: failure
    case let convertible as any CommandFailureConvertible: convertible.commandFailure
    case let validation as ValidationError: CommandFailure(.usage, validation.message)
    default: CommandFailure(.refused, "\(error)")
    }
  }

  private static func report(_ failure: CommandFailure, json: Bool, usage: Bool) -> ExitStatus {
    if json {
      let text = usage ? firstLine(failure.text) : failure.text
      Output.failure(CommandFailure(failure.status, text, data: failure.data))
    } else {
      Output.errorLine(usage ? failure.text : "martinet: \(failure.text)")
    }
    return failure.status
  }

  private static func firstLine(_ text: String) -> String {
    let line = text.split(separator: "\n").first.map(String.init) ?? text
    return line.hasPrefix("Error: ") ? String(line.dropFirst(7)) : line
  }
}
