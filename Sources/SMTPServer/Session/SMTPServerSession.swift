import Basics
import Logging
import MailSyntax
import Milter
import NIOPosix
import Wire

/// One client's conversation (RFC 5321 section 4).
///
/// Used from the connection's task only.
final class SMTPServerSession {
  /// What follows a command.
  enum Next { case goOn, stop }

  let role: SMTPRole
  let host: SMTPHost
  let settings: SMTPServerSettings
  let connection: Connection

  /// The client's name and whether it speaks ESMTP; `nil` before HELO, EHLO or LHLO.
  var hello: (name: HelloName, isExtended: Bool)?
  /// Who logged in.
  var sender: Sender?
  /// Whether a login failed: no lease stands in for it then.
  var authFailed = false
  var transaction: MailTransaction?
  /// The filters of this session; `nil` when there are none.
  let milters: MilterChain?
  /// What the blocklists said of the client, once they were asked.
  var blocklisting: (refusal: SMTPReply?, wasAsked: Bool)?

  private var errors = 0
  private var unknown = 0
  private var idle = 0
  var failedLogins = 0
  var messages = 0
  private var hasSentMail = false
  private let started: Duration

  init(role: SMTPRole, host: SMTPHost, connection: Connection) {
    self.role = role
    self.host = host
    self.connection = connection
    settings = host.settings
    started = host.time.uptime
    if let filters = settings.milters[role], !filters.isEmpty {
      milters = MilterChain(
        filters, group: MultiThreadedEventLoopGroup.singleton, files: host.files, log: connection.log)
    } else {
      milters = nil
    }
  }

  /// Greets, answers commands until the client leaves or must leave.
  func run() async throws {
    do {
      try await converse()
      await milters?.close()
    } catch {
      await milters?.close()
      guard let error = error as? ConnectionError else { throw error }
      try await sayGoodbye(error)
    }
  }

  private func converse() async throws {
    guard try await greet() else { return }
    while try await answerOne() == .goOn {}
    try await connection.flush()
  }

  // MARK: Start

  private func greet() async throws -> Bool {
    if try await talksTooEarly() {
      connection.log.notice("client talks before the greeting")
      send(Replies.synchronization)
      try await connection.flush()
      return false
    }
    if let refusal = await miltersRefuse() {
      send(refusal)
      try await connection.flush()
      return false
    }
    let text = settings.greeting.isEmpty ? settings.hostname : "\(settings.hostname) \(settings.greeting)"
    send(SMTPReply(220, nil, text))
    return true
  }

  /// Waits the greeting's pause; whether the client says anything in it, or has before.
  private func talksTooEarly() async throws -> Bool {
    guard settings.forbidsEarlyTalking, !connection.hasBufferedInput else { return settings.forbidsEarlyTalking }
    guard settings.greetingDelay > .zero else { return false }
    do {
      return try await connection.consume(timeout: settings.greetingDelay) { _ in 0 }
    } catch ConnectionError.timeout {
      return false
    }
  }

  // MARK: Commands

  private func answerOne() async throws -> Next {
    let line: [UInt8]
    do {
      guard let read = try await connection.readLine(limit: settings.authLine, timeout: commandTime()) else {
        return .stop
      }
      line = read
    } catch ConnectionError.lineTooLong {
      return try await refuse(Replies.lineTooLong)
    }
    if host.rights.isBlacklisted(connection.peer) { return stop(Replies.ended) }
    let command = SMTPCommand.parse(line)
    if line.count > settings.commandLine {
      guard case .auth = command else { return try await refuse(Replies.lineTooLong) }
    }
    return try await answer(command)
  }

  /// Time for the next command; a client that has shown no right yet must come to its first MAIL within a limit.
  private func commandTime() -> Duration {
    guard sender == nil, !hasSentMail else { return settings.commandTimeout }
    let rest = started + settings.firstMailTimeout - host.time.uptime
    return min(settings.commandTimeout, max(rest, .milliseconds(1)))
  }

  private func answer(_ command: SMTPCommand) async throws -> Next {
    switch command {
    case .helo(let name): return try await greeted(name, isExtended: false, verb: "HELO")
    case .ehlo(let name): return try await greeted(name, isExtended: true, verb: "EHLO")
    case .lhlo(let name): return try await greeted(name, isExtended: true, verb: "LHLO")
    case .mail(let argument): return try await mail(argument)
    case .rcpt(let argument): return try await recipient(argument)
    case .data: return try await data()
    case .bdat(let size, let isLast): return try await chunk(size: size, isLast: isLast)
    case .bdatUnreadable: return try await unreadableChunk()
    case .auth(let mechanism, let initial): return try await auth(mechanism: mechanism, initial: initial)
    case .startTLS: return try await startTLS()
    case .etrn(let argument): return try await remoteQueue(argument)
    case .rset:
      await abandon()
      return try await idleReply(Replies.ok)
    case .noop: return try await idleReply(Replies.ok)
    case .vrfy: return try await idleReply(Replies.verify)
    case .help: return try await idleReply(Replies.help)
    case .expn, .turn: return try await refuse(Replies.notImplemented)
    case .malformed(let usage): return try await refuse(SMTPReply(501, "5.5.4", "Syntax: \(usage)"))
    case .quit:
      send(Replies.bye)
      return .stop
    case .foreign:
      connection.log.notice("client speaks another protocol")
      return stop(Replies.foreignProtocol)
    case .unknown:
      unknown += 1
      guard unknown < settings.unknownCommands else { return stop(Replies.tooManyErrors) }
      return try await refuse(Replies.unknownCommand)
    }
  }

  // MARK: Replies

  /// Collects a reply; it leaves when the next command must be waited for.
  func send(_ reply: SMTPReply) {
    count(reply)
    connection.write(reply.wire)
  }

  /// Answers, and goes on.
  func reply(_ reply: SMTPReply) -> Next {
    send(reply)
    return .goOn
  }

  /// Answers, and ends the session.
  func stop(_ reply: SMTPReply) -> Next {
    send(reply)
    return .stop
  }

  /// Answers a command that failed; a client that fails often waits, and in the end must go.
  func refuse(_ reply: SMTPReply) async throws -> Next {
    errors += 1
    if errors > settings.undelayedErrors {
      try await connection.flush()
      try await host.time.sleep(for: settings.errorDelay)
    }
    send(reply)
    guard errors < settings.errors else {
      connection.log.notice("too many errors")
      return stop(Replies.tooManyErrors)
    }
    return .goOn
  }

  /// Answers a command that brings no mail; a client that sends nothing else counts as failing.
  func idleReply(_ reply: SMTPReply) async throws -> Next {
    idle += 1
    guard idle > settings.idleCommands else { return self.reply(reply) }
    return try await refuse(reply)
  }

  /// Notes that a MAIL was accepted: the time limit for strangers is over.
  func noteMail() {
    hasSentMail = true
    idle = 0
    connection.deadline = nil
  }

  private func sayGoodbye(_ error: ConnectionError) async throws {
    switch error {
    case .timeout, .deadlinePassed: send(Replies.timeout)
    case .shuttingDown: send(Replies.shuttingDown)
    case .ended: send(Replies.ended)
    case .tooMuchInput: send(Replies.lineTooLong)
    case .closed, .tls, .lineTooLong, .damagedStream: return
    }
    try await connection.flush()
  }
}
