import Basics
import Glibc
import Testing

@testable import MailStore

@Suite struct DetailsTests {
  private static let reply = Array(
    """
    From: Bob <bob@example.test>\r
    Subject: Re: Message 1\r
    Message-ID: <r1@example.test>\r
    In-Reply-To: <1@example.test>\r
    References: <1@example.test>\r
    Content-Type: text/html; charset=utf-8\r
    \r
    <html><style>p {color: red}</style><p>Gr&uuml;n   &amp; <b>gut</b></p></html>\r

    """.utf8)

  @Test("EMAILID and THREADID follow a message through COPY and MOVE and outlive the index (RFC 8474)")
  func identifiers() async throws {
    let fixture = Fixture()
    var before: [MessageDetails] = []
    try await fixture.withStore { store in
      let inbox = try await store.mailbox(fixture.account(), name: .inbox)
      _ = try await inbox.append([
        NewMessage(content: .bytes(message(1))), NewMessage(content: .bytes(Self.reply)),
        NewMessage(content: .bytes(message(1)), internalDate: Timestamp(seconds: 1_000_000)),
      ])
      before = try await inbox.details([1, 2, 3])
      #expect(before.map(\.uid) == [1, 2, 3])
      #expect(before[0].threadID == before[1].threadID)
      #expect(before[0].emailID != before[1].emailID)
      // What differs in INTERNALDATE cannot share an EMAILID (RFC 8474 section 5.1).
      #expect(before[0].emailID != before[2].emailID)
      let archive = try MailboxName("Archive/2026")
      try await store.createFolder(fixture.account(), name: archive)
      let target = try await store.mailbox(fixture.account(), name: archive)
      _ = try await inbox.copy([1], to: target)
      _ = try await inbox.move([2], to: target)
      #expect(try await target.details([1, 2]).map(\.emailID) == before.prefix(2).map(\.emailID))
    }
    for suffix in ["", "-wal", "-shm"] { unlink(fixture.account().directory + "/index.db" + suffix) }
    try await fixture.withStore { store in
      let target = try await store.mailbox(fixture.account(), name: try MailboxName("Archive/2026"))
      let after = try await target.details(target.snapshot().messages.map(\.uid))
      #expect(Set(after.map(\.emailID)) == Set(before.prefix(2).map(\.emailID)))
      #expect(Set(after.map(\.threadID)) == [before[0].threadID])
    }
  }

  @Test("PREVIEW is decoded text, HTML without its tags, at most 200 characters (RFC 8970)")
  func preview() async throws {
    let fixture = Fixture()
    try await fixture.withStore { store in
      let inbox = try await store.mailbox(fixture.account(), name: .inbox)
      _ = try await inbox.append([
        NewMessage(content: .bytes(message(1))), NewMessage(content: .bytes(Self.reply)),
        NewMessage(content: .bytes(message(2, body: String(repeating: "word ", count: 400)))),
        NewMessage(content: .bytes(message(3, body: ""))),
      ])
      let previews = try await inbox.details([1, 2, 3, 4]).map(\.preview)
      #expect(previews[0] == "Hello.")
      #expect(previews[1].hasSuffix("& gut"))
      #expect(previews[2].count <= 200 && previews[2].hasPrefix("word word"))
      #expect(previews[3].isEmpty)
    }
  }

  @Test("SAVEDATE is when a message came into the folder, and own file names tell it without an index (RFC 8514)")
  func saveDate() async throws {
    let time = ManualTime()
    let fixture = Fixture(time: time)
    let archive = try MailboxName("Archive")
    var saved: [Timestamp] = []
    try await fixture.withStore { store in
      let inbox = try await store.mailbox(fixture.account(), name: .inbox)
      _ = try await inbox.append([
        NewMessage(content: .bytes(message(1)), internalDate: Timestamp(seconds: 1_000_000))
      ])
      time.setWallClock(time.now + .seconds(3600))
      try await store.createFolder(fixture.account(), name: archive)
      let target = try await store.mailbox(fixture.account(), name: archive)
      _ = try await inbox.copy([1], to: target)
      for mailbox in [inbox, target] { saved.append(try await mailbox.snapshot().messages[0].saveDate) }
      #expect(saved[1] - saved[0] == .seconds(3600))
    }
    for suffix in ["", "-wal", "-shm"] { unlink(fixture.account().directory + "/index.db" + suffix) }
    time.setWallClock(time.now + .seconds(7200))
    try await fixture.withStore { store in
      let inbox = try await store.mailbox(fixture.account(), name: .inbox)
      let target = try await store.mailbox(fixture.account(), name: archive)
      for (number, mailbox) in [inbox, target].enumerated() {
        let record = try await mailbox.measuredSnapshot().messages[0]
        #expect(record.saveDate.seconds == saved[number].seconds)
        #expect(record.internalDate == Timestamp(seconds: 1_000_000))
      }
    }
  }

  @Test("An index of version 1 is brought to this one and keeps UIDs, UIDVALIDITY and MAILBOXID")
  func migration() async throws {
    let fixture = Fixture()
    let path = fixture.account().directory + "/index.db"
    var before: MailboxSnapshot?
    try await fixture.withStore { store in
      for number in 0..<70 { _ = try await store.deliver(.bytes(message(number)), to: fixture.account()) }
      let inbox = try await store.mailbox(fixture.account(), name: .inbox)
      _ = try await inbox.fetchIndex(Array(1...70))
      _ = try await inbox.remove([5])
      before = try await inbox.snapshot()
    }
    do {
      // What a file of version 1 had: the same tables without what later steps added.
      let database = try Database(path: path, busy: .seconds(1))
      let old = try Database(path: path + ".old", busy: .seconds(1))
      try old.execute(Index.migrations[0])
      try old.execute("PRAGMA user_version=1")
      try database.execute("ATTACH '\(path).old' AS old")
      let columns = """
        id, name, uid_validity, uid_next, mod_seq, recent_from, expunged_floor, keywords, object_id, new_stamp,
        cur_stamp, messages, unseen, deleted, wire_bytes, file_bytes, recent
        """
      try database.execute("INSERT INTO old.folder(\(columns)) SELECT \(columns) FROM main.folder")
      for table in ["page", "expunged", "message_index"] {
        try database.execute("INSERT INTO old.\(table) SELECT * FROM main.\(table)")
      }
      try database.execute("INSERT INTO old.message_uidl(id, uidl) SELECT id, uidl FROM main.message_uidl")
      try database.execute("INSERT INTO old.message_keys(id, keys) SELECT id, keys FROM main.message_keys")
    }
    for suffix in ["-wal", "-shm"] { unlink(path + suffix) }
    try FileSystem.move(path + ".old", to: path)
    try await fixture.withStore { store in
      let inbox = try await store.mailbox(fixture.account(), name: .inbox)
      let after = try await inbox.snapshot()
      #expect(after.uidValidity == before?.uidValidity)
      #expect(after.objectID == before?.objectID)
      #expect(after.messages.map(\.uid) == before?.messages.map(\.uid))
      #expect(try await inbox.details([1, 70]).map(\.preview) == ["Hello.", "Hello."])
      #expect(!FileSystem.exists(path + ".broken"))
    }
    let database = try Database(path: path, busy: .seconds(1))
    #expect(try database.integer("PRAGMA user_version") == Int64(Index.migrations.count))
    #expect(try database.integer("SELECT value FROM meta WHERE key = 'identity'") != nil)
  }
}
