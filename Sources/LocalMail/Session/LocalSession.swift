import Basics
import MailSyntax

/// SMTP between a program of this machine and the host, without a network: what `sendmail -bs` speaks, and what
/// `sendmail -v` shows.
///
/// One session is used by one task. The driver feeds command lines to ``answer(_:)`` and, after a 354, the whole
/// message to ``content(_:)``.
package final class LocalSession {
  /// What the driver does next.
  package enum Next: Sendable, Equatable {
    /// Reads another command.
    case command
    /// Reads a message.
    case content
    /// Ends.
    case end
  }

  private let settings: LocalSettings
  private let submitter: any LocalSubmitter
  private var transaction: LocalMessage?

  /// Octets of a command line.
  package static let longestLine = 2048

  /// Makes a session.
  package init(settings: LocalSettings, submitter: any LocalSubmitter) {
    self.settings = settings
    self.submitter = submitter
  }

  /// The 220.
  package var greeting: SMTPReply { SMTPReply(220, nil, "\(settings.hostname) ESMTP Martinet") }

  /// Answers one command line without its line end.
  package func answer(_ line: [UInt8]) async -> (SMTPReply, Next) {
    guard line.count <= Self.longestLine else { return (SMTPReply(500, "5.5.6", "Line too long"), .command) }
    let verb = String(decoding: line.prefix { $0 != 0x20 && $0 != 0x3a }, as: UTF8.self).uppercased()
    switch verb {
    case "HELO", "EHLO": return (hello(isExtended: verb == "EHLO"), .command)
    case "MAIL": return (await mail(Self.argument(line, after: "MAIL FROM:")), .command)
    case "RCPT": return (await recipient(Self.argument(line, after: "RCPT TO:")), .command)
    case "DATA":
      guard transaction != nil else { return (Self.noMail, .command) }
      guard transaction?.recipients.isEmpty == false else {
        return (SMTPReply(554, "5.5.1", "Error: no valid recipients"), .command)
      }
      return (SMTPReply(354, nil, "End data with <CR><LF>.<CR><LF>"), .content)
    case "RSET":
      transaction = nil
      return (Self.ok, .command)
    case "NOOP": return (Self.ok, .command)
    case "VRFY": return (SMTPReply(252, "2.0.0", "send some mail, i'll try my best"), .command)
    case "HELP": return (SMTPReply(214, "2.0.0", "EHLO HELO MAIL RCPT DATA RSET NOOP VRFY QUIT"), .command)
    case "QUIT": return (SMTPReply(221, "2.0.0", "Bye"), .end)
    default: return (SMTPReply(502, "5.5.2", "Error: command not recognized"), .command)
    }
  }

  /// Takes the message behind a 354; `nil` stands for one that was larger than the limit.
  package func content(_ bytes: [UInt8]?) async -> SMTPReply {
    guard var message = transaction else { return Self.noMail }
    transaction = nil
    guard let bytes, bytes.count <= settings.messageSize else {
      return SMTPReply(552, "5.3.4", "sorry, that message size exceeds my databytes limit (#5.3.4)")
    }
    message.content = bytes
    return await submitter.submit(message)
  }

  private static let ok = SMTPReply(250, "2.0.0", "Ok")
  private static let noMail = SMTPReply(503, "5.5.1", "MAIL first (#5.5.1)")

  /// What follows `MAIL FROM:`, any case, with blanks around the colon (R77).
  private static func argument(_ line: [UInt8], after prefix: String) -> [UInt8]? {
    var rest = line[...]
    for wanted in prefix.utf8 {
      if wanted == 0x3a { rest = rest.drop { $0 == 0x20 } }
      guard let octet = rest.first, octet == wanted || octet == wanted | 0x20 else { return nil }
      rest = rest.dropFirst()
    }
    return Array(rest)
  }

  private func hello(isExtended: Bool) -> SMTPReply {
    transaction = nil
    guard isExtended else { return SMTPReply(250, nil, settings.hostname) }
    return SMTPReply(
      250, nil,
      lines: [
        settings.hostname, "SIZE \(settings.messageSize)", "ENHANCEDSTATUSCODES", "8BITMIME", "DSN", "SMTPUTF8",
      ])
  }

  private func mail(_ argument: [UInt8]?) async -> SMTPReply {
    guard transaction == nil else { return SMTPReply(503, "5.5.1", "Error: nested MAIL command") }
    guard let argument else { return SMTPReply(501, "5.5.4", "Syntax: MAIL FROM:<address>") }
    let path: PathArgument
    do throws(PathError) {
      path = try PathArgument.parse(argument, allowUTF8: true, defaultDomain: settings.mailName)
    } catch {
      return SMTPReply(501, "5.1.7", "Bad sender address syntax: \(error)")
    }
    if let size = path.parameter("SIZE") ?? nil, let octets = Int(size), octets > settings.messageSize {
      return SMTPReply(552, "5.3.4", "sorry, that message size exceeds my databytes limit (#5.3.4)")
    }
    let ret = path.parameter("RET") ?? nil
    if let ret, DeliveryReturn(parameter: ret) == nil { return SMTPReply(501, "5.5.4", "RET is FULL or HDRS") }
    let address = path.isPostmaster ? postmaster : path.address
    let reply = await submitter.sender(address)
    if reply.isPositive {
      transaction = LocalMessage(sender: address, recipients: [], content: [])
      transaction?.dsnReturn = ret?.uppercased()
      transaction?.envelopeID = path.parameter("ENVID") ?? nil
    }
    return reply
  }

  private func recipient(_ argument: [UInt8]?) async -> SMTPReply {
    guard let transaction else { return Self.noMail }
    guard let argument else { return SMTPReply(501, "5.5.4", "Syntax: RCPT TO:<address>") }
    let path: PathArgument
    do throws(PathError) {
      path = try PathArgument.parse(argument, allowUTF8: true, defaultDomain: settings.mailName)
    } catch {
      return SMTPReply(501, "5.1.3", "Bad recipient address syntax: \(error)")
    }
    guard let address = path.isPostmaster ? postmaster : path.address else {
      return SMTPReply(501, "5.1.3", "Bad recipient address syntax")
    }
    let notify = path.parameter("NOTIFY") ?? nil
    if let notify, DeliveryNotify(parameter: notify) == nil {
      return SMTPReply(501, "5.5.4", "NOTIFY is NEVER or a list of SUCCESS, FAILURE and DELAY")
    }
    if transaction.recipients.contains(where: { $0.key == address.key }) { return SMTPReply(250, "2.1.5", "Ok") }
    guard transaction.recipients.count < settings.recipients else {
      return SMTPReply(452, "4.5.3", "too many recipients")
    }
    let reply = await submitter.recipient(address)
    if reply.isPositive {
      self.transaction?.recipients.append(address)
      if let notify { self.transaction?.notify = notify.uppercased() }
    }
    return reply
  }

  private var postmaster: EmailAddress? { try? EmailAddress(localPart: "postmaster", domain: settings.mailName) }
}
