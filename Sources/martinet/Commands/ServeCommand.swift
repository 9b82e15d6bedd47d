import ArgumentParser
import Configuration
import MartinetServer

#if canImport(Glibc)
  import Glibc
#endif

/// `martinet serve`: all servers in one process, in the foreground.
struct ServeCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "serve",
    abstract: "Serve in the foreground; logs go to stderr.",
    discussion: "SIGTERM drains and ends; SIGHUP reads limits and certificates anew.")

  @OptionGroup var common: CommonOptions
  @Flag(help: ArgumentHelp("Print ports, demo logins and the next lines to type.", visibility: .hidden))
  var introduce = false

  func run() async throws {
    do {
      let context = CommandContext(options: common)
      let configuration = try context.configuration()
      let server = MartinetServer(configuration: configuration)
      let introduce = self.introduce
      try await server.run { if introduce { Output.line(Introduction(configuration).text) } }
    } catch {
      let failure = CommandDriver.failure(for: error)
      Output.errorLine("martinet: \(failure.text)")
      throw ExitCode(failure.status.rawValue)
    }
  }
}

extension SetupError: CommandFailureConvertible {
  var commandFailure: CommandFailure { CommandFailure(.refused, description) }
}
