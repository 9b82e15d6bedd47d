import LocalMail
import MailSyntax
import Testing

@Suite("The options of sendmail")
struct SendmailArgumentsTests {
  func parse(_ line: String, as program: String = "sendmail") throws -> SendmailArguments {
    try SendmailArguments.parse(line.split(separator: " ").map(String.init), program: program)
  }

  @Test("R78: -t -i -f -F -v, together and apart")
  func common() throws {
    let together = try parse("-oi -tv -fbob@example.com -F Bob -N never -R hdrs -V x alice@example.com")
    #expect(together.readsRecipients && together.ignoresDots && together.isVerbose)
    #expect(together.sender == "bob@example.com" && together.fullName == "Bob")
    #expect(together.notify == "NEVER" && together.dsnReturn == "HDRS" && together.envelopeID == "x")
    #expect(together.recipients == ["alice@example.com"])
    let apart = try parse("-i -t -r bob@example.com -odb -oem -B 8BITMIME -- -odd")
    #expect(apart.sender == "bob@example.com" && apart.recipients == ["-odd"] && apart.ignoresDots)
  }

  @Test("R78: -bs -bp -bv -bi -q, and the names mailq and newaliases")
  func modes() throws {
    #expect(try parse("-bs").mode == .smtp)
    #expect(try parse("-bp").mode == .list)
    #expect(try parse("", as: "mailq").mode == .list)
    #expect(try parse("", as: "newaliases").mode == .aliases)
    #expect(try parse("-q").mode == .flush(id: nil, domain: nil))
    #expect(try parse("-q30m").mode == .flush(id: nil, domain: nil))
    #expect(try parse("-qIA6ADC402D4").mode == .flush(id: "A6ADC402D4", domain: nil))
    #expect(try parse("-qR@example.com").mode == .flush(id: nil, domain: "example.com"))
    #expect(try parse("-bv a@b").mode == .verify)
  }

  @Test("What makes no sense is said", arguments: ["-Z", "-bd", "-bq", "-f", "-R most", "--what", "--config"])
  func faults(line: String) {
    #expect(throws: SendmailArguments.Fault.self) { try parse(line) }
  }

  @Test("Exit codes are those of sysexits.h")
  func codes() {
    #expect(SystemExit(SMTPReply(250, "2.0.0", "Ok")) == .ok)
    #expect(SystemExit(SMTPReply(451, "4.3.0", "later")) == .tryLater)
    #expect(SystemExit(SMTPReply(550, "5.1.1", "nobody")) == .noUser)
    #expect(SystemExit(SMTPReply(553, "5.7.1", "not owned")) == .noPermission)
    #expect(SystemExit(SMTPReply(552, "5.3.4", "too big")) == .unavailable)
  }
}
