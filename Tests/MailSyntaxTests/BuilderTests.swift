import Basics
import Testing

@testable import MailSyntax

@Suite struct BuilderTests {
  @Test func `A message of ours reads back`() throws {
    var builder = MessageBuilder(boundarySeed: 1)
    builder.date(Timestamp(seconds: 837_596_665))
    builder.addresses(
      "From",
      [
        NamedAddress(try EmailAddress("postmaster@x.de"), name: "Müller, \"the\" host"),
        NamedAddress(try EmailAddress("\"a b\"@x.de"), name: "Q. \"Public\""),
      ])
    builder.text("Subject", "Willkommen 日本 " + String(repeating: "lang ", count: 40) + "\r\nBcc: evil@x.de")
    builder.structured("Auto-Submitted", "auto-replied\r\nX: y")
    builder.messageID("1@x.de")
    let bytes = builder.build(
      .multipart(
        subtype: "report", parameters: [("report-type", "delivery-status")],
        [
          .text("Grüße =20 \nzwei"), .octets(Array("Reporting-MTA: dns; x\n".utf8), type: "message/delivery-status"),
          .described(fields: [("Content-Description", "bild")], .octets([0, 1, 255], type: "image/png", base64: true)),
        ]))
    #expect(bytes.split(separator: 0x0a).allSatisfy { $0.count <= 79 && $0.last == 0x0d })
    #expect(WireForm.bareLineFeeds(in: bytes.span, range: 0..<bytes.count) == 0)
    let section = HeaderSection(bytes)
    #expect(section.first("bcc") == nil && section.first("x") == nil)
    #expect(section.decoded("subject")?.hasPrefix("Willkommen 日本 lang") == true)
    #expect(section.addresses("from").map(\.displayName) == ["Müller, \"the\" host", "Q. \"Public\""])
    #expect(section.addresses("from").compactMap(\.address).map(\.localPart) == ["postmaster", "a b"])
    let root = MIMEPart.parse(bytes)
    #expect(root.subtype == "report" && root.parameters.named("report-type")?.text == "delivery-status")
    #expect(root.children.count == 3)
    #expect(MessageText.text(of: try #require(root.part([1])), in: bytes.span) == "Grüße =20 \r\nzwei\r\n")
    #expect(try #require(root.part([2])).subtype == "delivery-status")
    let image = try #require(root.part([3]))
    #expect(TransferEncoding(image.encoding).decode(bytes.span, range: image.bodyRange) == [0, 1, 255])
    #expect(string(image.description) == "bild")
  }

  @Test func `Plain text stays plain`() {
    let bytes = MessageBuilder().build(.text("hello\nworld\n"))
    #expect(
      string(bytes) == "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=us-ascii\r\n"
        + "Content-Transfer-Encoding: 7bit\r\n\r\nhello\r\nworld\r\n")
  }
}

@Suite struct SearchTests {
  private let bytes = wire(
    """
    Subject: =?iso-8859-1?q?R=E9sum=E9?= of things
    From: A <a@b.de>
    Content-Type: multipart/mixed; boundary=b

    --b
    Content-Type: text/plain; charset=iso-8859-1
    Content-Transfer-Encoding: quoted-printable

    Die =DCbung ma=
    cht den Meister
    --b
    Content-Type: text/html; charset=utf-8
    Content-Transfer-Encoding: base64

    PHA+SGVsbG8gV29ybGQ8L3A+
    --b
    Content-Type: application/octet-stream

    hidden
    --b
    Content-Type: message/rfc822

    Subject: inner subject

    plain inner text
    --b--

    """)

  @Test func `Previews show decoded text`() {
    #expect(MessageIndexEntry.make(from: bytes).preview == "Die Übung macht den Meister")
  }

  @Test func `Previews drop tags`() {
    let html = wire("Content-Type: text/html\n\n<style>x</style><p>Hello&nbsp;&amp; <b>you</b>\n\n there</p>")
    #expect(MessageIndexEntry.make(from: html).preview == "Hello & you there")
    #expect(MessageIndexEntry.make(from: wire("\n" + String(repeating: "ab ", count: 300))).preview.count <= 200)
  }

  @Test func `Previews show what the sender wrote before what an attached message says`() {
    func preview(_ parts: [String]) -> String {
      let body = parts.map { "--b\n\($0)\n" }.joined()
      return MessageIndexEntry.make(from: wire("Content-Type: multipart/mixed; boundary=b\n\n\(body)--b--\n")).preview
    }
    let html = "Content-Type: text/html\n\n<p>Look at <i>this</i></p>"
    let inner = "Content-Type: message/rfc822\n\nSubject: inner\n\nplain inner text"
    let blank = "Content-Type: text/plain\n\n \n"
    let both = "Content-Type: multipart/alternative; boundary=c\n\n--c\n\(html)\n--c\n\nplainly\n--c--"
    #expect(preview([html, inner]) == "Look at this")
    #expect(preview([inner, html]) == "Look at this")
    #expect(preview([blank, html]) == "Look at this")
    #expect(preview([both, inner]) == "plainly")
    #expect(preview([blank, inner]) == "plain inner text")
    #expect(preview(["Content-Type: image/png\n\nx"]) == "")
  }
}
