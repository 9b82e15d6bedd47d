import LocalMail
import MailSyntax

/// `sendmail -bs`: SMTP on standard input and output.
struct SendmailDialogue {
  let door: SendmailDoor

  /// Serves until QUIT or the end of input.
  func run() async -> SystemExit {
    let session = LocalSession(settings: door.settings, submitter: door.submitter)
    var input = StandardInput()
    send(session.greeting)
    while let line = input.line() {
      let (reply, next) = await session.answer(line)
      send(reply)
      switch next {
      case .command: continue
      case .content:
        var reader = DotReader(limit: door.settings.messageSize, isTransparent: true)
        while !reader.isComplete, let line = input.line() { reader.line(line) }
        // What was cut off is nobody's mail.
        guard reader.isComplete else { return await end(.ioError) }
        send(await session.content(reader.bytes))
        await door.close()
      case .end: return await end(.ok)
      }
    }
    return await end(.ok)
  }

  private func end(_ exit: SystemExit) async -> SystemExit {
    await door.close()
    return exit
  }

  private func send(_ reply: SMTPReply) { Output.raw(reply.wire) }
}
