import Basics
import Glibc
import Testing

@testable import MailStore

@Suite struct RecoveryTests {
  private func loseIndex(_ fixture: Fixture) {
    for suffix in ["", "-wal", "-shm"] { unlink(fixture.account().directory + "/index.db" + suffix) }
  }

  private func filled(_ store: MailStore, _ fixture: Fixture, _ count: Int) async throws -> MailboxSnapshot {
    for number in 0..<count { _ = try await store.deliver(.bytes(message(number)), to: fixture.account()) }
    let inbox = try await store.mailbox(fixture.account(), name: .inbox)
    _ = try await inbox.store(FlagChange(.add, flags: .seen, keywords: ["$Work"]), uids: [3])
    _ = try await inbox.remove([5])
    return try await inbox.snapshot()
  }

  @Test("A rebuild keeps UIDs, UIDVALIDITY, MAILBOXID, keywords and UIDLs, and says so")
  func rebuild() async throws {
    let fixture = Fixture()
    try await fixture.withStore { store in
      let before = try await filled(store, fixture, 130)
      let uidls = try await store.mailbox(fixture.account(), name: .inbox).popListing()
      let folders = try await store.rebuild(fixture.account())
      let inbox = try #require(folders.first { $0.name.isInbox })
      #expect(inbox.messages == 129 && inbox.keptUIDs == 129)
      #expect(inbox.uidValidityBefore == before.uidValidity && inbox.uidValidity == before.uidValidity)
      let mailbox = try await store.mailbox(fixture.account(), name: .inbox)
      let after = try await mailbox.snapshot()
      #expect(after.messages.map(\.uid) == before.messages.map(\.uid))
      #expect(after.messages.map(\.flags) == before.messages.map(\.flags))
      #expect(after.messages.map { after.keywordNames($0) } == before.messages.map { before.keywordNames($0) })
      #expect(after.objectID == before.objectID)
      #expect(after.highestModSeq > before.highestModSeq)
      #expect(try await mailbox.expunged(since: before.highestModSeq - 1).isComplete == false)
      #expect(try await mailbox.popListing() == uidls)
      #expect(try await mailbox.append([NewMessage(content: .bytes(message(9)))]).assigned[0] > 130)
    }
  }

  @Test("A rebuild takes in what changed while no index was open, and gives such messages new UIDs")
  func changedMeanwhile() async throws {
    let fixture = Fixture()
    var before: MailboxSnapshot?
    try await fixture.withStore { before = try await filled($0, fixture, 10) }
    let maildir = fixture.maildir()
    let names = FileSystem.names(maildir + "/new").sorted() + FileSystem.names(maildir + "/cur").sorted()
    let victim = try #require(names.first { FileSystem.exists("\(maildir)/new/\($0)") })
    unlink("\(maildir)/new/\(victim)")
    try put("\(maildir)/cur/1700000000.foreign.host:2,F", message(77))
    try await fixture.withStore { store in
      let inbox = try #require(try await store.rebuild(fixture.account()).first { $0.name.isInbox })
      #expect(inbox.messages == 9 && inbox.keptUIDs == 8)
      let after = try await store.mailbox(fixture.account(), name: .inbox).snapshot()
      let old = Set(before?.messages.map(\.uid) ?? [])
      #expect(after.uidValidity == before?.uidValidity)
      #expect(after.messages.filter { !old.contains($0.uid) }.map(\.flags) == [.flagged])
    }
  }

  @Test("A lost index comes back from its backup with the same UIDs, and gives none twice")
  func backup() async throws {
    let fixture = Fixture()
    var before: MailboxSnapshot?
    var told: Set<UInt32> = []
    try await fixture.withStore { store in
      before = try await filled(store, fixture, 100)
      try await store.sweep(accounts: [fixture.account()])
      #expect(FileSystem.exists(fixture.account().directory + "/index.db.backup"))
      // Given after the backup was made: known to clients, but not to the backup.
      for number in 0..<50 { _ = try await store.deliver(.bytes(message(500 + number)), to: fixture.account()) }
      told = Set(try await store.mailbox(fixture.account(), name: .inbox).snapshot().messages.map(\.uid))
    }
    loseIndex(fixture)
    try await fixture.withStore { store in
      let inbox = try await store.mailbox(fixture.account(), name: .inbox)
      let after = try await inbox.snapshot()
      #expect(after.uidValidity == before?.uidValidity)
      #expect(after.objectID == before?.objectID)
      #expect(after.messages.prefix(99).map(\.uid) == before?.messages.map(\.uid))
      #expect(after.messages.count == 149)
      #expect(after.messages.dropFirst(99).allSatisfy { !told.contains($0.uid) })
      #expect(after.messages.first { $0.uid == 3 }.map { after.keywordNames($0) } == ["$Work"])
    }
  }

  /// An index as an older version wrote it.
  private func writeOldIndex(_ path: String, version: Int, to target: String) throws {
    let new = try Database(path: path, busy: .seconds(1))
    let old = try Database(path: target, busy: .seconds(1))
    for step in Index.migrations.prefix(version) { try old.execute(step) }
    try old.execute("PRAGMA user_version=\(version)")
    try old.execute("ATTACH DATABASE '\(path)' AS new")
    let columns = Index.columns.replacing(", filled", with: "")
    try old.execute("INSERT INTO folder(\(columns)) SELECT \(columns) FROM new.folder")
    for table in ["page", "expunged", "message_index"] {
      try old.execute("INSERT INTO \(table) SELECT * FROM new.\(table)")
    }
    try old.execute("INSERT INTO message_uidl(id, uidl) SELECT id, uidl FROM new.message_uidl")
    _ = new
  }

  @Test(
    "An index of an older version keeps its UIDs: opened, rebuilt on request, or as the backup of one that is lost",
    arguments: 1..<Index.migrations.count, ["opened", "rebuilt", "backup"])
  func olderVersion(version: Int, use: String) async throws {
    let fixture = Fixture()
    var before: MailboxSnapshot?
    try await fixture.withStore { before = try await filled($0, fixture, 70) }
    let path = fixture.account().directory + "/index.db"
    try writeOldIndex(path, version: version, to: path + ".old")
    loseIndex(fixture)
    try FileSystem.move(path + ".old", to: use == "backup" ? path + ".backup" : path)
    try await fixture.withStore { store in
      if use == "rebuilt" {
        let inbox = try #require(try await store.rebuild(fixture.account()).first { $0.name.isInbox })
        #expect(inbox.keptUIDs == 69 && inbox.isKnown && inbox.uidValidityBefore == before?.uidValidity)
      }
      let mailbox = try await store.mailbox(fixture.account(), name: .inbox)
      let after = try await mailbox.snapshot()
      #expect(after.uidValidity == before?.uidValidity)
      #expect(after.messages.map(\.uid) == before?.messages.map(\.uid))
      #expect(after.messages.first { $0.uid == 3 }.map { after.keywordNames($0) } == ["$Work"])
      #expect(try await mailbox.fetchIndex([1, 2, 3]).count == 3)
      #expect(try await mailbox.keys([1, 2, 3]).count == 3)
    }
  }

  @Test(
    "An index that was removed or emptied while its log stayed is made anew, from the backup if there is one",
    arguments: ["removed", "emptied"], [true, false])
  func logLeftBehind(kind: String, hasBackup: Bool) async throws {
    let fixture = Fixture()
    let path = fixture.account().directory + "/index.db"
    let store = try fixture.store()
    let before = try await filled(store, fixture, 20)
    if hasBackup { try await store.backUpIndex(fixture.account()) }
    // Copied while it is open, as a kill leaves it.
    var log: [String: [UInt8]] = [:]
    for suffix in ["-wal", "-shm"] { log[suffix] = try FileSystem.contents(path + suffix, limit: 1 << 26) }
    #expect((log["-wal"]?.count ?? 0) > 0)
    await store.close()
    if kind == "removed" { unlink(path) } else { truncate(path, 0) }
    for (suffix, bytes) in log { try put(path + suffix, bytes) }
    try await fixture.withStore { store in
      let rebuilt = try #require(try await store.rebuild(fixture.account()).first { $0.name.isInbox })
      #expect(rebuilt.messages == 19 && rebuilt.keptUIDs == (hasBackup ? 19 : 0) && rebuilt.isKnown == hasBackup)
      let after = try await store.mailbox(fixture.account(), name: .inbox).snapshot()
      #expect(after.messages.count == 19)
      if hasBackup {
        #expect(after.uidValidity == before.uidValidity)
        #expect(after.messages.map(\.uid) == before.messages.map(\.uid))
      } else {
        #expect(after.uidValidity > before.uidValidity)
      }
    }
  }

  @Test(
    "Without the file of UIDVALIDITYs a rebuild still believes the old index, and the next folder gets a greater one")
  func validityFileLost() async throws {
    let fixture = Fixture()
    var before: MailboxSnapshot?
    try await fixture.withStore { before = try await filled($0, fixture, 10) }
    unlink(fixture.account().directory + "/uidvalidity")
    try await fixture.withStore { store in
      let inbox = try #require(try await store.rebuild(fixture.account()).first { $0.name.isInbox })
      #expect(inbox.keptUIDs == 9 && inbox.uidValidity == before?.uidValidity)
      try await store.createFolder(fixture.account(), name: MailboxName("Later"))
      #expect(try await store.status(fixture.account(), name: MailboxName("Later")).uidValidity > inbox.uidValidity)
    }
  }

  @Test("Files that another program moved and flagged while no index was open keep their UIDs")
  func renamedMeanwhile() async throws {
    let fixture = Fixture()
    var before: MailboxSnapshot?
    try await fixture.withStore { before = try await filled($0, fixture, 10) }
    let maildir = fixture.maildir()
    let name = try #require(FileSystem.names(maildir + "/new").sorted().first)
    try FileSystem.move("\(maildir)/new/\(name)", to: "\(maildir)/cur/\(name):2,FP")
    let path = fixture.account().directory + "/index.db"
    for way in ["opened", "rebuilt"] {
      try await fixture.withStore { store in
        if way == "rebuilt" {
          try put(path, Array(try FileSystem.contents(path, limit: 1 << 26) ?? []))
          let inbox = try #require(try await store.rebuild(fixture.account()).first { $0.name.isInbox })
          #expect(inbox.keptUIDs == 9 && inbox.messages == 9)
        }
        let mailbox = try await store.mailbox(fixture.account(), name: .inbox)
        let after = try await mailbox.snapshot()
        #expect(after.uidValidity == before?.uidValidity)
        #expect(after.messages.map(\.uid) == before?.messages.map(\.uid))
        #expect(after.messages[0].flags == .flagged)
        #expect(try await mailbox.open(1).size > 0)
      }
    }
  }

  @Test("The backup's bound moves before UIDs beyond it are given")
  func backupBound() async throws {
    let fixture = Fixture()
    var highest: UInt32 = 0
    try await fixture.withStore { store in
      _ = try await filled(store, fixture, 3 + 10)
      try await store.sweep(accounts: [fixture.account()])
    }
    do {
      let index = try Index(path: fixture.account().directory + "/index.db", busy: .seconds(1))
      let view = FolderView(row: try #require(try index.folder(.inbox)), path: "")
      try index.reserve(view, count: UInt32(Index.backupSlack * 3))
      highest = view.reservedEnd
    }
    loseIndex(fixture)
    try await fixture.withStore { store in
      let inbox = try await store.mailbox(fixture.account(), name: .inbox)
      #expect(try await inbox.append([NewMessage(content: .bytes(message(1)))]).assigned[0] >= highest)
    }
  }

  @Test("A folder renamed or made again after the backup gets nothing from it")
  func backupOfOldFolder() async throws {
    let fixture = Fixture()
    let work = try MailboxName("Work")
    var validities: [UInt32] = []
    try await fixture.withStore { store in
      try await store.createFolder(fixture.account(), name: work)
      validities.append(try await store.status(fixture.account(), name: work).uidValidity)
      try await store.sweep(accounts: [fixture.account()])
      try await store.deleteFolder(fixture.account(), name: work)
      try await store.createFolder(fixture.account(), name: work)
      validities.append(try await store.status(fixture.account(), name: work).uidValidity)
    }
    loseIndex(fixture)
    try await fixture.withStore { store in
      validities.append(try await store.status(fixture.account(), name: work).uidValidity)
    }
    #expect(validities == validities.sorted() && Set(validities).count == 3)
  }

  @Test("A rebuild by another process ends sessions, and no UID is given twice")
  func besideServer() async throws {
    let fixture = Fixture()
    let server = try fixture.store()
    let tool = try fixture.store()
    var told: [UInt32: String] = [:]
    var validities: Set<UInt32> = []
    for round in 0..<6 {
      let mailbox = try await server.mailbox(fixture.account(), name: .inbox)
      for number in 0..<20 {
        _ = try await server.deliver(.bytes(message(round * 100 + number)), to: fixture.account())
      }
      _ = try await mailbox.append([NewMessage(content: .bytes(message(round)))])
      for entry in try await mailbox.popListing() {
        #expect(told[entry.uid] == nil || told[entry.uid] == entry.uidl)
        told[entry.uid] = entry.uidl
      }
      validities.insert(try await mailbox.snapshot().uidValidity)
      let rebuilt = try await tool.rebuild(fixture.account()).first { $0.name.isInbox }
      #expect(rebuilt?.messages == (round + 1) * 21)
      await #expect(throws: StoreError.self) { _ = try await mailbox.snapshot() }
    }
    #expect(validities.count == 1)
    await tool.close()
    await server.close()
  }
}
