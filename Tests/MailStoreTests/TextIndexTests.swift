import Basics
import Glibc
import Testing

@testable import MailStore

@Suite struct TextIndexTests {
  private func quick(_ settings: inout MailStoreSettings) { settings.fillDelay = .milliseconds(5) }

  private func path(_ fixture: Fixture) -> String { fixture.account().directory + "/text.db" }

  /// Whether so many messages are entered and every document is split.
  private func isFilled(_ fixture: Fixture, messages: Int) async throws -> Bool {
    try await eventually {
      guard FileSystem.exists(path(fixture)), let database = try? Database(path: path(fixture), busy: .seconds(1))
      else {
        return false
      }
      let count = try? database.integer("SELECT count(*) FROM message")
      let open = try? database.integer(
        "SELECT count(*) FROM document WHERE id > (SELECT value FROM meta WHERE key = 'grams_done')")
      return count == Int64(messages) && open == 0
    }
  }

  private static let nested = Array(
    """
    From: =?utf-8?q?J=C3=BCrgen_Gr=C3=BCn?= <j@example.test>\r
    Subject: =?iso-8859-1?q?Caf=E9?= "quoted" plan\r
    X-Note: alpha\r
    X-Note: beta gamma\r
    MIME-Version: 1.0\r
    Content-Type: multipart/mixed; boundary=b1\r
    \r
    --b1\r
    Content-Type: text/plain; charset=utf-8\r
    Content-Transfer-Encoding: base64\r
    \r
    VGhlIHF1aWNrIGJyb3duIGZveCDDnGJlciBkZW4gWmF1bg==\r
    --b1\r
    Content-Type: text/html; charset=iso-8859-1\r
    Content-Transfer-Encoding: quoted-printable\r
    Content-Disposition: attachment; filename="Rechnung-4711.html"\r
    \r
    <p>Stra=DFe na=EFve =3D 50%</p>\r
    --b1\r
    Content-Type: message/rfc822\r
    \r
    Subject: inner secret\r
    Message-ID: <inner@example.test>\r
    \r
    inner body text\r
    --b1\r
    Content-Type: application/octet-stream\r
    Content-Transfer-Encoding: base64\r
    \r
    aGlkZGVuYmluYXJ5\r
    --b1--\r

    """.utf8)

  private static let needles = [
    "quick brown", "QUICK", "ck", "x", "über den", "ÜBER", "straße", "naïve = 50%", "= 50", "inner secret",
    "inner body",
    "Rechnung-4711", "\"quoted\"", "\"", "caf\u{e9}", "cafe\u{301}", "grün", "hello.", "hello.\r\n", "message 1",
    "message 12", "subject: message 3", "hiddenbinary", "aGlkZGVu", "alpha\nx-note", "alphax-note", "zaun<p>", "gamma",
    "no such text anywhere", "%", "the lazy dog and the quick brown fox and nobody else at all", "  ", "<p>", "AND",
    "NEAR(",
  ]

  @Test("SEARCH from the text index says exactly what the files say, whatever is looked for (RFC 3501 substring)")
  func exact() async throws {
    let fixture = Fixture()
    try await fixture.withStore(quick) { store in
      let inbox = try await store.mailbox(fixture.account(), name: .inbox)
      for number in 0..<40 {
        let body = number % 7 == 0 ? "The lazy dog \(number)\r\nHELLO.\r\n" : "Hello.\r\n"
        _ = try await inbox.append([NewMessage(content: .bytes(message(number, body: body)))])
      }
      _ = try await inbox.append([NewMessage(content: .bytes(Self.nested))])
      _ = try await inbox.append([NewMessage(content: .bytes(Array("no header at all\r\n\u{0}nul octet".utf8)))])
      let uids = try await inbox.snapshot().messages.map(\.uid)
      #expect(try await isFilled(fixture, messages: uids.count))
      let contents = try await inbox.contents(uids)
      for text in Self.needles {
        for condition in [
          TextCondition.text(text), .body(text), .header(name: "X-Note", text: text),
          .header(name: "subject", text: text),
          .header(name: "Message-Id", text: text),
        ] {
          let needle = TextNeedle(condition)
          let expected = contents.filter { needle.matches($0.bytes) }.map(\.uid)
          #expect(try await inbox.search(condition, among: uids) == expected, "\(condition)")
        }
      }
      #expect(try await inbox.search(.text("inner secret"), among: uids) == [41])
      #expect(try await inbox.search(.body("Rechnung-4711"), among: uids) == [])
      #expect(try await inbox.search(.header(name: "x-note", text: ""), among: uids) == [41])
      #expect(try await inbox.search(.header(name: "x-none", text: ""), among: uids) == [])
      #expect(try await inbox.search(.text("hello."), among: [5, 9]) == [5, 9])
    }
  }

  @Test("What is told absent without decoding a message is absent when it is decoded")
  func absence() throws {
    let subjects = [
      "plain hit", "=?utf-8?q?h=69t?=", "fol\r\n ded hit", "h\rit", "h\u{0}it", "gr\u{fc}n", "nothing", "x=?hit", "HIT",
    ]
    let types = [
      "", "Content-Type: text/plain; charset=us-ascii", "Content-Type: text/plain;\r\n\tcharset=\r\n \"utf-8\"",
      "Content-Type: text/plain; charset=utf-7", "Content-Type: text/plain; charset*=us-ascii''utf-16",
      "Content-Type: text/plain; CharSet = utf-16be", "Content-Type: text/html; charset=iso-8859-1",
    ]
    let encodings = [
      "", "Content-Transfer-Encoding: 7bit", "Content-Transfer-Encoding:\r\n base64",
      "content-transfer-encoding: (this is) quoted-printable", "Content-Transfer-Encoding: x-own",
    ]
    let bodies = ["hit", "aGl0", "h=69t", "h=\r\nit", "+AGgAaQB0-", "h\u{0}i\u{0}t", "h\r\nit", "miss", "h\u{131}t"]
    var told = 0
    for needle in ["hit", "HIT", "IT", "x", "subject", "gr\u{fc}n"].map({ TextNeedle(.text($0)) }) {
      for subject in subjects {
        for type in types {
          for encoding in encodings {
            for body in bodies {
              let lines = ["Subject: \(subject)", type, encoding].filter { !$0.isEmpty }.joined(separator: "\r\n")
              let bytes = Array("\(lines)\r\n\r\n\(body)\r\n".utf8)
              guard PlainAbsence(needle.folded)?.isCertain(bytes) == true else { continue }
              told += 1
              try #require(needle.matches(SearchText(bytes)) == false, "\(String(decoding: bytes, as: UTF8.self))")
            }
          }
        }
      }
    }
    #expect(told > 100)
    #expect(PlainAbsence(Array("A B".utf8)) == nil && PlainAbsence(Array("A:".utf8)) == nil && PlainAbsence([]) == nil)
  }

  @Test("What is not in the index yet, or was cut, is found in the files")
  func notIndexed() async throws {
    let fixture = Fixture()
    try await fixture.withStore {
      $0.fillDelay = .milliseconds(5)
      $0.textMessageBytes = 2000
    } _: { store in
      let inbox = try await store.mailbox(fixture.account(), name: .inbox)
      let long = String(repeating: "filler words ", count: 1000) + "needle at the end"
      _ = try await inbox.append([NewMessage(content: .bytes(message(1, body: long)))])
      _ = try await inbox.append([NewMessage(content: .bytes(message(2)))])
      #expect(try await isFilled(fixture, messages: 2))
      #expect(try await inbox.search(.body("needle at the end"), among: [1, 2]) == [1])
      #expect(try await inbox.search(.text("filler words"), among: [1, 2]) == [1])
    }
    let slow = Fixture()
    try await slow.withStore {
      $0.fillDelay = .seconds(3600)
    } _: { store in
      let inbox = try await store.mailbox(slow.account(), name: .inbox)
      _ = try await inbox.append([NewMessage(content: .bytes(message(1)))])
      #expect(try await inbox.search(.body("hello"), among: [1]) == [1])
      #expect(!FileSystem.exists(path(slow)))
    }
  }

  @Test("Copies share their text; what is expunged leaves the index when nobody else has it")
  func lifetime() async throws {
    let fixture = Fixture()
    let archive = try MailboxName("Archive")
    try await fixture.withStore(quick) { store in
      let inbox = try await store.mailbox(fixture.account(), name: .inbox)
      try await store.createFolder(fixture.account(), name: archive)
      let target = try await store.mailbox(fixture.account(), name: archive)
      for number in 0..<6 { _ = try await inbox.append([NewMessage(content: .bytes(message(number)))]) }
      #expect(try await isFilled(fixture, messages: 6))
      _ = try await inbox.copy([1, 2], to: target)
      _ = try await inbox.move([3], to: target)
      #expect(try await isFilled(fixture, messages: 8))
      let documents = {
        try Database(path: self.path(fixture), busy: .seconds(1)).integer("SELECT count(*) FROM document")
      }
      #expect(try documents() == 6)
      #expect(try await target.search(.text("message 2"), among: [1, 2, 3]) == [3])
      _ = try await inbox.remove([1, 4])
      #expect(try await eventually { try documents() == 5 })
      #expect(try await inbox.search(.text("message"), among: [2, 5, 6]) == [2, 5, 6])
      try await store.deleteFolder(fixture.account(), name: archive)
      #expect(try await eventually { try documents() == 3 })
      let left = try Database(path: path(fixture), busy: .seconds(1))
      #expect(try left.integer("SELECT count(*) FROM grams WHERE grams MATCH '\"MES\"'") == 3)
      // The index made anew finds the text again, by EMAILID.
      _ = try await store.rebuild(fixture.account())
      let again = try await store.mailbox(fixture.account(), name: .inbox)
      #expect(try await again.search(.text("message 5"), among: again.snapshot().messages.map(\.uid)) == [6])
    }
  }

  @Test("A message that comes after the newest one went is found like all others")
  func afterTheNewest() async throws {
    let fixture = Fixture()
    try await fixture.withStore(quick) { store in
      let inbox = try await store.mailbox(fixture.account(), name: .inbox)
      for (word, uid) in [("alphabet", UInt32(1)), ("betatron", 2), ("gammaray", 3)] {
        let text = "From: a@example.test\r\nSubject: x\r\n\r\nhello \(word) there\r\n"
        _ = try await inbox.append([NewMessage(content: .bytes(Array(text.utf8)))])
        #expect(try await isFilled(fixture, messages: 1))
        #expect(try await inbox.search(.text(word), among: [uid]) == [uid], "\(word)")
        _ = try await inbox.remove([uid])
        #expect(try await isFilled(fixture, messages: 0))
      }
      let database = try Database(path: path(fixture), busy: .seconds(1))
      #expect(try database.integer("SELECT count(*) FROM grams WHERE grams MATCH '\"HEL\"'") == 0)
    }
  }

  @Test("After a lost index the text is found by EMAILID before anything is filled in again")
  func foundByEmailID() async throws {
    let fixture = Fixture()
    let count = 150
    var uids: [UInt32] = []
    try await fixture.withStore(quick) { store in
      let inbox = try await store.mailbox(fixture.account(), name: .inbox)
      for number in 1...count { _ = try await inbox.append([NewMessage(content: .bytes(message(number)))]) }
      #expect(try await isFilled(fixture, messages: count))
    }
    for name in FileSystem.names(fixture.account().directory) where name.hasPrefix("index.db") {
      unlink("\(fixture.account().directory)/\(name)")
    }
    try await fixture.withStore {
      $0.fillDelay = .seconds(3600)
    } _: { store in
      let inbox = try await store.mailbox(fixture.account(), name: .inbox)
      _ = try await inbox.append((1...5).map { NewMessage(content: .bytes(message(1000 + $0))) })
      let snapshot = try await inbox.snapshot()
      uids = snapshot.messages.map(\.uid)
      #expect(try await inbox.details(uids).count == count + 5)
      // What the files say now shows where an answer comes from: nobody is told of octets that change under a name.
      let cur = fixture.maildir() + "/cur"
      for name in FileSystem.names(cur) {
        let old = try FileSystem.contents("\(cur)/\(name)", limit: 1 << 20) ?? []
        let text = String(decoding: old, as: UTF8.self).replacing("Subject: Message 1", with: "Subject: Massage 1")
        let descriptor = open("\(cur)/\(name)", O_WRONLY)
        text.withCString { _ = pwrite(descriptor, $0, text.utf8.count, 0) }
        close(descriptor)
      }
      #expect(try await inbox.search(.text("message 149"), among: uids) == [149])
      #expect(try await inbox.search(.text("massage 149"), among: uids) == [])
      // These five never were in the text index: their files decide.
      #expect(try await inbox.search(.text("message 100"), among: uids) == [100])
      #expect(try await inbox.search(.text("massage 1003"), among: uids) == [UInt32(count + 3)])
    }
  }

  @Test("The text of a folder that went while nobody filled goes with the next look")
  func orphans() async throws {
    let fixture = Fixture()
    let archive = try MailboxName("Archive")
    try await fixture.withStore(quick) { store in
      try await store.createFolder(fixture.account(), name: archive)
      let target = try await store.mailbox(fixture.account(), name: archive)
      for number in 0..<4 { _ = try await target.append([NewMessage(content: .bytes(message(number)))]) }
      #expect(try await isFilled(fixture, messages: 4))
    }
    try await fixture.withStore { try await $0.deleteFolder(fixture.account(), name: archive) }
    try await fixture.withStore(quick) { store in
      let inbox = try await store.mailbox(fixture.account(), name: .inbox)
      _ = try await inbox.append([NewMessage(content: .bytes(message(9)))])
      #expect(try await isFilled(fixture, messages: 1))
      let database = try Database(path: path(fixture), busy: .seconds(1))
      #expect(try database.integer("SELECT count(*) FROM document") == 1)
    }
  }

  @Test("A broken text index is removed and searches go on", arguments: ["noise", "version", "cut"])
  func broken(kind: String) async throws {
    let fixture = Fixture()
    try await fixture.withStore(quick) { store in
      let inbox = try await store.mailbox(fixture.account(), name: .inbox)
      for number in 0..<50 { _ = try await inbox.append([NewMessage(content: .bytes(message(number)))]) }
      #expect(try await isFilled(fixture, messages: 50))
    }
    switch kind {
    case "noise": try put(path(fixture), (0..<30_000).map { _ in UInt8.random(in: 0...255) })
    case "version": try Database(path: path(fixture), busy: .seconds(1)).execute("PRAGMA user_version=99")
    default: truncate(path(fixture), 20_000)
    }
    try await fixture.withStore(quick) { store in
      let inbox = try await store.mailbox(fixture.account(), name: .inbox)
      let uids = try await inbox.snapshot().messages.map(\.uid)
      #expect(try await inbox.search(.text("message 49"), among: uids) == [50])
      _ = try await inbox.append([NewMessage(content: .bytes(message(50)))])
      #expect(
        try await eventually {
          try await inbox.search(.text("message 5"), among: uids + [51]) == [6, 51] && FileSystem.exists(path(fixture))
        })
    }
  }

  @Test("Connections that nobody used lately are closed, and opened again for the next search and the next message")
  func rest() async throws {
    let fixture = Fixture()
    try await fixture.withStore {
      $0.fillDelay = .milliseconds(5)
      $0.pollInterval = .milliseconds(20)
      $0.restIntervals = 2
    } _: { store in
      let inbox = try await store.mailbox(fixture.account(), name: .inbox)
      let text = try store.registry.account(fixture.account().directory).text
      for number in 1...3 {
        _ = try await inbox.append([NewMessage(content: .bytes(message(number)))])
        #expect(try await isFilled(fixture, messages: number))
        #expect(try await eventually { !text.mayRest })
        let uids = try await inbox.snapshot().messages.map(\.uid)
        #expect(try await inbox.search(.text("message \(number)"), among: uids) == [UInt32(number)])
        #expect(try await eventually { !text.mayRest })
      }
    }
  }

  @Test("The text index can be switched off, and keeps to its size")
  func bounds() async throws {
    let fixture = Fixture()
    try await fixture.withStore {
      $0.fillDelay = .milliseconds(5)
      $0.textIndex = false
    } _: { store in
      let inbox = try await store.mailbox(fixture.account(), name: .inbox)
      _ = try await inbox.append([NewMessage(content: .bytes(message(1)))])
      #expect(try await eventually { try await store.registry.account(fixture.account().directory).isFilled() })
      #expect(try await inbox.search(.text("hello"), among: [1]) == [1])
      #expect(!FileSystem.exists(path(fixture)))
    }
    let small = Fixture()
    try await small.withStore {
      $0.fillDelay = .milliseconds(5)
      $0.textIndexBytes = 400_000
    } _: { store in
      let inbox = try await store.mailbox(small.account(), name: .inbox)
      for number in 0..<60 {
        let body = String(repeating: "word\(number) ", count: 3000)
        _ = try await inbox.append([NewMessage(content: .bytes(message(number, body: body)))])
      }
      #expect(try await eventually { try await store.registry.account(small.account().directory).isFilled() })
      let uids = try await inbox.snapshot().messages.map(\.uid)
      #expect(try await inbox.search(.text("word59"), among: uids) == [60])
      #expect((FileSystem.facts(path(small))?.size ?? 0) < 4_000_000)
    }
  }

  @Test("Entries are filled in behind APPEND and delivery, so that FETCH, SORT and THREAD open no file")
  func filled() async throws {
    let fixture = Fixture()
    try await fixture.withStore(quick) { store in
      let inbox = try await store.mailbox(fixture.account(), name: .inbox)
      _ = try await inbox.append([NewMessage(content: .bytes(message(1)))])
      _ = try await store.deliver(.bytes(message(2)), to: fixture.account())
      #expect(try await inbox.snapshot().messages.count == 2)
      #expect(try await eventually { try await store.registry.account(fixture.account().directory).isFilled() })
      for part in ["new", "cur"] {
        for name in FileSystem.names("\(fixture.maildir())/\(part)") {
          let descriptor = open("\(fixture.maildir())/\(part)/\(name)", O_WRONLY | O_TRUNC)
          close(descriptor)
        }
      }
      #expect(try await inbox.keys([1, 2]).map(\.baseSubject) == ["MESSAGE 1", "MESSAGE 2"])
      #expect(try await inbox.details([1, 2]).map(\.preview) == ["Hello.", "Hello."])
      #expect(String(decoding: try await inbox.fetchIndex([2])[0].envelope, as: UTF8.self).contains("Message 2"))
    }
  }
}

extension AccountStore {
  /// Whether every loaded folder is filled in.
  func isFilled() -> Bool {
    !views.isEmpty && views.values.allSatisfy { !$0.needsFill(text: text.isOn) && $0.filled + 1 == $0.uidNext }
  }
}
