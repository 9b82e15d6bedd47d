import Diagnosis
import Foundation
import Testing

@Suite("Error texts explained")
struct ExplainTests {
  @Test(
    "R39-R56 R89: each text of the FAQ is known, as pasted",
    arguments: [
      ("Sorry, I wasn't able to establish an SMTP connection. (#4.4.1)", "no-connection"),
      ("Sorry, I wasn\u{2019}t able to establish\n an SMTP connection. (#4.4.1)", "no-connection"),
      ("I'm not going to try again; this message has been in the queue too long.", "expired"),
      ("553 Sorry, that domain isn't allowed to be relayed thru this MTA (#5.7.1)", "relay-denied"),
      ("Sorry, that domain isn=\n't allowed to be relayed thru this MTA", "relay-denied"),
      ("TLS not available: connect failed: error:00000000:lib(0):func(0):reason(0)", "tls-not-available"),
      ("554 sorry, your envelope sender is in my badmailfrom list", "badmailfrom"),
      (
        "while talking to air-yb04.mail.aol.com.:> RCPT To:< 550 MAILBOX NOT FOUND 550 <x@aol.com>... User unknown",
        "user-unknown"
      ),
      ("Sorry, no mailbox here by that name. vpopmail (#5.1.1)", "no-mailbox"),
      (
        ": Name service error for mx2.example.com: Host found but no data record of requested type", "no-data-record"
      ),
      ("Sorry, I couldn't find any host named nowhere.test. (#5.1.2)", "host-unknown"),
      ("553 5.1.8 Non-existing DNS_MX: MAIL FROM:", "sender-domain"),
      ("user is over quota (#5.2.2)", "over-quota"),
      ("-ERR [LOGIN-DELAY] mail check too frequent, minimum interval 60 seconds, retry in 37 s", "too-often"),
      ("Votre serveur a mis fin \u{e0} la connexion de mani\u{e8}re inattendue. 0x800CCC0F", "connection-ended"),
      ("postmaster account cannot be deleted", "postmaster"),
      ("553 5.7.1 ceo@example.test not owned by user web", "not-owned"),
      ("450 4.7.1 rate limit exceeded (100 per minute)", "rate"),
    ])
  func known(text: String, name: String) {
    #expect(KnownError.explain(text).first?.name == name)
  }

  @Test("R40: a bounce with both sentences is told about both")
  func both() {
    let bounce = """
      <bob@far.test>:
      Sorry, I wasn't able to establish an SMTP connection. (#4.4.1)
      I'm not going to try again; this message has been in the queue too long.
      """
    #expect(Set(KnownError.explain(bounce).map(\.name)) == ["no-connection", "expired"])
  }

  @Test("Nothing is made up for what is not known, nor for very much text")
  func unknown() {
    #expect(KnownError.explain("hello world").isEmpty)
    #expect(KnownError.explain("").isEmpty)
    #expect(KnownError.explain(String(repeating: "x ", count: 500_000)).isEmpty)
  }

  @Test("R89: every entry speaks both languages, explains its own text and has a name of its own")
  func whole() {
    #expect(Set(KnownError.catalogue.map(\.name)).count == KnownError.catalogue.count)
    for known in KnownError.catalogue {
      for text in [known.cause.english, known.cause.french, known.remedy.english, known.remedy.french] {
        #expect(!text.isEmpty && !text.contains("  "), "\(known.name): \(text)")
      }
      #expect(
        KnownError.explain(known.text).contains { $0.name == known.name } || known.name == "no-answer", "\(known.name)")
    }
  }

  @Test("R89: the help page holds every entry")
  func page() throws {
    let url = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("docs/error-texts.md")
    var text = "# Error texts, their causes and remedies\n\n"
    text += "Also: `martinet explain \"TEXT\"`. This page is made from the same list.\n"
    for known in KnownError.catalogue {
      text += "\n## \(known.name)\n\n`\(known.text)`\n\n"
      text += "- Cause: \(known.cause.english)\n- Remedy: \(known.remedy.english)\n"
      text += "- Cause (fr) : \(known.cause.french)\n- Rem\u{e8}de (fr) : \(known.remedy.french)\n"
    }
    if ProcessInfo.processInfo.environment["UPDATE_SNAPSHOTS"] != nil {
      try text.write(to: url, atomically: true, encoding: .utf8)
    }
    #expect(try String(contentsOf: url, encoding: .utf8) == text)
  }
}
