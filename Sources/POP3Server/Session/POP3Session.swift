import Accounts
import Basics
import Logging
import MailStore
import RelayAccess
import Wire

/// One client's conversation, from the greeting to QUIT or the end of the connection.
///
/// Deleted messages are removed at QUIT only: a connection that drops changes nothing (RFC 1939 section 6).
final class POP3Session {
  /// Whether the conversation goes on.
  enum Flow { case goOn, end }

  /// What is held between login and end.
  struct Maildrop {
    let account: Account
    let mailbox: Mailbox
    let messages: [POPMessage]
    let lease: POPLease
    var deleted: Set<Int> = []
  }

  let service: POP3Service
  let connection: Connection
  var settings: POP3Settings { service.settings }
  var language = POP3Language.english
  var isUTF8 = false
  var userName: [UInt8]?
  var wrongLogins = 0
  var maildrop: Maildrop?
  /// The place of the message that RETR gave last.
  var lastRetrieved: Int?
  /// Where the next messages lie, by UID.
  var places: [UInt32: LocatedMessage] = [:]
  /// Messages read along with an earlier one, by UID.
  var readAhead: [UInt32: [UInt8]] = [:]
  /// The APOP timestamp of the greeting (RFC 1939 section 7); `nil` when APOP is off.
  let timestamp: String?
  private var badCommands = 0
  private let parser: POP3Parser

  init(_ service: POP3Service, _ connection: Connection) {
    self.service = service
    self.connection = connection
    parser = POP3Parser(
      lineLimit: service.settings.lineLimit, passwordLineLimit: service.settings.passwordLineLimit)
    timestamp = service.settings.apop ? Self.makeTimestamp(service.settings.hostname) : nil
  }

  /// Holds the conversation; returns when it is over and the last reply is collected.
  ///
  /// - Throws: `ConnectionError` when the client is gone.
  func run() async throws {
    defer { maildrop?.lease.release() }
    connection.write("+OK \(settings.hostname) POP3 ready\(timestamp.map { " \($0)" } ?? "")\r\n")
    while true {
      let line: [UInt8]
      do {
        let limit = maildrop == nil ? settings.authenticationLineLimit : settings.passwordLineLimit
        guard let read = try await connection.readLine(limit: limit, timeout: settings.idleTimeout) else { return }
        line = read
      } catch ConnectionError.lineTooLong {
        if fail(.tooLong) == .end { return }
        continue
      } catch ConnectionError.shuttingDown {
        error(.shuttingDown, .temporary)
        return
      } catch ConnectionError.ended(let reason) {
        connection.write("-ERR [\(POP3Code.auth.rawValue)] \(reason)\r\n")
        return
      } catch ConnectionError.timeout, ConnectionError.deadlinePassed {
        // RFC 1939 section 3: no reply, no update.
        return
      }
      if try await execute(line) == .end { return }
    }
  }

  private func execute(_ line: [UInt8]) async throws -> Flow {
    let command: POP3Command
    do {
      command = try parser.parse(line)
    } catch {
      return refuse(error)
    }
    switch command {
    case .quit: return await quit()
    case .capa: await capabilities()
    case .lang(let tag): lang(tag)
    case .noop where maildrop != nil: ok()
    default:
      if maildrop == nil { return try await authorize(command) }
      return try await transact(command)
    }
    return .goOn
  }

  private func refuse(_ syntax: POP3SyntaxError) -> Flow {
    switch syntax {
    case .empty, .unknown: return fail(.unimplemented)
    case .tooLong: return fail(.tooLong)
    case .form(let form): return fail(.form(form))
    case .foreign:
      error(.unimplemented)
      return .end
    }
  }

  /// The end of the session; after login also the removal of what was deleted (the UPDATE state).
  private func quit() async -> Flow {
    if let maildrop, !maildrop.deleted.isEmpty {
      let uids = maildrop.deleted.sorted().map { maildrop.messages[$0].uid }
      do {
        _ = try await maildrop.mailbox.remove(uids)
      } catch {
        connection.log.warning("deleted messages stay", metadata: ["error": "\(error)"])
        self.error(.notRemoved, .temporary)
        return .end
      }
    }
    ok(.goodbye)
    return .end
  }

  private func lang(_ tag: String?) {
    guard let tag else {
      ok(.languages)
      connection.write(POP3Language.allCases.map { "\($0.listing)\r\n" }.joined() + ".\r\n")
      return
    }
    guard let chosen = POP3Language(tag: tag) else {
      error(.badLanguage)
      return
    }
    language = chosen
    connection.write("+OK \(chosen.listing)\r\n")
  }

  // MARK: Replies

  /// `+OK`, with words when there are some.
  func ok(_ text: POP3Text? = nil) {
    connection.write("+OK\(text.map { " " + $0.words(language) } ?? "")\r\n")
  }

  /// `-ERR` with its response code.
  func error(_ text: POP3Text, _ code: POP3Code? = nil) {
    connection.write("-ERR \(code.map { "[\($0.rawValue)] " } ?? "")\(text.words(language))\r\n")
  }

  /// `-ERR` for a mistake; too many of them end the session.
  func fail(_ text: POP3Text) -> Flow {
    badCommands += 1
    let most = maildrop == nil ? settings.badCommandsBeforeLogin : settings.badCommands
    error(badCommands < most ? text : .tooMany)
    return badCommands < most ? .goOn : .end
  }

  /// `<random.clock@host>`: never the same again, and it tells nothing of the process.
  private static func makeTimestamp(_ host: String) -> String {
    var random = SystemRandomNumberGenerator()
    let first = String(random.next(), radix: 16)
    let second = String(random.next(), radix: 16)
    return "<\(first).\(second)@\(host)>"
  }
}
