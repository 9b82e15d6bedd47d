import Basics
import LocalMail
import Logging
import MailQueue
import MailSyntax

/// Takes mail from the drop folder into the queue.
struct DropPickup: Sendable {
  let folder: DropFolder
  let rooms: HostRooms
  let time: any TimeSource
  let log: Logger

  /// Files taken in one round.
  static let batch = 200
  /// Names looked at in one round.
  static let names = 10_000

  /// Takes what lies there; what meets a temporary failure stays for the next round.
  ///
  /// - Returns: how many files were taken.
  @discardableResult
  func round() async -> Int {
    do {
      let settings = try LocalSettings(rooms.configuration)
      var taken = 0
      // A user whose mail must wait does not keep others' waiting.
      var waiting: Set<UInt32> = []
      for name in try folder.names(limit: Self.names) where taken < Self.batch {
        guard let user = folder.owner(of: name), !waiting.contains(user) else { continue }
        guard
          let entry = try folder.read(name, sizeLimit: settings.messageSize, recipientLimit: settings.recipients)
        else { continue }
        if try await take(entry) { taken += 1 } else { waiting.insert(entry.user) }
      }
      return taken
    } catch {
      log.error("the drop folder cannot be read", metadata: ["error": "\(error)"])
      return 0
    }
  }

  /// Takes one file.
  ///
  /// - Returns: whether it is done with; `false`: its user has to wait.
  private func take(_ entry: DropFolder.Entry) async throws -> Bool {
    guard let message = entry.message else {
      log.warning(
        "dropped file makes no sense; set aside", metadata: ["file": "\(entry.name)", "user": "\(entry.user)"])
      try folder.setAside(entry.name)
      return true
    }
    let submission = try await LocalSubmission(rooms: rooms, user: LocalUser(id: entry.user), time: time)
    var refusal: SMTPReply?
    var accepted = message
    let reply = await submission.sender(message.sender)
    if reply.isPositive {
      accepted.recipients = []
      for recipient in message.recipients {
        let reply = await submission.recipient(recipient)
        if reply.isTransient { return false }
        if reply.isPositive { accepted.recipients.append(recipient) } else { refusal = refusal ?? reply }
      }
      if !accepted.recipients.isEmpty {
        let reply = await submission.submit(accepted)
        if reply.isTransient { return false }
        if !reply.isPositive { refusal = reply }
      }
    } else {
      if reply.isTransient { return false }
      refusal = reply
    }
    if let refusal { await tellSender(message, refusal, submission) }
    try folder.remove(entry.name)
    return true
  }

  /// Tells the user, or the postmaster when he has no mailbox, that something was not sent.
  private func tellSender(_ message: LocalMessage, _ refusal: SMTPReply, _ submission: LocalSubmission) async {
    log.notice("dropped mail refused", metadata: ["user": "\(submission.user.name)", "reply": "\(refusal.text)"])
    guard message.sender != nil || submission.defaultSender != nil else { return }
    let settings = submission.settings
    var target = submission.defaultSender
    if let address = target, !(await submission.recipient(address)).isPositive { target = nil }
    guard let to = target ?? (try? EmailAddress(localPart: "postmaster", domain: settings.mailName)),
      let from = try? EmailAddress(localPart: "MAILER-DAEMON", domain: settings.mailName)
    else { return }
    let id = rooms.queue.newID()
    var letter = MessageBuilder()
    letter.addresses("From", [NamedAddress(from)])
    letter.addresses("To", [NamedAddress(to)])
    letter.text("Subject", "failure notice")
    letter.structured("Auto-Submitted", "auto-replied")
    letter.date(time.now)
    letter.structured("Message-ID", "<\(time.now.milliseconds).\(id)@\(settings.hostname)>")
    let header = HeaderSection(message.content)
    let text = """
      A message that user \(submission.user.name) of this machine wrote was not sent, or not to everybody:

      \(refusal.text)

      Its subject was: \(header.decoded("Subject") ?? "(none)")
      It was meant for: \(message.recipients.map { "\($0)" }.joined(separator: ", "))
      """
    let spool = SpoolMessage(
      id: id, sender: "", recipients: [SpoolRecipient(address: "\(to)", destination: to.domain.ascii)],
      content: .bytes(letter.build(.text(text))), via: "local:notice")
    do {
      try await rooms.queue.enqueue(spool)
    } catch {
      log.error("failure notice not queued", metadata: ["error": "\(error)"])
    }
  }
}

extension RunningHost {
  /// Looks into the drop folder once a second while the host runs.
  func pickUpDrops() async {
    await cancelWhenGracefulShutdown {
      guard let path = self.rooms.configuration.sendmail.drop else {
        while !Task.isCancelled { try? await self.time.sleep(for: .seconds(86_400)) }
        return
      }
      let folder = DropFolder(path: path)
      let log = RunningHost.logger("drop", self.log.logLevel)
      do {
        try folder.prepare()
      } catch {
        log.error("programs cannot leave mail", metadata: ["error": "\(error)"])
      }
      let pickup = DropPickup(folder: folder, rooms: self.rooms, time: self.time, log: log)
      while !Task.isCancelled {
        await pickup.round()
        try? await self.time.sleep(for: .seconds(1))
      }
    }
  }
}
