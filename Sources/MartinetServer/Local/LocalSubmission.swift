import Accounts
import Basics
import Configuration
import LocalMail
import MailLog
import MailQueue
import MailSyntax

#if canImport(Glibc)
  import Glibc
#endif

/// Takes mail of a user of this machine into the queue, with the rights that the configuration gives him (R69).
///
/// Used by `sendmail` where it may open the data folder, and by the server for what lies in the drop folder.
package struct LocalSubmission: LocalSubmitter {
  /// What a user may.
  enum Right: Sendable {
    /// Root and the owner of the data folder: any sender, anywhere.
    case trusted
    /// A site: its account's addresses, anywhere, at the account's charge.
    case account(Account)
    /// Mailboxes of this host.
    case local
    /// Anywhere, under his own name.
    case own
    /// Nothing, and why.
    case refused(String)
  }

  /// Names and limits.
  package let settings: LocalSettings
  /// Who sends.
  package let user: LocalUser
  private let rooms: HostRooms
  private let right: Right
  private let time: any TimeSource

  /// Finds out what a user may.
  ///
  /// - Throws: `SetupError` when the mail name is no domain.
  package init(rooms: HostRooms, user: LocalUser, time: any TimeSource = SystemTime()) async throws {
    self.rooms = rooms
    self.user = user
    self.time = time
    settings = try LocalSettings(rooms.configuration)
    right = await Self.right(of: user, rooms)
  }

  private static func right(of user: LocalUser, _ rooms: HostRooms) async -> Right {
    let section = rooms.configuration.sendmail
    if let login = section.users[user.name] ?? section.users["\(user.id)"] {
      guard let account = try? await rooms.accounts.account(login: login) else {
        return .refused("the account \(login) of user \(user.name) does not exist (sendmail.users)")
      }
      if account.suspended || account.denied.contains(.smtp) {
        return .refused("the account \(login) of user \(user.name) may not send")
      }
      return .account(account)
    }
    var info = stat()
    if user.id == 0 || (stat(rooms.folder.path, &info) == 0 && info.st_uid == user.id) { return .trusted }
    switch section.others {
    case "any": return .own
    case "refuse":
      return .refused("user \(user.name) may not send mail here; an administrator can add him to sendmail.users")
    default: return .local
    }
  }

  /// The sender when none is named: the account of the site, else `user@mailname` (R72).
  package var defaultSender: EmailAddress? {
    if case .account(let account) = right { return account.address }
    return Self.defaultSender(user, settings)
  }

  /// `user@mailname`.
  package static func defaultSender(_ user: LocalUser, _ settings: LocalSettings) -> EmailAddress? {
    try? EmailAddress(localPart: user.name, domain: settings.mailName)
  }

  // MARK: The dialogue

  /// Whether the user may send as this sender.
  package func sender(_ address: EmailAddress?) async -> SMTPReply {
    switch right {
    case .refused(let why): return SMTPReply(550, "5.7.1", why)
    case .trusted: return SMTPReply(250, "2.1.0", "Ok")
    case .local, .own, .account:
      guard let address else { return SMTPReply(250, "2.1.0", "Ok") }
      return await owns(address) ?? SMTPReply(250, "2.1.0", "Ok")
    }
  }

  /// `nil` when the user may bear the address, else the refusal.
  private func owns(_ address: EmailAddress) async -> SMTPReply? {
    do {
      if address.key == Self.defaultSender(user, settings)?.key { return nil }
      if case .account(let account) = right, try await rooms.accounts.owns(account, address: address) { return nil }
      return SMTPReply(553, "5.7.1", "\(address) not owned by user \(user.name)")
    } catch {
      return SMTPReply(451, "4.3.0", "the account database cannot be read, try again later")
    }
  }

  /// Whether a recipient is taken: those that cannot be delivered are told at once.
  package func recipient(_ address: EmailAddress) async -> SMTPReply {
    let ok = SMTPReply(250, "2.1.5", "Ok")
    do {
      switch try await rooms.accounts.match(recipient: address) {
      case .noMailbox: return SMTPReply(550, "5.1.1", "Sorry, no mailbox here by that name. vpopmail (#5.1.1)")
      case .suspended(let account):
        return SMTPReply(
          550, "5.2.1", "vdelivermail: account is locked email bounced \(account.key)")
      case .notHosted:
        if case .local = right {
          return SMTPReply(
            550, "5.7.1",
            "user \(user.name) may only send to mailboxes here; an administrator can add him to sendmail.users")
        }
        return ok
      case .mailbox, .forward, .discard: return ok
      }
    } catch {
      return SMTPReply(451, "4.3.0", "the account database cannot be read, try again later")
    }
  }

  /// Puts a message into the queue.
  package func submit(_ message: LocalMessage) async -> SMTPReply {
    guard let sender = message.sender ?? defaultSender else {
      return SMTPReply(550, "5.1.7", "user \(user.name) has no address")
    }
    let id = rooms.queue.newID()
    let now = time.now
    let letter = LocalLetter(
      message.content,
      LocalLetter.Defaults(
        sender: sender, fullName: user.fullName, mailName: settings.mailName, id: id, hostname: settings.hostname,
        now: now))
    if let refusal = await checkFrom(letter) { return refusal }
    do {
      if let refusal = try await checkRate(now) { return refusal }
      try await rooms.queue.enqueue(spooled(message, letter, id: id, now: now))
    } catch {
      return SMTPReply(451, "4.3.0", "the queue cannot be written, try again later: \(error)")
    }
    note(message, letter, id: id)
    return SMTPReply(250, "2.0.0", "Ok: queued as \(id)")
  }

  /// The header From of a site must be the account's own (R23).
  private func checkFrom(_ letter: LocalLetter) async -> SMTPReply? {
    switch right {
    case .trusted, .refused: return nil
    case .account, .local, .own:
      guard !letter.from.isEmpty else {
        return SMTPReply(553, "5.7.1", "Header From: not an address, so not owned by user \(user.name)")
      }
      for address in letter.from {
        if let refusal = await owns(address) { return refusal }
      }
      return nil
    }
  }

  /// The messages of the last minute, and of the hour where the account's offer bounds it, by the mail log: it is the one
  /// thing that all processes share.
  private func checkRate(_ now: Timestamp) async throws -> SMTPReply? {
    if case .trusted = right { return nil }
    let limit = rooms.configuration.limits.messagesPerMinute
    await rooms.mailLog.flush()
    if case .account(let account) = right, let hour = account.offer.messagesPerHour,
      try await rooms.mailLog.accepted(account: account.key, since: now - .seconds(3600)) >= hour
    {
      return SMTPReply(
        450, "4.7.1", "hourly limit of offer \(account.offer.name ?? "") reached (\(hour) messages per hour)")
    }
    let sent = try await rooms.mailLog.accepted(via: via, since: now - .seconds(60))
    guard sent >= limit else { return nil }
    return SMTPReply(450, "4.7.1", "rate limit exceeded (\(limit) per minute)")
  }

  private var via: String { "local:\(user.name)" }

  private var account: String? { if case .account(let account) = right { account.key } else { nil } }

  private func spooled(_ message: LocalMessage, _ letter: LocalLetter, id: String, now: Timestamp) -> SpoolMessage {
    var traits: MessageTraits = letter.has8Bit ? [.eightBit] : []
    let addresses = message.recipients + (message.sender.map { [$0] } ?? [])
    if addresses.contains(where: \.needsSMTPUTF8) { traits.insert(.utf8) }
    let origin = "\(settings.hostname) (Martinet, from userid \(user.id))"
    let received = "Received: by \(origin) id \(id);\r\n\t\(MessageDate.format(now))\r\n"
    return SpoolMessage(
      id: id, sender: message.sender.map { "\($0)" } ?? "",
      recipients: message.recipients.map {
        SpoolRecipient(address: "\($0)", destination: $0.domain.ascii, notify: message.notify)
      },
      prefix: Array(received.utf8), content: .bytes(letter.bytes), account: account, via: via,
      dsnReturn: message.dsnReturn, envelopeID: message.envelopeID, traits: traits)
  }

  private func note(_ message: LocalMessage, _ letter: LocalLetter, id: String) {
    var event = MailEvent(.accepted, id: id)
    event.messageID = HeaderSection(letter.bytes).first("Message-ID")?.trimmingPrefix("<").split(separator: ">").first
      .map(String.init)
    event.sender = message.sender.map { "\($0)" } ?? ""
    event.account = account
    event.via = via
    event.size = letter.bytes.count
    event.recipients = message.recipients.count
    rooms.mailLog.note(event)
    for recipient in message.recipients {
      event.kind = .queued
      event.recipient = "\(recipient)"
      event.messageID = nil
      rooms.mailLog.note(event)
    }
  }
}

extension LocalSettings {
  /// From the configuration.
  ///
  /// - Throws: `SetupError` when the mail name is no domain.
  package init(_ configuration: Configuration) throws {
    guard let mailName = try? MailDomain(configuration.mailname) else {
      throw SetupError("\"mailname\" \(configuration.mailname) is no domain")
    }
    self.init(hostname: configuration.hostname, mailName: mailName)
    messageSize = Int(clamping: configuration.limits.messageSize)
    recipients = configuration.limits.recipients
  }
}
