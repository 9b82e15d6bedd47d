import Basics
import LocalMail
import MailSyntax
import Testing

@Suite("Letters of programs")
struct LocalLetterTests {
  func letter(_ text: String, sender: String = "web@mail.example.test", name: String? = "Web") throws -> LocalLetter {
    LocalLetter(
      Array(text.utf8),
      LocalLetter.Defaults(
        sender: try EmailAddress(sender), fullName: name, mailName: try MailDomain("mail.example.test"), id: "ID",
        hostname: "mx.example.test", now: Timestamp(seconds: 0)))
  }

  func text(_ letter: LocalLetter) -> String { String(decoding: letter.bytes, as: UTF8.self) }

  @Test("R78: a bare Subject becomes a whole message")
  func completed() throws {
    let made = text(try letter("Subject: hello\n"))
    #expect(
      made
        == """
        Subject: hello\r
        From: Web <web@mail.example.test>\r
        Date: Thu, 1 Jan 1970 00:00:00 +0000\r
        Message-ID: <0.ID@mx.example.test>\r
        \r

        """.replacing("\n", with: "\n"))
  }

  @Test("Text without a header becomes a body")
  func bodyAlone() throws {
    let made = text(try letter("hello world\nnot: a header\n"))
    #expect(made.hasSuffix("\r\n\r\nhello world\r\nnot: a header\r\n"))
    #expect(text(try letter("")).hasSuffix("\r\n\r\n"))
  }

  @Test("R78: -t reads To, Cc and Bcc; Bcc and Return-Path do not leave")
  func recipients() throws {
    let made = try letter(
      "To: a@x.test, \"B, C\" <b@x.test>\nCc: group: c@x.test, d;\nBcc: e@x.test\nReturn-Path: <z@x.test>\n\nbody\n")
    #expect(made.recipients == ["a@x.test", "b@x.test", "c@x.test", "d", "e@x.test"])
    #expect(!text(made).contains("Bcc") && !text(made).contains("Return-Path"))
    let resent = try letter("To: a@x.test\nResent-To: r@x.test\nResent-Bcc: s@x.test\n\n")
    #expect(resent.recipients == ["r@x.test", "s@x.test"])
  }

  @Test("R72: a From without a domain gets the mail name")
  func bareFrom() throws {
    let made = try letter("From: Root <root>\n\n")
    #expect(made.from.map(\.description) == ["root@mail.example.test"])
    #expect(text(made).hasPrefix("From: Root <root@mail.example.test>\r\n"))
    #expect(try letter("From: a@x.test, b@y.test\n\n").from.count == 2)
    // A From without any address in it gives way to the sender's.
    #expect(try letter("From: ,\n\n").from.map(\.description) == ["web@mail.example.test"])
  }

  @Test("Line ends of every kind become CRLF, NUL goes, an mbox line is left out")
  func lineEnds() throws {
    let made = try letter("From root@here Thu Jan 1\nSubject: x\r\n\na\rb\0c\r\n.\n")
    #expect(text(made).hasPrefix("Subject: x\r\n"))
    #expect(text(made).hasSuffix("\r\n\r\na\r\nbc\r\n.\r\n"))
  }

  @Test("Hostile headers end in a message")
  func hostile() throws {
    for raw in [":\n", "\n\n\n", " folded\n", "From \n", "From ", "To:\n\n", "\u{fffd}: x\n\n", "From: \"\n\n"] {
      let made = try letter(raw)
      #expect(HeaderSection(made.bytes).count("Date") == 1, "\(raw.debugDescription)")
      #expect(HeaderSection(made.bytes).hasBlankLine)
    }
  }
}
