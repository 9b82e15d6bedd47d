import MailSyntax
import Testing

@testable import SMTPServer

@Suite struct SMTPCommandTests {
  private func parse(_ line: String) -> SMTPCommand { SMTPCommand.parse(Array(line.utf8)) }

  @Test(
    "R77: any case, blanks around the colon, blanks at the end",
    arguments: [
      ("mail from: bob@example.com", SMTPCommand.mail(Array(" bob@example.com".utf8))),
      ("MAIL FROM:<a@b> SIZE=1", .mail(Array("<a@b> SIZE=1".utf8))),
      ("Mail  From : <a@b >", .mail(Array(" <a@b >".utf8))),
      ("RCPT TO:<a@b>", .rcpt(Array("<a@b>".utf8))),
      ("rcpt\tto:a@b", .rcpt(Array("a@b".utf8))),
      ("data  ", .data), ("QUIT", .quit), ("noop what ever", .noop), ("RSET", .rset), ("help mail", .help),
      ("ehlo [127.0.0.1]", .ehlo(Array("[127.0.0.1]".utf8))), ("HELO", .helo([])), ("STARTTLS", .startTLS),
      ("BDAT 0 last", .bdat(size: 0, isLast: true)), ("BDAT 86", .bdat(size: 86, isLast: false)),
      ("AUTH plain =", .auth(mechanism: "PLAIN", initial: Array("=".utf8))),
      ("AUTH SCRAM-SHA-256", .auth(mechanism: "SCRAM-SHA-256", initial: nil)),
      ("ETRN example.org", .etrn(Array("example.org".utf8))), ("TURN", .turn), ("ATRN a,b", .turn), ("EXPN x", .expn),
      ("VRFY bob", .vrfy(Array("bob".utf8))),
    ])
  func reads(_ line: String, _ command: SMTPCommand) { #expect(parse(line) == command) }

  @Test(arguments: [
    "MAIL", "MAIL FROM", "MAIL FROM <a@b>", "MAIL TO:<a@b>", "RCPT FROM:<a@b>", "DATA x", "RSET x", "QUIT now",
    "STARTTLS now", "AUTH", "AUTH PLAIN a b", "AUTH P/LAIN", "AUTH \(String(repeating: "A", count: 21))", "VRFY",
    "ETRN",
  ])
  func namesTheRightForm(_ line: String) {
    guard case .malformed = parse(line) else {
      Issue.record("\(line) was read as \(parse(line))")
      return
    }
  }

  @Test(arguments: [
    "BDAT", "BDAT x", "BDAT -1", "BDAT +5", "BDAT 10 LAS", "BDAT 10 LAST x", "BDAT 99999999999999999999999",
    "BDAT 999999999999999999", "BDAT 0x10", "BDAT 1٣",
  ])
  func knowsWhenAChunkCannotBeMeasured(_ line: String) { #expect(parse(line) == .bdatUnreadable) }

  @Test(arguments: [
    "GET / HTTP/1.1", "POST /x HTTP/1.0", "CONNECT mail:25", "Host: mail.example.test", "User-Agent: x",
    "PRI * HTTP/2.0",
    "Content-Type-Very-Long-Header: x",
  ])
  func recognisesOtherProtocols(_ line: String) { #expect(parse(line) == .foreign) }

  @Test(arguments: ["", " ", " NOOP", "XYZZY", "MAILFROM:<a@b>", "\u{0}", "EHLO\u{0}x", "A\tB"])
  func doesNotKnow(_ line: String) { #expect(parse(line) == .unknown) }

  @Test func survivesEveryOctet() {
    for first in UInt8.min...UInt8.max {
      for prefix in ["", "MAIL FROM:", "RCPT TO:<", "BDAT ", "AUTH ", "EHLO ", "ETRN "] {
        _ = SMTPCommand.parse(Array(prefix.utf8) + [first])
        _ = SMTPCommand.parse([first] + Array(prefix.utf8))
      }
    }
  }
}

@Suite struct ParameterTests {
  private func mail(_ text: String) throws -> MailParameters {
    try MailParameters(PathArgument.parse(Array("<a@example.org> \(text)".utf8), allowUTF8: true).parameters)
  }
  private func recipient(_ text: String) throws -> RecipientParameters {
    try RecipientParameters(PathArgument.parse(Array("<a@example.org> \(text)".utf8), allowUTF8: true).parameters)
  }

  @Test func readsMail() throws {
    let parameters = try mail("size=1000 BODY=8bitmime SMTPUTF8 RET=hdrs ENVID=QQ+2B314 AUTH=<>")
    #expect(parameters.size == 1000)
    #expect(parameters.isEightBit && parameters.isUTF8 && !parameters.isBinary)
    #expect(try mail("BODY=BINARYMIME").isBinary)
    #expect(parameters.dsnReturn == .headers)
    #expect(parameters.envelopeID == "QQ+2B314")
    #expect(try mail("SIZE=99999999999999999999").size == .max)
  }

  @Test(arguments: [
    ("SIZE", 501), ("SIZE=-1", 501), ("SIZE=1x", 501), ("SIZE=999999999999999999999", 501),
    ("BODY=9BIT", 501), ("RET=ALL", 501), ("ENVID=a+0Ab", 501), ("ENVID=\(String(repeating: "x", count: 101))", 501),
    ("SMTPUTF8=yes", 501), ("NOTIFY=NEVER", 555), ("X=y", 555), ("AUTH=a=b", 501),
  ])
  func refusesMail(_ text: String, _ code: Int) {
    let refusal = #expect(throws: ParameterRefusal.self) { try mail(text) }
    #expect(refusal?.reply.code == code)
  }

  @Test func readsRecipient() throws {
    let parameters = try recipient("NOTIFY=success,delay ORCPT=rfc822;Bob+2B1@example.com")
    #expect(parameters.notify?.parameter == "SUCCESS,DELAY")
    #expect(parameters.originalRecipient?.parameter == "rfc822;Bob+2B1@example.com")
    #expect(try recipient("NOTIFY=NEVER").notify?.parameter == "NEVER")
  }

  @Test(arguments: [
    "NOTIFY=", "NOTIFY=NEVER,SUCCESS", "NOTIFY=SOMETIMES", "ORCPT=bob@example.com", "ORCPT=rfc822;a+0D+0Ab",
    "ORCPT=;x", "SIZE=1",
  ])
  func refusesRecipient(_ text: String) { #expect(throws: (any Error).self) { try recipient(text) } }
}

@Suite struct NameTests {
  @Test(arguments: [
    ("client.example.org", "client.example.org"), ("[127.0.0.1]", "[127.0.0.1]"), ("[IPv6:::1]", "[IPv6:::1]"),
    ("my_pc", "my_pc"), ("(evil)", "?evil?"), ("a;b", "a?b"), ("a\u{0}b", "a?b"),
    ("[not.an.address]", "?not.an.address?"),
    ("x by y with z", "x"), ("été", "????"), (String(repeating: "h", count: 500), String(repeating: "h", count: 255)),
  ])
  func helloCannotInject(_ argument: String, _ text: String) {
    if argument == "été" {
      #expect(HelloName(Array(argument.utf8))?.text == "??t??")
    } else {
      #expect(HelloName(Array(argument.utf8))?.text == text)
    }
  }

  @Test func etrnNodes() throws {
    #expect(ETRNNode(Array("Example.ORG".utf8)) == .domain(try MailDomain("example.org")))
    #expect(ETRNNode(Array("@example.org".utf8)) == .subdomains(try MailDomain("example.org")))
    #expect(ETRNNode(Array("#slow".utf8)) == .queue("slow"))
    for bad in ["", "#", "@", "a b", "[192.0.2.1]", "a..b", "@[192.0.2.1]", "x\u{0}"] {
      #expect(ETRNNode(Array(bad.utf8)) == nil, "\(bad)")
    }
  }
}
