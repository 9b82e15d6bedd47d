import MailSyntax
import Testing

@testable import Accounts

@Suite struct QmailImportTests {
  private let domain: MailDomain

  init() throws { domain = try MailDomain("example.test") }

  private func file(_ name: String, _ text: String) throws -> QmailFile {
    try #require(QmailFile(fileName: ".qmail-" + name, text: text, domain: domain))
  }

  @Test("R79: addresses and mailboxes of a .qmail file become targets; its name is lower case, with dots for colons")
  func targets() throws {
    let text = """
      # Sales, both of them
      &alice@example.test
      Carol@elsewhere.test \t

      # another note
      /home/vpopmail/domains/example.test/bob/Maildir/
      /home/vpopmail/domains/0/Example.Test/A/dave/Maildir/\r

      """
    let sales = try file("First:Last", text)
    #expect(sales.name == "first.last")
    #expect(
      sales.targets == ["alice@example.test", "Carol@elsewhere.test", "bob@example.test", "dave@example.test"])
    #expect(sales.comment == "Sales, both of them")
    #expect(sales.refused.isEmpty && sales.catchAll == nil)
    #expect(QmailFile(fileName: ".qmail", text: "", domain: domain) == nil)
    #expect(QmailFile(fileName: ".qmail-", text: "", domain: domain) == nil)
    #expect(QmailFile(fileName: "vpasswd", text: "", domain: domain) == nil)
  }

  @Test(
    "Lines that would run programs, write files or lead nowhere are refused by number",
    arguments: [
      ("|/usr/bin/autorespond 1 2 m a", 1, "programs"), ("#x\n| vdelivermail '' delete", 2, "programs"),
      ("./Mailbox", 1, "written to files"), ("/var/log/mail", 1, "written to files"),
      ("./Maildir/", 1, "no account"), ("/home/vpopmail/domains/other.test/bob/Maildir/", 1, "no account"),
      ("/home/example.test/../bob/Maildir/", 1, "no account"), ("&alice", 1, "needs its domain"),
      ("&a@b@c", 1, "no address"), ("\n&alice@example.test", 1, "empty first line"), ("", 1, "empty first line"),
      ("#only a note", 1, "leads nowhere"), ("&", 1, "needs its domain"), ("+list", 1, "needs its domain"),
    ])
  func refused(text: String, line: Int, reason: String) throws {
    let refusals = try file("x", text).refused
    #expect(refusals.map(\.line) == [line])
    #expect(refusals.first?.reason.contains(reason) == true, "\(refusals)")
  }

  @Test(
    "A domain's default is its catch-all",
    arguments: [
      ("| /home/vpopmail/bin/vdelivermail '' bounce-no-mailbox\n", "bounce"), ("|vdelivermail '' delete", "delete"),
      ("| /home/vpopmail/bin/vdelivermail '' /home/vpopmail/domains/example.test/bob", "bob@example.test"),
      ("| vdelivermail '' carol@elsewhere.test", "carol@elsewhere.test"), ("&bob@example.test", "bob@example.test"),
      ("/home/vpopmail/domains/example.test/bob/Maildir/", "bob@example.test"),
    ])
  func defaults(text: String, choice: String) throws {
    let file = try file("default", text)
    #expect(file.catchAll?.description == choice)
    #expect(file.name == nil && file.refused.isEmpty && file.targets.isEmpty)
  }

  @Test("A default that is no catch-all, and names with any extension, are refused")
  func defaultsRefused() throws {
    #expect(try file("default", "| vdelivermail '' nonsense").refused.count == 1)
    #expect(try file("default", "| vdelivermail").refused.count == 1)
    #expect(try file("default", "| /bin/sh -c delete").refused.count == 1)
    let two = try file("default", "&a@example.test\n&b@example.test")
    #expect(two.catchAll?.description == "a@example.test" && two.refused.map(\.line) == [2])
    #expect(try file("bob-default", "&alice@example.test").refused.count == 1)
  }

  @Test("What can be taken over is, the rest is told; a dry run changes nothing")
  func importing() async throws {
    let house = try House()
    try await house.settle()
    let files = try [
      file("info", "# Front desk\n&alice@example.test\n|/bin/program"), file("alice", "&bob@example.test"),
      file("all", (1...30).map { "&p\($0)@elsewhere.test" }.joined(separator: "\n")), file("-x", "&bob@example.test"),
      file("loop", "&loop@example.test"), file("default", "| vdelivermail '' bob@example.test"),
    ]
    let plan = try await house.accounts.importQmail(files, into: "example.test", dryRun: true)
    #expect(plan.aliases.contains { $0.address == "info@example.test" } && plan.catchAll != nil)
    #expect(try await house.accounts.aliases(domain: "example.test").isEmpty)
    #expect(try await house.accounts.domain("example.test").catchAll == .bounce)
    let outcome = try await house.accounts.importQmail(files, into: "example.test", dryRun: false)
    #expect(outcome.aliases.map(\.address) == ["info@example.test"])
    #expect(Set(outcome.refused.map(\.name)) == ["info", "alice", "all", "-x", "loop"])
    let aliases = try await house.accounts.aliases(domain: "example.test")
    #expect(aliases.map(\.address.key) == ["info@example.test"])
    #expect(aliases[0].targets.map(\.description) == ["alice@example.test"] && aliases[0].comment == "Front desk")
    #expect(try await house.accounts.domain("example.test").catchAll.description == "bob@example.test")
    let again = try await house.accounts.importQmail(files, into: "example.test", dryRun: false)
    #expect(again.aliases.isEmpty && again.refused.contains { $0.name == "info" && $0.line == 0 })
    await #expect(throws: AccountsError.self) {
      try await house.accounts.importQmail(files, into: "missing.test", dryRun: true)
    }
  }
}
