import Testing

@testable import IMAPServer

private func search(_ text: String) throws -> SearchArgument {
  guard case .search(let argument, uid: false) = try parsed("a SEARCH \(text)") else {
    throw GrammarError("not a SEARCH")
  }
  return argument
}

private func octets(_ text: String) -> [UInt8] { Array(text.utf8) }

@Suite struct SearchGrammarTests {
  @Test func rfcExample() throws {
    #expect(
      try search("FLAGGED SINCE 1-Feb-1994 NOT FROM \"Smith\"").key
        == .and([
          .system(.flagged, isSet: true), .date(.received, .since, DateArgument(year: 1994, month: 2, day: 1)),
          .not(.addresses("FROM", octets("Smith"))),
        ]))
  }

  @Test func charsetAndLiteral() throws {
    let argument = try search("CHARSET utf-8 TEXT {4}\r\nÜXYZ".replacingOccurrences2())
    #expect(argument.charset == "UTF-8")
  }

  @Test func everyKey() throws {
    let keys = [
      "ALL", "ANSWERED", "BCC x", "BEFORE 1-Feb-1994", "BODY x", "CC x", "DELETED", "DRAFT", "FLAGGED", "FROM x",
      "HEADER Message-ID \"\"", "KEYWORD $Junk", "LARGER 5", "NEW", "NOT ALL", "OLD", "ON \"01-Feb-1994\"",
      "OR ALL NEW", "RECENT", "SEEN", "SENTBEFORE 1-Feb-1994", "SENTON 1-Feb-1994", "SENTSINCE 1-Feb-1994",
      "SINCE 1-Feb-1994", "SMALLER 5", "SUBJECT x", "TEXT x", "TO x", "UID 1:*", "UNANSWERED", "UNDELETED", "UNDRAFT",
      "UNFLAGGED", "UNKEYWORD x", "UNSEEN", "OLDER 5", "YOUNGER 5", "MODSEQ 620162338",
      #"MODSEQ "/flags/\\draft" all 620162338"#, "1:3,5,*", "(ALL (NEW SEEN))",
    ]
    for key in keys { #expect(throws: Never.self, "\(key)") { try search(key) } }
    #expect(throws: Never.self) { try search(keys.joined(separator: " ")) }
  }

  @Test func resultsAskedFor() throws {
    #expect(try search("RETURN () ALL").results == [.all])
    #expect(try search("RETURN (MIN COUNT SAVE) ALL").results == [.min, .count, .save])
    #expect(try search("ALL").results == nil)
    #expect(fault("a SEARCH RETURN (BOGUS) ALL") != nil)
  }

  @Test func nestingIsBounded() {
    let parentheses = String(repeating: "(", count: 5000) + "ALL" + String(repeating: ")", count: 5000)
    #expect(fault("a SEARCH \(parentheses)") == GrammarError.tooDeep.text)
    #expect(fault("a SEARCH \(String(repeating: "NOT ", count: 5000))ALL") == GrammarError.tooDeep.text)
    #expect(fault("a SEARCH \(String(repeating: "OR ALL ", count: 5000))ALL") == GrammarError.tooDeep.text)
    #expect(fault("a SEARCH " + Array(repeating: "ALL", count: 5000).joined(separator: " ")) == "Too many search keys")
    let allowed = String(repeating: "(", count: 90) + "ALL" + String(repeating: ")", count: 90)
    #expect(fault("a SEARCH \(allowed)") == nil)
  }

  @Test(arguments: [
    "", "BOGUS", "SINCE 30-Feb-1994", "SINCE 1-Xyz-1994", "SINCE 1-Feb-94", "LARGER -1", "LARGER 99999999999999999999",
    "UID 0", "UID 1:", "NOT", "OR ALL", "(ALL", "()", "HEADER x", "HEADER \"a b\" x", "KEYWORD", "YOUNGER 0",
    "MODSEQ x",
  ]) func nonsenseIsRefused(_ text: String) {
    #expect(fault("a SEARCH \(text)") != nil)
  }

  @Test func sortAndThread() throws {
    guard case .sort(let sort, uid: true) = try parsed("a UID SORT (SUBJECT REVERSE DATE) UTF-8 ALL") else {
      Issue.record("not a SORT")
      return
    }
    #expect(sort.criteria == [.init(field: .subject, isReversed: false), .init(field: .date, isReversed: true)])
    #expect(fault("a SORT (REVERSE) UTF-8 ALL") != nil)
    #expect(fault("a SORT () UTF-8 ALL") != nil)
    #expect(fault("a THREAD BOGUS UTF-8 ALL") != nil)
    #expect(fault("a THREAD REFERENCES UTF-8 TEXT \"gewp\"") == nil)
  }
}

extension String {
  /// A literal of four characters has five octets when one of them is `Ü`.
  fileprivate func replacingOccurrences2() -> String { self.split(separator: "{4}").joined(separator: "{5}") }
}
