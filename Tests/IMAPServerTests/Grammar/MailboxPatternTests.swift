import Testing

@testable import IMAPServer

private func matches(_ pattern: String, _ name: String) -> Bool {
  MailboxPattern(Array(pattern.utf8)).matches(Array(name.utf8))
}

@Suite struct MailboxPatternTests {
  @Test func wildcards() {
    #expect(matches("*", "a/b/c"))
    #expect(matches("%", "a") && !matches("%", "a/b"))
    #expect(matches("a/%", "a/b") && !matches("a/%", "a/b/c") && !matches("a/%", "a"))
    #expect(matches("a*c", "a/b/c") && matches("a%/c", "ab/c") && !matches("a%c", "a/c"))
    #expect(matches("%/%", "a/b") && matches("*%", "a/b") && matches("%*", "a/b") && matches("**%%**", ""))
    #expect(!matches("A", "a") && !matches("", "a") && matches("", ""))
  }

  @Test func inboxInAnyCase() {
    #expect(matches("inbox", "INBOX") && matches("InBoX/*", "INBOX/x") && !matches("inbox/A", "INBOX/a"))
    #expect(matches("in%", "INBOX") && !matches("in%", "INBOXES") && matches("i*", "INBOX"))
  }

  @Test func bombsAreCheap() {
    let pattern = String(repeating: "*a", count: 400) + "b"
    let name = String(repeating: "a", count: 900)
    let start = ContinuousClock.now
    #expect(!matches(pattern, name))
    #expect(ContinuousClock.now - start < .seconds(5))
  }
}
