import ArgumentParser
import Basics
import Configuration
import Logging
import MailTrap
import MartinetServer
import NIOPosix
import Wire

#if canImport(Glibc)
  import Glibc
#endif

/// `martinet trap`: a server that takes every message and sends none, for programs under test (R63).
struct TrapCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "trap", abstract: "Catch the mail of programs under test: take everything, send nothing.",
    discussion: """
      The folder is --folder, else trap in the data folder of the configuration. A host need not be set up for it.
      """,
    subcommands: [Serve.self, List.self, Show.self, Raw.self, Clear.self])

  /// `--folder`.
  struct FolderOption: ParsableArguments {
    @Option(help: ArgumentHelp("Where the messages lie.", valueName: "dir")) var folder: String?

    /// The folder that is meant.
    func path(_ context: CommandContext) throws -> String {
      if let folder { return absolutePath(folder) }
      return "\(try context.configuration().data)/trap"
    }
  }

  /// `martinet trap serve`.
  struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Catch mail until interrupted.",
      discussion: "STARTTLS with a certificate of its own; every login is right. HTTP: / /messages /messages/ID(.eml).")
    @Option(help: ArgumentHelp("Where SMTP listens; may be repeated.", valueName: "address")) var listen: [String] = []
    @Option(help: ArgumentHelp("Where the pages and JSON listen; off for none.", valueName: "address"))
    var http = "127.0.0.1:1080"
    @Option(help: ArgumentHelp("Messages kept; the oldest go first.", valueName: "n")) var keep = 1000
    @Option(help: ArgumentHelp("Largest message.", valueName: "size")) var size: SizeValue?
    @Flag(help: "Want a login before MAIL; any will do.") var auth = false
    @OptionGroup var folder: FolderOption
    @OptionGroup var common: CommonOptions

    func validate() throws {
      guard (1...1_000_000).contains(keep) else { throw ValidationError("--keep must lie between 1 and 1000000") }
      for text in listen where HostPort(text) == nil {
        throw ValidationError("--listen wants address:port, not \(text)")
      }
      guard http == "off" || HostPort(http) != nil else { throw ValidationError("--http wants address:port or off") }
    }

    func run() async throws {
      do {
        try await serve(try folder.path(CommandContext(options: common)))
      } catch {
        let failure = CommandDriver.failure(for: error)
        Output.errorLine("martinet: \(failure.text)")
        throw ExitCode(failure.status.rawValue)
      }
    }

    private func serve(_ folder: String) async throws {
      var settings = TrapSettings(folder: folder)
      settings.messages = keep
      settings.wantsLogin = auth
      if let size { settings.messageSize = Int(clamping: size.bytes) }
      let store = TrapStore(folder: folder)
      try store.prepare()
      let files = TLSCertificates.Files(certificate: "\(folder)/cert.pem", key: "\(folder)/key.pem")
      if access(files.certificate, R_OK) != 0 || access(files.key, R_OK) != 0 {
        try SelfSignedCertificate(hostNames: ["localhost", "127.0.0.1", "::1"], now: .systemNow)
          .write(certificate: files.certificate, key: files.key)
      }
      let log = Logger(label: "trap") { StreamLogHandler.standardError(label: $0) }
      let server = WireServer(tls: try TLSCertificates([files]), time: SystemTime(), log: log)
      let places = (listen.isEmpty ? ["127.0.0.1:1025"] : listen).compactMap { HostPort($0) }
      var bound = try await server.listen(
        ListenerSpec(name: "trap", addresses: places.map { ($0.host, $0.port) }),
        handler: TrapService(settings: settings, time: SystemTime(), files: .singleton, log: log))
      if http != "off", let place = HostPort(http) {
        bound += try await server.listen(
          ListenerSpec(name: "http", addresses: [(place.host, place.port)]),
          handler: TrapPages(store: store, files: .singleton) { TrapCommand.json($0).text })
      }
      for place in bound { Output.line("\(place.listener) \(HostPort(host: "\(place.address)", port: place.port))") }
      Output.line("messages in \(folder)")
      await Interruption.wait()
      await server.drain(within: .seconds(5))
    }
  }

  /// `martinet trap list`.
  struct List: HostCommand {
    static let configuration = CommandConfiguration(abstract: "List what was caught, oldest first.")
    @Option(help: ArgumentHelp("Only the newest so many.", valueName: "n")) var limit: Int?
    @OptionGroup var folder: FolderOption
    @OptionGroup var common: CommonOptions

    func validate() throws {
      if let limit, limit < 1 { throw ValidationError("--limit must be at least 1") }
    }

    func execute(_ context: CommandContext) async throws -> CommandResult {
      let messages = try TrapStore(folder: folder.path(context)).list(limit: limit ?? .max)
      var table = Table("ID", "TIME", "FROM", "TO", "SIZE", "SUBJECT")
      for message in messages {
        table.add(
          message.id, message.at.rfc3339, "<\(message.sender)>", message.recipients.joined(separator: " "),
          "\(message.size)", message.subject)
      }
      return CommandResult(TrapCommand.json(messages), text: messages.isEmpty ? "nothing caught" : table.text)
    }
  }

  /// `martinet trap show`.
  struct Show: HostCommand {
    static let configuration = CommandConfiguration(abstract: "Show one message: envelope and header fields.")
    @OptionGroup var chosen: ChosenMessage
    @OptionGroup var common: CommonOptions

    func execute(_ context: CommandContext) async throws -> CommandResult {
      let (store, id) = try chosen.find(context)
      let message = try store.show(id)
      let facts = Words.facts([
        ("id", message.id), ("time", message.at.rfc3339), ("envelope from", "<\(message.sender)>"),
        ("envelope to", message.recipients.map { "<\($0)>" }.joined(separator: " ")), ("login", message.login ?? ""),
        ("client", "\(message.peer) \(message.helo)"), ("tls", message.isEncrypted ? "yes" : "no"),
        ("size", "\(message.size)"), ("from", message.from), ("subject", message.subject),
      ])
      return CommandResult(TrapCommand.json(message), text: facts)
    }
  }

  /// `martinet trap raw`.
  struct Raw: HostCommand {
    static let configuration = CommandConfiguration(abstract: "Print one message as it came.")
    @OptionGroup var chosen: ChosenMessage
    @OptionGroup var common: CommonOptions

    func execute(_ context: CommandContext) async throws -> CommandResult {
      let (store, id) = try chosen.find(context)
      let octets = try store.raw(id)
      if !common.json { Output.raw(octets) }
      return CommandResult(["id": .string(id), "raw": .string(String(decoding: octets, as: UTF8.self))], text: "")
    }
  }

  /// `martinet trap clear`.
  struct Clear: HostCommand {
    static let configuration = CommandConfiguration(abstract: "Remove one message, or all.")
    @Argument(help: "The id; all when left out.") var id: String?
    @OptionGroup var folder: FolderOption
    @OptionGroup var common: CommonOptions

    func execute(_ context: CommandContext) async throws -> CommandResult {
      let count = try TrapStore(folder: folder.path(context)).clear(id)
      return CommandResult(["removed": JSONValue(count)], text: "removed \(count)")
    }
  }

  /// One message of a trap, by its id or as the newest.
  struct ChosenMessage: ParsableArguments {
    @Argument(help: "The id, or last for the newest.") var id: String
    @OptionGroup var folder: FolderOption

    /// The trap and the id of a message that may be in it.
    func find(_ context: CommandContext) throws -> (store: TrapStore, id: String) {
      let store = TrapStore(folder: try folder.path(context))
      guard id == "last" else { return (store, id) }
      guard let last = try store.ids().last else { throw CommandFailure(.notFound, "nothing caught") }
      return (store, last)
    }
  }

  static func json(_ messages: [TrappedMessage]) -> JSONValue { .array(messages.map { json($0) }) }

  private static func json(_ message: TrappedMessage) -> JSONValue {
    [
      "id": .string(message.id), "time": .string(message.at.rfc3339), "sender": .string(message.sender),
      "recipients": JSONValue(message.recipients), "login": JSONValue(message.login), "peer": .string(message.peer),
      "helo": .string(message.helo), "tls": .bool(message.isEncrypted), "size": JSONValue(message.size),
      "from": .string(message.from), "subject": .string(message.subject),
    ]
  }
}

extension TrapStore.Failure: CommandFailureConvertible {
  var commandFailure: CommandFailure { CommandFailure(isMissing ? .notFound : .refused, description) }
}

extension TLSFileError: CommandFailureConvertible {
  var commandFailure: CommandFailure { CommandFailure(.refused, text) }
}
