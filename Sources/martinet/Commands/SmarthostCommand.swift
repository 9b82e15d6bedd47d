import ArgumentParser
import Configuration
import MartinetServer

/// `martinet smarthost`: providers that take outgoing mail, by name (R67).
struct SmarthostCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "smarthost", abstract: "Show the presets for servers that send for others.", subcommands: [List.self])

  /// `martinet smarthost list`.
  struct List: HostCommand {
    static let configuration = CommandConfiguration(
      abstract: "List the presets that queue.smarthost knows.",
      discussion: """
        In martinet.yaml: smarthost: {preset: NAME, username: LOGIN, password-file: FILE, daily: 500, monthly: 10000}
        daily and monthly cap what the provider is given; what is more waits in the queue.
        """)
    @OptionGroup var common: CommonOptions

    func execute(_ context: CommandContext) async throws -> CommandResult {
      var table = Table("PRESET", "PROVIDER", "SERVER", "PORT", "TLS", "SPF")
      for preset in SmarthostPreset.all {
        table.add(
          preset.name, preset.title, preset.host, "\(preset.port)", preset.tls,
          preset.spf.isEmpty ? "-" : "include:\(preset.spf)")
      }
      return CommandResult(.array(SmarthostPreset.all.map { JSONValue($0) }), text: table.text)
    }
  }
}

extension JSONValue {
  /// A preset.
  init(_ preset: SmarthostPreset) {
    self = [
      "preset": .string(preset.name), "title": .string(preset.title), "host": .string(preset.host),
      "port": JSONValue(preset.port), "tls": .string(preset.tls),
      "spf": JSONValue(preset.spf.isEmpty ? nil : preset.spf),
    ]
  }

  /// The smarthost in effect, a preset spelt out.
  init(_ smarthost: SmarthostSetting) {
    self = [
      "host": .string(smarthost.address.host), "port": JSONValue(smarthost.address.port), "tls": .string(smarthost.tls),
      "username": JSONValue(smarthost.username), "preset": JSONValue(smarthost.preset?.name),
      "daily": JSONValue(smarthost.daily), "monthly": JSONValue(smarthost.monthly),
    ]
  }
}
