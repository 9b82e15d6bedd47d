import ArgumentParser
import MailLog
import MailQueue
import MartinetServer

/// `martinet queue`: mail on its way to other servers.
struct QueueCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "queue", abstract: "Show mail that waits for other servers, hold it, retry it, remove it.",
    subcommands: [List.self, Show.self, Flush.self, Hold.self, Release.self, Retry.self, Remove.self])

  /// `martinet queue list`.
  struct List: HostCommand {
    static let configuration = CommandConfiguration(
      abstract: "List the messages in the queue, oldest first.",
      discussion: "An address that waits shows its next try; what its server last said is in: martinet queue show ID")
    @Option(help: "Only mail that still has to go to this domain.") var domain: String?
    @Option(help: "Show at most so many messages.") var limit: Int?
    @OptionGroup var common: CommonOptions

    func validate() throws {
      if let limit, limit < 1 { throw ValidationError("--limit must be at least 1.") }
    }

    func execute(_ context: CommandContext) async throws -> CommandResult {
      let queue = try await context.rooms().queue
      let destination = try domain.map { try QueueOutput.destination($0) }
      let messages = try await queue.list(limit: limit ?? .max, destination: destination)
      return CommandResult(.array(messages.map { QueueOutput.json($0) }), text: QueueOutput.table(messages))
    }
  }

  /// `martinet queue show`.
  struct Show: HostCommand {
    static let configuration = CommandConfiguration(
      abstract: "Show one message: next try, expiry and last reply of every recipient.")
    @Argument(help: "The queue id, as in \"queued as A6ADC402D4\".") var id: String
    @OptionGroup var common: CommonOptions

    func execute(_ context: CommandContext) async throws -> CommandResult {
      let message = try await context.rooms().queue.show(id)
      return CommandResult(QueueOutput.json(message), text: QueueOutput.text(message))
    }
  }

  /// `martinet queue flush`.
  struct Flush: HostCommand {
    static let configuration = CommandConfiguration(
      abstract: "Try now, whatever the next try was: one message, one domain, or everything that is not held.")
    @Argument(help: "The queue id; without it the whole queue.") var id: String?
    @Option(help: "Only recipients in this domain.") var domain: String?
    @OptionGroup var common: CommonOptions

    func execute(_ context: CommandContext) async throws -> CommandResult {
      let queue = try await context.rooms().queue
      let destination = try domain.map { try QueueOutput.destination($0) }
      let count = try await queue.flush(id, destination: destination)
      try await context.poke()
      return CommandResult(
        ["id": JSONValue(id?.uppercased()), "domain": JSONValue(destination), "recipients": JSONValue(count)],
        text: "\(count) recipients are tried now")
    }
  }

  /// `martinet queue hold`.
  struct Hold: HostCommand {
    static let configuration = CommandConfiguration(
      abstract: "Keep a message back; its lifetime goes on.")
    @Argument(help: "The queue id.") var id: String
    @OptionGroup var common: CommonOptions

    func execute(_ context: CommandContext) async throws -> CommandResult {
      let queue = try await context.rooms().queue
      try await queue.hold(id)
      try await context.poke()
      return CommandResult(QueueOutput.json(try await queue.show(id)), text: "\(id.uppercased()) is held")
    }
  }

  /// `martinet queue release`.
  struct Release: HostCommand {
    static let configuration = CommandConfiguration(abstract: "Let a held message go on.")
    @Argument(help: "The queue id.") var id: String
    @OptionGroup var common: CommonOptions

    func execute(_ context: CommandContext) async throws -> CommandResult {
      let queue = try await context.rooms().queue
      try await queue.release(id)
      let result = QueueOutput.changed(id, try? await queue.show(id), text: "\(id.uppercased()) is released")
      try await context.poke()
      return result
    }
  }

  /// `martinet queue retry`.
  struct Retry: HostCommand {
    static let configuration = CommandConfiguration(abstract: "Try one message now, held or not.")
    @Argument(help: "The queue id.") var id: String
    @OptionGroup var common: CommonOptions

    func execute(_ context: CommandContext) async throws -> CommandResult {
      let queue = try await context.rooms().queue
      try await queue.release(id)
      // A server that runs may have delivered it in this very moment.
      _ = try? await queue.flush(id)
      let result = QueueOutput.changed(id, try? await queue.show(id), text: "\(id.uppercased()) is tried now")
      try await context.poke()
      return result
    }
  }

  /// `martinet queue rm`.
  struct Remove: HostCommand {
    static let configuration = CommandConfiguration(
      commandName: "rm", abstract: "Take a message out of the queue; its sender is not told.")
    @Argument(help: "The queue id.") var id: String
    @OptionGroup var confirmation: Confirmation
    @OptionGroup var common: CommonOptions

    func execute(_ context: CommandContext) async throws -> CommandResult {
      let queue = try await context.rooms().queue
      let message = try await queue.show(id)
      let recipients = message.recipients.filter { !$0.state.isSettled }.count
      try confirmation.confirm("\(message.id) from <\(message.sender)> to \(recipients) recipients is removed.")
      try await queue.remove(message.id)
      await Self.note(message, context)
      try await context.poke()
      return CommandResult(QueueOutput.json(message), text: "removed \(message.id)")
    }

    /// Tells the mail log, so that `trace` knows why the story ends.
    private static func note(_ message: QueuedMessage, _ context: CommandContext) async {
      guard let log = try? await context.rooms().mailLog else { return }
      for recipient in message.recipients where !recipient.state.isSettled {
        var event = MailEvent(.removed, id: message.id)
        (event.sender, event.recipient, event.account) = (message.sender, recipient.address, message.account)
        event.text = "taken out of the queue by an administrator"
        log.note(event)
      }
      await log.flush()
    }
  }
}

extension QueueError: CommandFailureConvertible {
  var commandFailure: CommandFailure {
    switch self {
    case .notFound: CommandFailure(.notFound, description)
    case .inUse, .storage: CommandFailure(.tryLater, description)
    case .envelope: CommandFailure(.refused, description)
    }
  }
}
