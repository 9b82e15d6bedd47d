import Configuration
import LocalMail
import MailSyntax
import MartinetServer

#if canImport(Glibc)
  import Glibc
#endif

/// The program `sendmail` as other programs know it (R69, R72, R78); its exit codes are those of sysexits.h.
struct SendmailProgram {
  /// The names under which this program is `sendmail`.
  static let names: Set<String> = ["sendmail", "mailq", "newaliases", "rsmtp"]

  private let arguments: SendmailArguments

  /// Runs it.
  ///
  /// - Parameter program: the name it was called by.
  /// - Returns: the exit code.
  static func run(_ words: [String], program: String) async -> Int32 {
    do throws(SendmailArguments.Fault) {
      var arguments = try SendmailArguments.parse(words, program: program)
      if program == "rsmtp" { arguments.mode = .smtp }
      return await SendmailProgram(arguments: arguments).run().rawValue
    } catch {
      Output.errorLine("sendmail: \(error)")
      return SystemExit.usage.rawValue
    }
  }

  private func run() async -> SystemExit {
    if arguments.mode == .aliases { return .ok }
    if arguments.mode == .help {
      Output.line(SendmailCommand.helpMessage())
      return .ok
    }
    let configuration: Configuration
    do {
      configuration = try Configuration.read(CommandContext.configurationFile(arguments.configurationFile))
    } catch {
      Output.errorLine("sendmail: \(CommandDriver.failure(for: error).text)")
      return .configuration
    }
    do {
      let door = try await SendmailDoor(configuration)
      switch arguments.mode {
      case .deliver: return await SendmailDelivery(arguments: arguments, door: door).run()
      case .smtp: return await SendmailDialogue(door: door).run()
      case .verify: return await verify(door)
      case .list: return try await list(door)
      case .flush(let id, let domain): return try await flush(door, id: id, domain: domain, configuration)
      case .aliases, .help: return .ok
      }
    } catch {
      let failure = CommandDriver.failure(for: error)
      Output.errorLine("sendmail: \(failure.text)")
      return failure.status == .tryLater ? .tryLater : failure.status == .notFound ? .data : .unavailable
    }
  }

  /// `-bv`.
  private func verify(_ door: SendmailDoor) async -> SystemExit {
    guard !arguments.recipients.isEmpty else {
      Output.errorLine("sendmail: -bv wants recipients")
      return .usage
    }
    var result = SystemExit.ok
    for text in arguments.recipients {
      guard let address = door.address(text) else {
        Output.line("\(text)... not an address")
        result = .noUser
        continue
      }
      let reply = await door.submitter.recipient(address)
      Output.line("\(address)... \(reply.isPositive ? "deliverable" : reply.text)")
      if !reply.isPositive { result = SystemExit(reply) }
    }
    return result
  }

  /// `-bp`: as `mailq` has printed it for decades.
  private func list(_ door: SendmailDoor) async throws -> SystemExit {
    guard let rooms = door.rooms else { return door.notAllowed("list the queue") }
    let messages = try await rooms.queue.list()
    guard !messages.isEmpty else {
      Output.line("Mail queue is empty")
      return .ok
    }
    var lines = ["-Queue ID-  --Size-- ----Arrival Time---- -Sender/Recipient-------"]
    for message in messages {
      let mark = message.isHeld ? "!" : message.recipients.contains { $0.state == .leased } ? "*" : " "
      let size = "\(message.size)"
      let blanks = String(repeating: " ", count: max(0, 8 - size.count))
      let sender = message.sender.isEmpty ? "MAILER-DAEMON" : message.sender
      lines.append("\(message.id)\(mark) \(blanks)\(size) \(message.created.rfc3339) \(sender)")
      for recipient in message.recipients where !recipient.state.isSettled {
        if !recipient.reply.isEmpty {
          lines.append("    (\(recipient.reply.split(separator: "\n").joined(separator: " ")))")
        }
        lines.append("\(String(repeating: " ", count: 41))\(recipient.address)")
      }
      lines.append("")
    }
    let octets = messages.reduce(0) { $0 + $1.size }
    lines.append("-- \(max(1, octets / 1024)) Kbytes in \(Words.count(messages.count, "Request")).")
    Output.line(lines.joined(separator: "\n"))
    return .ok
  }

  /// `-q`.
  private func flush(
    _ door: SendmailDoor, id: String?, domain: String?, _ configuration: Configuration
  ) async throws -> SystemExit {
    guard let rooms = door.rooms else { return door.notAllowed("run the queue") }
    let count = try await rooms.queue.flush(id, destination: domain.map { try QueueOutput.destination($0) })
    guard (try? ControlClient(configuration: configuration).request("poke")) != nil else {
      Output.errorLine("sendmail: no server runs; \(count) recipients are tried as soon as one does")
      return .ok
    }
    return .ok
  }
}
