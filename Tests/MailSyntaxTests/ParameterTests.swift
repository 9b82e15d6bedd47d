import Testing

@testable import MailSyntax

@Suite struct ParameterTests {
  private func parse(_ text: String) -> [MIMEParameter] { MIMEParameter.parse(Array(text.utf8)).parameters }

  /// RFC 2231 sections 3, 4 and 4.1.
  @Test func `RFC 2231 examples`() {
    let url = parse(
      "message/external-body; access-type=URL; URL*0=\"ftp://\"; URL*1=\"cs.utk.edu/pub/moore/bulk-mailer/bulk-mailer.tar\""
    )
    #expect(url.named("url")?.text == "ftp://cs.utk.edu/pub/moore/bulk-mailer/bulk-mailer.tar")
    #expect(url.named("access-type")?.text == "URL")
    let title = parse("application/x-stuff; title*=us-ascii'en-us'This%20is%20%2A%2A%2Afun%2A%2A%2A")
    #expect(title.named("title")?.text == "This is ***fun***")
    let joined = parse(
      "application/x-stuff; title*0*=us-ascii'en'This%20is%20even%20more%20; title*1*=%2A%2A%2Afun%2A%2A%2A%20; title*2=\"isn't it!\""
    )
    #expect(joined.named("title")?.text == "This is even more ***fun*** isn't it!")
  }

  @Test func `What programs really write`() {
    #expect(parse("text/plain; name=\"=?utf-8?Q?caf=C3=A9?=\"").named("name")?.text == "café")
    #expect(parse("text/plain; name=my file.txt; charset=x").named("name")?.text == "my file.txt")
    #expect(parse("text/plain; charset = \"utf-8\" (comment; x=y) ; a=b").map(\.name) == ["charset", "a"])
    #expect(parse("text/plain; filename=plain; filename*=utf-8''%e2%82%ac").named("filename")?.text == "€")
    #expect(parse("a/b; n*1=b; n*0=a; n*3=d").named("n")?.text == "ab")
    #expect(parse("a/b; =x; ;; *=y; n*x=1; n*0*0=2; n").isEmpty)
  }

  @Test func `A forgotten semicolon ends a value where a parameter begins`() {
    let example = parse("message/external-body; access-type=mail-server\r\n  server=\"listserv@bogus.bitnet\"; size=5")
    #expect(example.map(\.name) == ["access-type", "server", "size"])
    #expect(example.named("access-type")?.text == "mail-server")
    #expect(example.named("server")?.text == "listserv@bogus.bitnet")
    #expect(parse("text/plain; charset=utf-8 format=flowed").map(\.name) == ["charset", "format"])
    #expect(parse("text/plain; charset=\"utf-8\" format=flowed").map(\.name) == ["charset", "format"])
    #expect(parse("a/b; boundary=one two").named("boundary")?.text == "one two")
    #expect(parse("a/b; filename=one a=b.txt").named("filename")?.text == "one a=b.txt")
    #expect(parse("a/b; x=\"y\" " + String(repeating: "word ", count: 100_000)).map(\.name) == ["x"])
    #expect(parse("a/b; x=" + String(repeating: "word ", count: 100_000)).count == 1)
  }

  @Test func `CVE-2026-27859: thousands of RFC 2231 parameters cost little`() {
    let bomb = (0..<200_000).map { "; p*\($0)*=x" }.joined()
    #expect(parse("a/b" + bomb).count == 1)
  }
}
