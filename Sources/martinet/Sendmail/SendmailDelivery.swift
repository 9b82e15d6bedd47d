import LocalMail
import MailSyntax

/// `sendmail [-t] recipient …`: one message from standard input.
struct SendmailDelivery {
  let arguments: SendmailArguments
  let door: SendmailDoor

  /// Sends it.
  func run() async -> SystemExit {
    guard arguments.readsRecipients || !arguments.recipients.isEmpty else {
      return fail(.usage, "no recipients; name them, or use -t to take them from the header")
    }
    var input = StandardInput()
    guard let content = read(&input) else {
      if let failure = input.failure { return fail(.ioError, "standard input: error \(failure)") }
      return fail(.data, "the message is larger than \(door.settings.messageSize) octets")
    }
    let sender: EmailAddress?
    switch arguments.sender {
    case nil: sender = door.defaultSender
    case "", "<>": sender = nil
    case let text?:
      guard let address = door.address(text) else { return fail(.usage, "-f \(text) is no address") }
      sender = address
    }
    guard sender != nil || arguments.sender != nil else { return fail(.osError, "this user has no name") }
    var recipients = arguments.recipients
    if arguments.readsRecipients {
      guard let any = sender ?? door.defaultSender else { return fail(.osError, "this user has no name") }
      recipients +=
        LocalLetter(
          content,
          LocalLetter.Defaults(
            sender: any, fullName: nil, mailName: door.settings.mailName, id: "", hostname: "",
            now: .init(milliseconds: 0))
        ).recipients
    }
    guard !recipients.isEmpty else { return fail(.usage, "no recipient in To, Cc or Bcc") }
    let result = await converse(sender, recipients, named(content))
    await door.close()
    return result
  }

  /// The message with the full name of -F in a From of its own, when it has none.
  private func named(_ content: [UInt8]) -> [UInt8] {
    guard let name = arguments.fullName, let sender = door.defaultSender,
      HeaderSection(content).count("From") == 0
    else { return content }
    let from = arguments.sender.flatMap { door.address($0) } ?? sender
    var builder = MessageBuilder()
    builder.addresses("From", [NamedAddress(from, name: name)])
    let built = HeaderSection(builder.build(.text("")))
    guard let field = built.fields.first(where: { built.name(of: $0) == "from" }) else { return content }
    let isHeader = content.prefix { $0 != 0x0a }.contains(0x3a)
    return Array(built.bytes[field.range]) + (isHeader ? [] : [0x0d, 0x0a]) + content
  }

  private func read(_ input: inout StandardInput) -> [UInt8]? {
    var reader = DotReader(
      limit: door.settings.messageSize, isTransparent: false, endsAtDot: !arguments.ignoresDots)
    while !reader.isComplete, let line = input.line() { reader.line(line) }
    return input.failure == nil ? reader.bytes : nil
  }

  /// The dialogue with the host; `-v` shows it.
  private func converse(_ sender: EmailAddress?, _ recipients: [String], _ content: [UInt8]) async -> SystemExit {
    let session = LocalSession(settings: door.settings, submitter: door.submitter)
    if arguments.isVerbose {
      Output.line("\(recipients.joined(separator: ", "))... Connecting to \(door.settings.hostname) via local...")
      show(session.greeting)
    }
    _ = await say("EHLO localhost", session)
    var mail = "MAIL FROM:<\(sender.map { "\($0)" } ?? "")> SIZE=\(content.count)"
    if let value = arguments.dsnReturn { mail += " RET=\(value)" }
    if let value = arguments.envelopeID { mail += " ENVID=\(XText.encode(value))" }
    let opened = await say(mail, session)
    guard opened.isPositive else { return refused(opened) }
    var result = SystemExit.ok
    var accepted = 0
    for recipient in recipients {
      let bare =
        recipient.hasPrefix("<") && recipient.hasSuffix(">") ? String(recipient.dropFirst().dropLast()) : recipient
      let reply = await say(
        "RCPT TO:<\(bare)>" + (arguments.notify.map { " NOTIFY=\($0)" } ?? ""), session)
      if reply.isPositive { accepted += 1 } else { result = refused(reply, recipient) }
    }
    guard accepted > 0 else { return result }
    _ = await say("DATA", session)
    if arguments.isVerbose { Output.line(">>> .") }
    let reply = await session.content(content)
    if arguments.isVerbose { show(reply) }
    _ = await say("QUIT", session)
    if !reply.isPositive { return refused(reply) }
    if arguments.isVerbose { Output.line("\(recipients.joined(separator: ", "))... Sent (\(reply.lines[0]))") }
    return result
  }

  private func say(_ command: String, _ session: LocalSession) async -> SMTPReply {
    if arguments.isVerbose { Output.line(">>> \(command)") }
    let (reply, _) = await session.answer(Array(command.utf8))
    if arguments.isVerbose { show(reply) }
    return reply
  }

  private func show(_ reply: SMTPReply) {
    Output.line(String(decoding: reply.wire, as: UTF8.self).replacing("\r\n", with: "\n"))
  }

  private func refused(_ reply: SMTPReply, _ recipient: String? = nil) -> SystemExit {
    Output.errorLine("sendmail: \(recipient.map { "\($0)... " } ?? "")\(reply.text)")
    return SystemExit(reply)
  }

  private func fail(_ exit: SystemExit, _ text: String) -> SystemExit {
    Output.errorLine("sendmail: \(text)")
    return exit
  }
}
