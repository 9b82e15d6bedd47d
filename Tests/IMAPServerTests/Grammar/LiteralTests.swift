import Testing

@testable import IMAPServer

@Suite struct LiteralTests {
  @Test func announcements() {
    #expect(LiteralHeader(atEndOf: Array("a LOGIN {11}".utf8))?.count == 11)
    let plus = LiteralHeader(atEndOf: Array("a APPEND x (\\Seen) {310+}".utf8))
    #expect(plus?.isNonSynchronizing == true)
    #expect(plus?.start == 19)
    #expect(LiteralHeader(atEndOf: Array("a APPEND x ~{5+}".utf8))?.isBinary == true)
    #expect(LiteralHeader(atEndOf: Array("{99999999999999999999999999}".utf8))?.count == .max)
    for text in ["", "}", "{}", "{+}", "{5", "5}", "{5+ }", "{-5}", "a {5}b", "{5++}", "{ 5}"] {
      #expect(LiteralHeader(atEndOf: Array(text.utf8)) == nil, "\(text)")
    }
  }

  @Test func appendHeads() throws {
    func head(_ text: String) throws -> (AppendHead, AppendMessageHead, atLiteral: Bool) {
      let bytes = Array(text.utf8)
      var cursor = ByteCursor(bytes)
      let head = try cursor.appendHead()
      let message = try cursor.appendMessageHead()
      return (head, message, cursor.position == LiteralHeader(atEndOf: bytes)?.start)
    }
    #expect(try head("A003 APPEND saved-messages {310}").0.mailbox == Array("saved-messages".utf8))
    #expect(try head("A003 APPEND {4}\r\nSent {5+}").0.mailbox == Array("Sent".utf8))
    #expect(AppendHead.isMailboxLiteral(Array("A003 APPEND {4}".utf8), announcement: 12))
    #expect(!AppendHead.isMailboxLiteral(Array("A003 APPEND x {4}".utf8), announcement: 14))
    let whole = try head("a APPEND \"x y\" (\\Seen $Forwarded) \" 7-Feb-1994 21:52:25 -0800\" {10}")
    #expect(whole.1.flags == FlagArgument(system: [.seen], keywords: ["$Forwarded"]))
    #expect(whole.1.date?.timestamp.seconds == 760_686_745)
    #expect(whole.atLiteral)
    #expect(try head("A003 REPLACE 4 Drafts (\\Seen) {312}").0.replaced == .init(number: 4, isUID: false))
    #expect(try head("A004 UID REPLACE 2000 Drafts {350+}").0.replaced == .init(number: 2000, isUID: true))
    #expect(try head("A004 REPLACE * Drafts {350+}").0.replaced == .init(number: nil, isUID: false))
    for text in [
      "a APPEND x (\\Bogus) {5}", "a APPEND x \"32-Jan-2020 00:00:00 +0000\" {5}", "a APPEND x{5}",
      "a REPLACE x y {5}", "a REPLACE 0 y {5}", "a UID APPEND y {5}",
    ] {
      #expect(throws: GrammarError.self, "\(text)") { try head(text) }
    }
  }

  @Test func messageURLs() {
    func url(_ text: String) -> MessageURL? { MessageURL(Array(text.utf8)) }
    let part = url("/Drafts;UIDVALIDITY=385759045/;UID=20/;section=1.2.MIME")
    #expect(part?.mailbox == "Drafts" && part?.uidValidity == 385_759_045 && part?.uid == 20)
    #expect(part?.section == SectionArgument(part: [1, 2], text: .mime))
    #expect(url("/Drafts;UIDVALIDITY=385759045/;UID=20/")?.uid == 20)
    #expect(url("/Entw%C3%BCrfe/a%20b/;UID=7/;SECTION=HEADER/;PARTIAL=5.10")?.mailbox == "Entw\u{fc}rfe/a b")
    #expect(url("/x/;UID=7/;PARTIAL=5.10")?.partial == PartialArgument(origin: 5, count: 10))
    #expect(
      url("imap://bob@mail.example.test:143/x/;UID=1")?.authority == .init(user: "bob", host: "mail.example.test"))
    for text in [
      "", "/", "/;UID=1", "x/;UID=1", "/x/;UID=0", "/x/;UID=99999999999", "/x/;UID=1/;SECTION=", "/x/;UID=1/;SECTION=0",
      "/x/;UID=1/;URLAUTH=anonymous", "/%zz/;UID=1", "/%/;UID=1", "/x;UIDVALIDITY=0/;UID=1", "http://x/y/;UID=1",
      "/x/;UID=1/;UID=2", "/%FF/;UID=1", "/x/;UID=1/;PARTIAL=1.0",
    ] {
      #expect(url(text) == nil, "\(text)")
    }
  }

  @Test func windowsOfResults() throws {
    func places(_ text: String, _ count: Int) throws -> Range<Int> {
      var cursor = ByteCursor(text)
      return try cursor.resultRange().places(of: count)
    }
    #expect(try places("1:3", 10) == 0..<3)
    #expect(try places("3:1", 10) == 0..<3)
    #expect(try places("9:12", 10) == 8..<10)
    #expect(try places("11:12", 10).isEmpty)
    #expect(try places("-1:-3", 10) == 7..<10)
    #expect(try places("-3:-1", 10) == 7..<10)
    #expect(try places("-9:-20", 10) == 0..<2)
    #expect(try places("-11:-20", 10).isEmpty)
    #expect(try places("1:4294967295", 0).isEmpty)
    for text in ["0:1", "1:-1", "-1:1", "1", "1:", "-0:-1", "1:99999999999"] {
      #expect(throws: GrammarError.self, "\(text)") { try places(text, 5) }
    }
  }
}
