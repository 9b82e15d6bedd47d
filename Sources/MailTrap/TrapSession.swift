import Basics
import MailSyntax
import SMTPServer
import Wire

/// One client of the trap: every command is right, every login and every recipient.
///
/// Used from the connection's task only.
final class TrapSession {
  private enum Next { case goOn, stop }

  private let service: TrapService
  private let connection: Connection
  private var settings: TrapSettings { service.settings }
  private var helo = ""
  private var login: String?
  private var sender: String?
  private var recipients: [String] = []
  private var chunks: [UInt8]?
  private var isTooLarge = false

  init(service: TrapService, connection: Connection) {
    self.service = service
    self.connection = connection
  }

  func run() async throws {
    say("220 \(settings.hostname) ESMTP Martinet trap: takes everything, sends nothing")
    do {
      while let line = try await connection.readLine(limit: settings.lineLimit, timeout: settings.timeout) {
        guard try await answer(line) == .goOn else { break }
      }
    } catch ConnectionError.lineTooLong {
      say("500 5.5.6 Line too long")
    } catch ConnectionError.timeout {
      say("421 4.4.2 timeout")
    }
    try await connection.flush()
  }

  private func say(_ text: String) { connection.write(text + "\r\n") }

  private func answer(_ line: [UInt8]) async throws -> Next {
    let text = String(decoding: line, as: UTF8.self)
    let verb = text.prefix { $0 != " " && $0 != ":" }.uppercased()
    switch verb {
    case "EHLO", "HELO", "LHLO": hello(text, isExtended: verb != "HELO")
    case "STARTTLS": try await startTLS()
    case "AUTH": try await authenticate(text)
    case "MAIL": mail(text)
    case "RCPT": recipient(text)
    case "DATA": try await data()
    case "BDAT": return try await chunk(text)
    case "RSET":
      reset()
      say("250 2.0.0 Ok")
    case "NOOP", "HELP": say("250 2.0.0 Ok")
    case "VRFY", "EXPN": say("252 2.0.0 everybody is known here")
    case "QUIT":
      say("221 2.0.0 Bye")
      return .stop
    case "GET", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS":
      say("421 4.7.0 this is an SMTP server")
      return .stop
    default: say("502 5.5.2 Error: command not recognized")
    }
    return .goOn
  }

  private func reset() {
    sender = nil
    recipients = []
    chunks = nil
    isTooLarge = false
  }

  private func hello(_ text: String, isExtended: Bool) {
    reset()
    helo = String(text.dropFirst(4).drop { $0 == " " }.prefix(255))
    guard isExtended else {
      say("250 \(settings.hostname)")
      return
    }
    var lines = [
      settings.hostname, "PIPELINING", "SIZE \(settings.messageSize)", "AUTH PLAIN LOGIN CRAM-MD5 XOAUTH2", "8BITMIME",
      "ENHANCEDSTATUSCODES", "DSN", "SMTPUTF8", "CHUNKING",
    ]
    if connection.canStartTLS { lines.append("STARTTLS") }
    for (index, line) in lines.enumerated() { say("250\(index + 1 < lines.count ? "-" : " ")\(line)") }
  }

  private func startTLS() async throws {
    guard connection.canStartTLS else {
      say("502 5.5.1 Error: no TLS here, or active already")
      return
    }
    reset()
    login = nil
    try await connection.startTLS(reply: Array("220 2.0.0 Ready to start TLS\r\n".utf8))
  }

  /// Any mechanism, any name, any password; the name is kept, the password is not.
  private func authenticate(_ text: String) async throws {
    let words = text.split(separator: " ").map(String.init)
    let mechanism = words.count > 1 ? words[1].uppercased() : ""
    guard !mechanism.isEmpty else {
      say("501 5.5.4 Syntax: AUTH mechanism")
      return
    }
    var answers: [[UInt8]] = words.count > 2 ? [Array(words[2].utf8)] : []
    let prompts =
      mechanism == "LOGIN" ? ["VXNlcm5hbWU6", "UGFzc3dvcmQ6"] : mechanism == "CRAM-MD5" ? ["PDFAdHJhcD4="] : [""]
    while answers.count < prompts.count {
      say("334 \(prompts[answers.count])")
      guard let line = try await connection.readLine(limit: settings.lineLimit, timeout: settings.timeout) else {
        return
      }
      if line == [0x2a] {
        say("501 5.7.0 cancelled")
        return
      }
      answers.append(line)
    }
    let first = Base64.decode(answers[0]).map { String(decoding: $0, as: UTF8.self) } ?? ""
    switch mechanism {
    case "PLAIN":
      let parts = first.split(separator: "\0", omittingEmptySubsequences: false)
      login = parts.count > 1 ? String(parts[1]) : first
    case "CRAM-MD5": login = String(first.prefix { $0 != " " })
    case "XOAUTH2": login = String(first.drop { $0 != "=" }.dropFirst().prefix { $0 != "\u{1}" })
    default: login = first
    }
    say("235 2.7.0 Authentication successful")
  }

  private func mail(_ text: String) {
    if settings.wantsLogin, login == nil {
      say("530 5.7.0 Authentication required")
      return
    }
    reset()
    sender = Self.path(text)
    say("250 2.1.0 Ok")
  }

  private func recipient(_ text: String) {
    guard sender != nil else {
      say("503 5.5.1 MAIL first (#5.5.1)")
      return
    }
    guard recipients.count < settings.recipients else {
      say("452 4.5.3 too many recipients")
      return
    }
    recipients.append(Self.path(text))
    say("250 2.1.5 Ok")
  }

  /// What stands between the brackets, or behind the colon.
  private static func path(_ text: String) -> String {
    let value = text.drop { $0 != ":" }.dropFirst().drop { $0 == " " }
    if value.hasPrefix("<"), let end = value.lastIndex(of: ">") {
      return String(value[..<end].dropFirst().prefix(1000))
    }
    return String(value.prefix { $0 != " " }.prefix(1000))
  }

  // MARK: Content

  private func data() async throws {
    guard sender != nil, !recipients.isEmpty, chunks == nil else {
      say(sender == nil ? "503 5.5.1 MAIL first (#5.5.1)" : "503 5.5.1 RCPT first (#5.5.1)")
      return
    }
    say("354 End data with <CR><LF>.<CR><LF>")
    var decoder = DotDecoder()
    var content: [UInt8] = []
    var isEnd = false
    while !isEnd {
      let isOpen = try await connection.consume(timeout: settings.timeout) { input in
        let step = decoder.decode(input) { self.append($0, to: &content) }
        isEnd = step.isEnd
        return step.taken
      }
      guard isOpen else { return }
    }
    await finish(content)
  }

  /// BDAT (RFC 3030): the octets follow whatever is answered.
  private func chunk(_ text: String) async throws -> Next {
    let words = text.split(separator: " ")
    guard words.count > 1, let size = Int(words[1]), size >= 0 else {
      say("501 5.5.4 Syntax: BDAT size [LAST]")
      return .stop
    }
    let isExpected = sender != nil && !recipients.isEmpty
    var content = chunks ?? []
    var left = size
    while left > 0 {
      let isOpen = try await connection.consume(timeout: settings.timeout) { input in
        let taken = min(input.count, left)
        left -= taken
        if isExpected { self.append(UnsafeRawBufferPointer(rebasing: input[..<taken]), to: &content) }
        return taken
      }
      guard isOpen else { return .stop }
    }
    guard isExpected else {
      say("503 5.5.1 MAIL first (#5.5.1)")
      return .goOn
    }
    chunks = content
    if words.count > 2, words[2].uppercased() == "LAST" {
      await finish(content)
    } else {
      say("250 2.0.0 \(size) octets received")
    }
    return .goOn
  }

  private func append(_ octets: UnsafeRawBufferPointer, to content: inout [UInt8]) {
    guard !isTooLarge, content.count + octets.count <= settings.messageSize else {
      isTooLarge = true
      content = []
      return
    }
    content.append(contentsOf: octets)
  }

  private func finish(_ content: [UInt8]) async {
    defer { reset() }
    guard !isTooLarge else {
      say("552 5.3.4 sorry, that message size exceeds my databytes limit (#5.3.4)")
      return
    }
    let message = TrappedMessage(
      id: service.newID(), at: service.time.now, sender: sender ?? "", recipients: recipients, login: login,
      peer: "\(connection.peer)", helo: helo, isEncrypted: connection.tls != nil)
    do {
      try await service.keep(message, content)
      say("250 2.0.0 Ok: queued as \(message.id)")
    } catch {
      connection.log.error("not kept", metadata: ["error": "\(error)"])
      say("452 4.3.1 the trap's folder cannot be written")
    }
  }
}
