import MailSyntax
import SMTPClient

/// What is said about an attempt: qmail-remote's sentences, so that people and bounce parsers know them.
struct AttemptText: Error, Sendable, Equatable {
  /// Lines for `queue show` and bounces, none of them empty.
  var lines: [String]
  /// RFC 3463.
  var status: String
  /// Whether no later attempt can help.
  var isPermanent: Bool
  /// The host that spoke, for Remote-MTA; empty when none did.
  var remote = ""
  /// Its words on one line, for Diagnostic-Code.
  var diagnostic: String
  /// Whether the host asked for less mail: 421 anywhere, or 4.7.x before it knew the recipient (later it is greylisting).
  var slowsDown = false

  /// The lines as kept in the queue.
  var text: String { lines.joined(separator: "\n") }

  static let queueTooLong = "I'm not going to try again; this message has been in the queue too long."

  private init(_ status: String, permanent: Bool, _ text: String) {
    lines = [text]
    self.status = status
    isPermanent = permanent
    diagnostic = text
  }

  static let noConnection = AttemptText(
    "4.4.1", permanent: false, "Sorry, I wasn't able to establish an SMTP connection. (#4.4.1)")
  static let noHostForNow = AttemptText(
    "4.1.2", permanent: false, "Sorry, I couldn't find any host by that name. (#4.1.2)")
  static let aliasLookupFailed = AttemptText("4.4.3", permanent: false, "CNAME lookup failed temporarily. (#4.4.3)")
  static let noExchanger = AttemptText(
    "5.4.4", permanent: true, "Sorry, I couldn't find a mail exchanger or IP address. (#5.4.4)")
  static let pointsToUs = AttemptText(
    "5.4.6", permanent: true,
    "Sorry. Although I'm listed as a best-preference MX or A for that host, it isn't in my control/locals file, "
      + "so I don't treat it as local. (#5.4.6)")

  /// The provider's free share is used up (R68).
  static func capReached(_ host: String, _ limit: Int, _ span: String) -> AttemptText {
    AttemptText(
      "4.7.1", permanent: false,
      "\(host) may be given \(limit) messages \(span), and has been; the rest waits. (#4.7.1)")
  }

  static func noHost(_ name: String) -> AttemptText {
    AttemptText("5.1.2", permanent: true, "Sorry, I couldn't find any host named \(name). (#5.1.2)")
  }

  static func nullMX(_ name: String) -> AttemptText {
    AttemptText("5.1.10", permanent: true, "Sorry, \(name) does not accept mail: it has a null MX. (#5.1.10)")
  }

  /// An exchanger without addresses (R47); Postfix's words.
  static func nameService(_ host: String, _ reason: String, permanent: Bool) -> AttemptText {
    AttemptText(permanent ? "5.4.4" : "4.4.3", permanent: permanent, "Name service error for \(host): \(reason)")
  }

  /// A message that no server of the destination can take in any form.
  static func inconvertible(_ text: String, status: String) -> AttemptText {
    AttemptText(status, permanent: true, "\(text). (#\(status))")
  }

  /// TLS that the sender demands (RFC 8689) and that cannot be had.
  static func noRequiredTLS(_ text: String) -> AttemptText {
    AttemptText("5.7.10", permanent: true, "Sorry, this message requires TLS (REQUIRETLS): \(text). (#5.7.10)")
  }

  static func local(_ reply: SMTPReply) -> AttemptText {
    var text = AttemptText(
      reply.enhanced ?? (reply.isPermanent ? "5.0.0" : "4.0.0"), permanent: reply.isPermanent,
      reply.lines.joined(separator: " "))
    text.lines = reply.lines.filter { !$0.isEmpty }
    return text
  }

  static let unreadable = AttemptText(
    "4.3.0", permanent: false, "Sorry, I couldn't read the message from my own disk. (#4.3.0)")

  /// What a failure of the client side means.
  init(_ failure: SMTPFailure) {
    let address = "\(failure.address)"
    switch failure.cause {
    case .noConnection: self = .noConnection
    case .local: self = .unreadable
    case .died, .timeout, .protocolError:
      let duplicate = failure.possibleDuplicate ? "Possible duplicate! " : ""
      self.init("4.4.2", permanent: false, "Connected to \(address) but connection died. \(duplicate)(#4.4.2)")
      if failure.stage == .connect { self = .noConnection }
    case .tls:
      self.init(failure.status, permanent: false, "TLS not available: connect failed: \(failure.detail)")
    case .unsupported:
      let text = failure.detail.isEmpty ? "\(address) does not offer what this message needs." : failure.detail
      self.init(failure.status, permanent: failure.isPermanent, "\(text) (#\(failure.status))")
    case .refused:
      self.init(failure.status, permanent: failure.isPermanent, Self.refusal(failure.stage, address))
      lines.append("Remote host said: " + Self.quoted(failure.reply).joined(separator: "\n"))
      lines.append("Giving up on \(address).")
    }
    status = failure.status.isEmpty ? status : failure.status
    if failure.cause != .noConnection, failure.cause != .local { remote = failure.host }
    let isEarly = [.connect, .greeting, .hello, .mail].contains(failure.stage)
    slowsDown = failure.reply?.code == 421 || (isEarly && failure.cause == .refused && status.hasPrefix("4.7."))
    if let reply = failure.reply {
      diagnostic = "\(reply)"
    } else if !failure.detail.isEmpty, failure.cause != .noConnection {
      diagnostic = failure.detail
    }
    lines += Self.dialogue(failure)
  }

  private static func refusal(_ stage: SMTPStage, _ address: String) -> String {
    switch stage {
    case .connect, .greeting: "Connected to \(address) but greeting failed."
    case .hello: "Connected to \(address) but my name was rejected."
    case .startTLS, .handshake: "Connected to \(address) but TLS was refused."
    case .authentication: "Connected to \(address) but authentication was rejected."
    case .mail: "Connected to \(address) but sender was rejected."
    case .recipient: "\(address) does not like recipient."
    case .data: "\(address) failed on DATA command."
    case .content: "\(address) failed after I sent the message."
    }
  }

  /// The command and the reply as they went over the line (R44).
  private static func dialogue(_ failure: SMTPFailure) -> [String] {
    guard let reply = failure.reply, !failure.command.isEmpty else { return [] }
    return ["while talking to \(failure.host):", ">>> \(failure.command)"] + quoted(reply).map { "<<< \($0)" }
  }

  /// The reply's lines with their codes, an empty one shown as its code alone.
  private static func quoted(_ reply: RemoteReply?) -> [String] {
    guard let reply else { return ["(nothing)"] }
    let lines = reply.lines.isEmpty ? [""] : reply.lines.prefix(20)
    return lines.map { line in
      let text = String(line.prefix(500))
      return text.isEmpty ? "\(reply.code)" : "\(reply.code) \(text)"
    }
  }
}
