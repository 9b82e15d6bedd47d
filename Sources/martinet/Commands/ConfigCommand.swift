import ArgumentParser
import Configuration
import MartinetServer

#if canImport(Glibc)
  import Glibc
#endif

/// `martinet config`: the configuration file's own verbs.
struct ConfigCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "config", abstract: "Check, show or reload the configuration.",
    subcommands: [Check.self, Show.self, Reload.self])

  /// `martinet config check`: every fault with file and line.
  struct Check: HostCommand {
    static let configuration = CommandConfiguration(abstract: "Name every fault of the file, with its line.")
    @OptionGroup var common: CommonOptions

    func execute(_ context: CommandContext) async throws -> CommandResult {
      let configuration: Configuration
      do {
        configuration = try context.configuration()
      } catch let error as ConfigurationError {
        throw CommandFailure(.usage, error.description, data: ["faults": .array(error.faults.map(Self.json))])
      }
      let faults = HostCheck.faults(of: configuration)
      guard faults.isEmpty else {
        throw CommandFailure(.usage, faults.joined(separator: "\n"), data: ["faults": JSONValue(faults)])
      }
      return CommandResult(
        ["file": .string(configuration.file), "faults": []], text: "\(configuration.file): no fault found")
    }

    private static func json(_ fault: ConfigurationFault) -> JSONValue {
      ["file": .string(fault.file), "line": JSONValue(fault.line), "text": .string(fault.text)]
    }
  }

  /// `martinet config show`: the file in effect.
  struct Show: HostCommand {
    static let configuration = CommandConfiguration(abstract: "Show which file is in effect, and its text.")
    @OptionGroup var common: CommonOptions

    func execute(_ context: CommandContext) async throws -> CommandResult {
      let configuration = try context.configuration()
      let text = try HostCheck.text(of: configuration)
      let listeners = configuration.listeners.map { listener -> JSONValue in
        ["service": .string(listener.service.rawValue), "addresses": JSONValue(listener.addresses.map(\.description))]
      }
      return CommandResult(
        [
          "file": .string(configuration.file), "hostname": .string(configuration.hostname),
          "data": .string(configuration.data), "listen": .array(listeners),
          "smarthost": configuration.queue.smarthost.map { JSONValue($0) } ?? .null, "text": .string(text),
        ], text: "# \(configuration.file)\n\(text)\(Self.note(configuration.queue.smarthost))")
    }

    /// What a preset stands for.
    private static func note(_ smarthost: SmarthostSetting?) -> String {
      guard let smarthost, let preset = smarthost.preset else { return "" }
      return "\n# queue.smarthost \(preset.name) is \(smarthost.address), tls: \(smarthost.tls)"
        + (preset.spf.isEmpty ? "" : "; SPF of your domains: include:\(preset.spf)")
    }
  }

  /// `martinet config reload`: what SIGHUP does.
  struct Reload: HostCommand {
    static let configuration = CommandConfiguration(
      abstract: "Let the running server read limits and certificates anew, without dropping sessions.")
    @OptionGroup var common: CommonOptions

    func execute(_ context: CommandContext) async throws -> CommandResult {
      let configuration = try context.configuration()
      let answer: [[String]]
      do {
        answer = try ControlClient(configuration: configuration).request("reload")
      } catch ControlClient.Failure.notRunning {
        throw CommandFailure(.notFound, "no server runs on \(configuration.data)")
      }
      guard answer.first?.first == "ok" else {
        throw CommandFailure(.refused, answer.first?.last ?? "the server gave no answer")
      }
      return CommandResult(["reloaded": true], text: "reloaded")
    }
  }
}
