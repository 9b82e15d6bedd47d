import ArgumentParser
import Basics
import MailLog
import MartinetServer

/// `martinet trace`: the whole life of messages (R68, R90).
struct TraceCommand: HostCommand {
  static let configuration = CommandConfiguration(
    commandName: "trace",
    abstract: "Tell the life of messages: accepted, queued, every attempt, delivered or bounced.",
    discussion: """
      WHAT is a queue id, a Message-ID, or an address that sent or got. With --account it tells only what that
      account may see: what it sent, and its own copies of what it got.
      Exit code 3 when nothing fits.
      """)
  @Argument(help: ArgumentHelp("Queue id, Message-ID or address.", valueName: "what")) var what: String?
  @Option(help: ArgumentHelp("The queue id.", valueName: "id")) var id: String?
  @Option(help: ArgumentHelp("The Message-ID.", valueName: "id")) var messageID: String?
  @Option(help: ArgumentHelp("The envelope sender, or @domain.", valueName: "address")) var sender: String?
  @Option(help: ArgumentHelp("A recipient, or @domain.", valueName: "address")) var recipient: String?
  @Option(help: ArgumentHelp("As this account may see it.", valueName: "account")) var account: String?
  @Option(help: ArgumentHelp("Since: 2026-11-22, 2026-11-22T08:00Z, or 2h for two hours ago.", valueName: "time"))
  var from: TimeArgument?
  @Option(help: ArgumentHelp("Until.", valueName: "time")) var to: TimeArgument?
  @Option(help: ArgumentHelp("At most so many messages, the newest.", valueName: "n")) var limit = 50
  @OptionGroup var common: CommonOptions

  func validate() throws {
    guard (1...10_000).contains(limit) else { throw ValidationError("--limit must lie between 1 and 10000") }
    guard what != nil || id != nil || messageID != nil || sender != nil || recipient != nil || account != nil
    else { throw ValidationError("name a queue id, a Message-ID or an address") }
  }

  func execute(_ context: CommandContext) async throws -> CommandResult {
    let rooms = try await context.rooms()
    try await context.writeLog()
    var query = TraceQuery()
    (query.id, query.messageID, query.sender, query.recipient) = (id, messageID, sender, recipient)
    (query.from, query.to, query.limit) = (from?.value, to?.value, limit)
    if let account { query.account = try await rooms.accounts.account(login: account).key }
    var traces: [MessageTrace] = []
    if let what {
      for attempt in Self.readings(of: what, query) {
        traces += try await rooms.mailLog.trace(attempt).filter { found in !traces.contains { $0.id == found.id } }
      }
      traces.sort { ($0.events.first?.at ?? .init(seconds: 0)) < ($1.events.first?.at ?? .init(seconds: 0)) }
    } else {
      traces = try await rooms.mailLog.trace(query)
    }
    guard !traces.isEmpty else { throw CommandFailure(.notFound, "no message in the log fits") }
    return CommandResult(.array(traces.map { JSONValue($0) }), text: traces.map(Self.text).joined(separator: "\n\n"))
  }

  /// What a word may mean.
  private static func readings(of what: String, _ query: TraceQuery) -> [TraceQuery] {
    func with(_ change: (inout TraceQuery) -> Void) -> TraceQuery {
      var copy = query
      change(&copy)
      return copy
    }
    guard what.contains("@") else { return [with { $0.id = what }] }
    return [with { $0.messageID = what }, with { $0.sender = what }, with { $0.recipient = what }]
  }

  private static func text(_ trace: MessageTrace) -> String {
    var lines: [String] = []
    for event in trace.events {
      if event.id == trace.id, event.kind == .accepted {
        lines.append("\(trace.id)  \(event.messageID.map { "Message-ID <\($0)>" } ?? "")")
      }
    }
    if lines.isEmpty { lines.append(trace.id) }
    lines += trace.events.map { "  \($0.at.rfc3339)  " + line($0, in: trace) }
    return lines.joined(separator: "\n")
  }

  private static func line(_ event: MailEvent, in trace: MessageTrace) -> String {
    var words = [event.kind.word]
    if event.id != trace.id { words.append("(as \(event.id))") }
    switch event.kind {
    case .accepted:
      words.append("from <\(event.sender)>, \(event.size) octets, \(Words.count(event.recipients, "recipient"))")
      if let account = event.account { words.append("of \(account)") }
      if let via = event.via { words.append("by \(via)") }
      if let peer = event.peer { words.append("at \(peer)") }
    default:
      words.append("to <\(event.recipient)>")
      if let remote = event.remote { words.append("by \(remote)") }
      if let related = event.related { words.append("as \(related)") }
      if let delay = event.delay { words.append("after \(delay.wholeMilliseconds / 1000) s") }
    }
    var line = words.joined(separator: " ")
    if let text = event.text { line += ": " + text.split(separator: "\n").joined(separator: " / ") }
    return line
  }
}

extension JSONValue {
  /// The life of a message.
  init(_ trace: MessageTrace) {
    let accepted = trace.events.first { $0.kind == .accepted && $0.id == trace.id }
    self = [
      "id": .string(trace.id), "message_id": JSONValue(accepted?.messageID),
      "sender": JSONValue(accepted?.sender ?? trace.events.first?.sender),
      "events": .array(trace.events.map { JSONValue($0) }),
    ]
  }

  private init(_ event: MailEvent) {
    self = [
      "time": .string(event.at.rfc3339), "event": .string(event.kind.word), "id": .string(event.id),
      "sender": .string(event.sender), "recipient": JSONValue(event.recipient.isEmpty ? nil : event.recipient),
      "account": JSONValue(event.account), "via": JSONValue(event.via), "peer": JSONValue(event.peer),
      "size": JSONValue(event.size), "remote": JSONValue(event.remote), "status": JSONValue(event.status),
      "reply": JSONValue(event.text), "related": JSONValue(event.related),
      "delay": JSONValue(event.delay.map { $0.wholeMilliseconds / 1000 }), "spam": .bool(event.isSpam),
    ]
  }
}
