import LocalMail
import MailSyntax
import Synchronization
import Testing

/// Takes everything but mail for `nobody`.
final class Recorder: LocalSubmitter {
  let messages = Mutex<[LocalMessage]>([])
  func sender(_ address: EmailAddress?) async -> SMTPReply { SMTPReply(250, "2.1.0", "Ok") }
  func recipient(_ address: EmailAddress) async -> SMTPReply {
    address.localPart == "nobody" ? SMTPReply(550, "5.1.1", "no mailbox") : SMTPReply(250, "2.1.5", "Ok")
  }
  func submit(_ message: LocalMessage) async -> SMTPReply {
    messages.withLock { $0.append(message) }
    return SMTPReply(250, "2.0.0", "Ok: queued as A6ADC402D4")
  }
}

@Suite("SMTP without a network")
struct LocalSessionTests {
  let recorder = Recorder()

  func session(size: Int = 1000, recipients: Int = 2) throws -> LocalSession {
    var settings = LocalSettings(hostname: "mx.example.test", mailName: try MailDomain("example.test"))
    (settings.messageSize, settings.recipients) = (size, recipients)
    return LocalSession(settings: settings, submitter: recorder)
  }

  func say(_ line: String, _ session: LocalSession) async -> String { await session.answer(Array(line.utf8)).0.text }

  @Test("R76 R77: a whole dialogue, lower case and bare names")
  func dialogue() async throws {
    let session = try session()
    #expect(session.greeting.text == "220 mx.example.test ESMTP Martinet")
    #expect(await say("ehlo x", session).hasPrefix("250 mx.example.test"))
    #expect(await say("mail from: bob", session) == "250 2.1.0 Ok")
    #expect(await say("RCPT TO:<alice@example.test> NOTIFY=NEVER", session) == "250 2.1.5 Ok")
    #expect(await say("RCPT TO:<ALICE@example.test>", session) == "250 2.1.5 Ok")
    #expect(await say("rcpt to:<nobody@example.test>", session).hasPrefix("550 5.1.1"))
    #expect(await session.answer(Array("DATA".utf8)).1 == .content)
    #expect(await session.content(Array("x\r\n".utf8)).text == "250 2.0.0 Ok: queued as A6ADC402D4")
    #expect(await say("QUIT", session) == "221 2.0.0 Bye")
    let message = try #require(recorder.messages.withLock { $0.first })
    #expect(message.sender?.description == "bob@example.test" && message.notify == "NEVER")
    #expect(message.recipients.map(\.description) == ["alice@example.test"])
  }

  @Test("R6: recipients beyond the limit, R5: messages beyond the size")
  func limits() async throws {
    let session = try session(size: 10)
    #expect(await say("MAIL FROM:<a@b.test> SIZE=11", session).hasPrefix("552 5.3.4"))
    _ = await say("MAIL FROM:<>", session)
    for name in ["a", "b"] { _ = await say("RCPT TO:<\(name)@x.test>", session) }
    #expect(await say("RCPT TO:<c@x.test>", session) == "452 4.5.3 too many recipients")
    #expect(await session.content(Array(repeating: 0x61, count: 11)).text.hasPrefix("552 5.3.4"))
    #expect(recorder.messages.withLock { $0.isEmpty })
  }

  @Test(
    "Commands out of order and out of shape are refused",
    arguments: [
      "RCPT TO:<a@b.test>", "DATA", "MAIL", "MAIL FROM", "MAIL FROM:", "MAIL FROM:<a@b.test",
      "MAIL FROM:<a@b.test> RET=X",
      "BDAT 1", "", "\0", "MAIL FROM:<a@\u{1}>", String(repeating: "x", count: 5000),
    ])
  func refusals(line: String) async throws {
    let session = try session()
    #expect(await session.answer(Array(line.utf8)).0.isPermanent)
  }

  @Test("Dots are undoubled, and what is too large is read to its end and refused")
  func dots() {
    var reader = DotReader(limit: 12, isTransparent: true)
    for line in ["..a", "b"] { reader.line(Array(line.utf8)) }
    #expect(reader.bytes == Array(".a\r\nb\r\n".utf8) && !reader.isComplete)
    reader.line(Array("far too long".utf8))
    #expect(reader.bytes == nil)
    reader.line([0x2e])
    #expect(reader.isComplete)
  }
}
