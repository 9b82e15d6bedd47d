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
    func head(_ text: String) throws -> AppendHead {
      let bytes = Array(text.utf8)
      guard let header = LiteralHeader(atEndOf: bytes) else { throw GrammarError("no literal") }
      return try AppendHead.parse(bytes, announcement: header.start)
    }
    #expect(try head("A003 APPEND saved-messages {310}") == .complete(mailbox: Array("saved-messages".utf8), .init()))
    #expect(try head("A003 APPEND {4}") == .mailboxIsLiteral)
    #expect(try head("A003 APPEND {4}\r\nSent {5+}") == .complete(mailbox: Array("Sent".utf8), .init()))
    guard
      case .complete(_, let message) = try head(
        "a APPEND \"x y\" (\\Seen $Forwarded) \" 7-Feb-1994 21:52:25 -0800\" {10}")
    else {
      Issue.record("not complete")
      return
    }
    #expect(message.flags == FlagArgument(system: [.seen], keywords: ["$Forwarded"]))
    #expect(message.date?.timestamp.seconds == 760_686_745)
    for text in [
      "a APPEND x y {5}", "a APPEND x (\\Bogus) {5}", "a APPEND x \"32-Jan-2020 00:00:00 +0000\" {5}", "a APPEND x{5}",
    ] {
      #expect(throws: GrammarError.self, "\(text)") { try head(text) }
    }
  }
}
