import MailSyntax
import Testing

@testable import MailStore

@Suite("SEARCH FROM, TO, CC and BCC: the envelope's form (RFC 9051 section 6.4.4)")
struct AddressSearchTests {
  private static let headers = [
    "From: user-from@domain.test\r\nTo: user-to@domain.test\r\n",
    "From: \"Doe, \\\"Joe\\\"\" <user-from@domain.test>\r\n",
    "From: <user-from (aside)@ (aside) domain.test>\r\n",
    "From: user-from@domain.test (Comment Name)\r\n",
    "From: one@domain.test,\r\n two@domain.test\r\n",
    "To: team: ann@domain.test, ben@domain.test;,\r\n other: carl@domain.test;\r\n",
    "Cc: =?utf-8?q?Gr=C3=BC=C3=9Fe_aus?= =?utf-8?q?_K=C3=B6ln?= <koeln@domain.test>\r\nBcc: \"quoted local\"@d.test\r\n",
    "From: @relay.test,@b.test:routed@domain.test\r\n",
    "To: " + (0..<400).map { "user\($0)@long.test" }.joined(separator: ",\r\n ") + "\r\n",
  ]

  private static let answers: [(String, String, [UInt32])] = [
    ("FROM", "user-from@domain.test", [1, 2, 3, 4]), ("FROM", "<USER-FROM@domain.test>", [1, 2, 3, 4]),
    ("FROM", "doe, \"joe\"", [2]), ("FROM", "Joe\" <user-from@", [2]), ("FROM", "aside", []),
    ("FROM", "comment name <user", [4]), ("FROM", "(comment", []), ("FROM", "<one@domain.test>, <two@", [5]),
    ("TO", "team: <ann", [6]), ("TO", "carl@domain.test", [6]), ("TO", "other", [6]), ("TO", "one@", []),
    ("CC", "grüße aus köln <koeln@domain.test>", [7]), ("CC", "=?utf-8", []), ("BCC", "<quoted local@d.test>", [7]),
    ("FROM", "routed@domain.test", [8]), ("TO", "user399@long.test", [9]), ("TO", "<user0@long", [9]),
    ("TO", "user400", []), ("FROM", "", [1, 2, 3, 4, 5, 8]), ("BCC", "", [7]),
  ]

  private func check(_ inbox: Mailbox, _ uids: [UInt32]) async throws {
    for (name, text, expected) in Self.answers {
      let hits = try await inbox.search(.addresses(name: name, text: text), among: uids)
      #expect(hits == expected, "\(name) \(text)")
    }
    // HEADER looks at the field as it is spelt.
    #expect(try await inbox.search(.header(name: "From", text: "(aside)"), among: uids) == [3])
    #expect(try await inbox.search(.header(name: "From", text: "(comment"), among: uids) == [4])
    #expect(try await inbox.search(.header(name: "To", text: "user399@"), among: uids) == [9])
  }

  @Test("Names, groups, comments and encoded words are compared as the envelope has them, whatever is indexed")
  func forms() async throws {
    let fixture = Fixture()
    try await fixture.withStore { store in
      let inbox = try await store.mailbox(fixture.account(), name: .inbox)
      for header in Self.headers {
        _ = try await inbox.append([NewMessage(content: .bytes(Array((header + "\r\nbody\r\n").utf8)))])
      }
      let uids = try await inbox.snapshot().messages.map(\.uid)
      try await check(inbox, uids)
      try await check(inbox, uids)
    }
    try await fixture.withStore { store in
      let inbox = try await store.mailbox(fixture.account(), name: .inbox)
      try await check(inbox, try await inbox.snapshot().messages.map(\.uid))
    }
  }

  @Test("An index of an older make, with addresses as the header spells them, is mended as it is asked")
  func olderIndex() async throws {
    let fixture = Fixture()
    try await fixture.withStore { store in
      let inbox = try await store.mailbox(fixture.account(), name: .inbox)
      for header in Self.headers {
        _ = try await inbox.append([NewMessage(content: .bytes(Array((header + "\r\nbody\r\n").utf8)))])
      }
      _ = try await inbox.keys(Array(1...9))
    }
    let path = fixture.account().directory + "/index.db"
    try Self.makeOld(path)
    #expect(try Self.oldBlobs(path) == 9)
    try await fixture.withStore { store in
      let inbox = try await store.mailbox(fixture.account(), name: .inbox)
      // What does not need them stays.
      #expect(try await inbox.keys([1]).map(\.from) == ["USER-FROM"])
      try await check(inbox, Array(1...9))
    }
    #expect(try Self.oldBlobs(path) == 0)
  }

  /// Takes the mark out of the first octet of each blob, as versions wrote it that did not know it.
  private static func makeOld(_ path: String) throws {
    let database = try Database(path: path, busy: .seconds(1))
    var blobs: [(Int64, [UInt8])] = []
    let rows = try database.statement("SELECT id, keys FROM message_keys")
    while try rows.step() { blobs.append((rows.integer(0), rows.blob(1))) }
    rows.reset()
    try database.transaction(durable: true) {
      for (id, blob) in blobs {
        try database.statement("UPDATE message_keys SET keys = ?2 WHERE id = ?1")
          .bind(1, id).bind(2, [blob[0] & 15] + blob.dropFirst()).run()
      }
    }
  }

  private static func oldBlobs(_ path: String) throws -> Int {
    let database = try Database(path: path, busy: .seconds(1))
    var count = 0
    let rows = try database.statement("SELECT keys FROM message_keys")
    defer { rows.reset() }
    while try rows.step() { if rows.blob(0)[0] & 16 == 0 { count += 1 } }
    return count
  }
}
