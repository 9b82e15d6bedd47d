import ArgumentParser
import Configuration
import MartinetServer

/// `martinet client-settings`: what a user types into a mail program (R58).
struct ClientSettingsCommand: HostCommand {
  static let configuration = CommandConfiguration(
    commandName: "client-settings",
    abstract: "Print what a mail program must be told for an account: servers, ports, encryption, login.")
  @Argument(help: "user@domain or user%domain.") var account: String
  @OptionGroup var common: CommonOptions

  /// One way to reach the mailbox or to send.
  struct Setting {
    let use: String
    let type: String
    let port: Int
    let security: String
  }

  func execute(_ context: CommandContext) async throws -> CommandResult {
    let rooms = try await context.rooms()
    let found = try await rooms.accounts.account(login: account)
    let host = rooms.configuration.hostname
    let settings = Self.settings(rooms.configuration)
    var table = Table("USE", "TYPE", "SERVER", "PORT", "ENCRYPTION")
    for setting in settings { table.add(setting.use, setting.type, host, "\(setting.port)", setting.security) }
    let rows = settings.map { setting -> JSONValue in
      [
        "use": .string(setting.use), "type": .string(setting.type), "server": .string(host),
        "port": JSONValue(setting.port), "encryption": .string(setting.security),
      ]
    }
    let text = """
      login:     \(found.key) (or \(found.key.replacing("@", with: "%")))
      password:  the mailbox's own, for reading and for sending

      \(table.text)

      One line for reading and one for sending are enough; the first of each is the best.
      """
    return CommandResult(
      ["login": .string(found.key), "settings": .array(rows)],
      text: text)
  }

  /// What this host listens on, encrypted from the start first.
  static func settings(_ configuration: Configuration) -> [Setting] {
    let known: [(ListenerService, String, String, String)] = [
      (.imaps, "read", "imap", "SSL"), (.imap, "read", "imap", "STARTTLS"), (.pop3s, "read", "pop3", "SSL"),
      (.pop3, "read", "pop3", "STARTTLS"), (.submissions, "send", "smtp", "SSL"),
      (.submission, "send", "smtp", "STARTTLS"), (.smtpAlt, "send", "smtp", "STARTTLS"),
    ]
    return known.compactMap { service, use, type, security in
      guard let port = configuration.listeners.first(where: { $0.service == service })?.addresses.first?.port else {
        return nil
      }
      return Setting(use: use, type: type, port: port, security: security)
    }
  }
}
