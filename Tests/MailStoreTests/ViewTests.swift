import Basics
import Glibc
import Synchronization
import Testing

@testable import MailStore

@Suite struct ViewTests {
  @Test("Flags live in file names, keywords in the index, and both come back")
  func flags() async throws {
    let fixture = Fixture()
    try await fixture.withStore { store in
      for number in 0..<3 { _ = try await store.deliver(.bytes(message(number)), to: fixture.account()) }
      let mailbox = try await store.mailbox(fixture.account(), name: .inbox)
      let before = try await mailbox.snapshot()
      let result = try await mailbox.store(
        FlagChange(.add, flags: [.seen, .flagged], keywords: ["$Important"]), uids: [2])
      #expect(result.messages.map(\.uid) == [2])
      #expect(result.messages[0].flags == [.seen, .flagged])
      #expect(result.messages[0].modSeq > before.highestModSeq)
      #expect(result.snapshot.keywordNames(result.messages[0]) == ["$Important"])
      #expect(FileSystem.names(fixture.maildir() + "/cur").count == 1)
      #expect(FileSystem.names(fixture.maildir() + "/cur")[0].hasSuffix(":2,FS"))
      let unchanged = try await mailbox.store(FlagChange(.add, flags: [.seen]), uids: [2])
      #expect(unchanged.messages[0].modSeq == result.messages[0].modSeq)
      let late = try await mailbox.store(
        FlagChange(.add, flags: [.deleted]), uids: [1, 2], unchangedSince: before.highestModSeq)
      #expect(late.modified == [2])
      #expect(late.messages.map(\.uid) == [1])
    }
    try await fixture.withStore { store in
      let mailbox = try await store.mailbox(fixture.account(), name: .inbox)
      let snapshot = try await mailbox.snapshot()
      #expect(snapshot.messages.map(\.uid) == [1, 2, 3])
      #expect(snapshot.messages.map(\.flags) == [[.deleted], [.seen, .flagged], []])
      #expect(snapshot.keywordNames(snapshot.messages[1]) == ["$Important"])
      #expect(snapshot.uidNext == 4)
    }
  }

  @Test("The 65th keyword is refused, a keyword nobody has makes room")
  func keywordLimit() async throws {
    let fixture = Fixture()
    try await fixture.withStore { store in
      _ = try await store.deliver(.bytes(message(1)), to: fixture.account())
      let mailbox = try await store.mailbox(fixture.account(), name: .inbox)
      let names = (0..<64).map { "k\($0)" }
      let full = try await mailbox.store(FlagChange(.add, keywords: names), uids: [1])
      #expect(full.snapshot.keywordsLeft == 0)
      await #expect(throws: StoreError.self) {
        _ = try await mailbox.store(FlagChange(.add, keywords: ["more"]), uids: [1])
      }
      _ = try await mailbox.store(FlagChange(.remove, keywords: ["K7"]), uids: [1])
      let more = try await mailbox.store(FlagChange(.add, keywords: ["more"]), uids: [1])
      #expect(more.snapshot.keywordNames(more.messages[0]).contains("more"))
      #expect(!more.snapshot.keywordNames(more.messages[0]).contains("k7"))
    }
  }

  @Test("Other programs' deliveries, renames, moves and deletions are noticed", arguments: [true, false])
  func otherPrograms(watched: Bool) async throws {
    let fixture = Fixture()
    try await fixture.withStore { settings in
      if !watched { settings.watchedDirectories = 0 }
    } _: { store in
      try await store.create(fixture.account())
      let maildir = fixture.maildir()
      let mailbox = try await store.mailbox(fixture.account(), name: .inbox)
      #expect(try await mailbox.snapshot().messages.isEmpty)
      try put(maildir + "/tmp/a", message(1))
      rename(maildir + "/tmp/a", maildir + "/new/1700000001.P1.other")
      try put(maildir + "/tmp/b", message(2))
      rename(maildir + "/tmp/b", maildir + "/cur/1700000000.P1.other:2,S")
      var snapshot = try await mailbox.snapshot()
      #expect(snapshot.messages.count == 2)
      #expect(Set(snapshot.messages.map(\.flags)) == [[], [.seen]])
      let modSeq = snapshot.highestModSeq
      rename(maildir + "/new/1700000001.P1.other", maildir + "/cur/1700000001.P1.other:2,F")
      snapshot = try await mailbox.snapshot()
      #expect(snapshot.messages.count == 2)
      #expect(Set(snapshot.messages.map(\.flags)) == [[.flagged], [.seen]])
      #expect(snapshot.highestModSeq > modSeq)
      let version = snapshot.version
      #expect(try await mailbox.snapshot().version == version)
      rename(maildir + "/cur/1700000001.P1.other:2,F", maildir + "/cur/1700000001.P1.other:2,FPTa")
      snapshot = try await mailbox.snapshot()
      #expect(Set(snapshot.messages.map(\.flags)) == [[.flagged, .deleted], [.seen]])
      unlink(maildir + "/cur/1700000000.P1.other:2,S")
      snapshot = try await mailbox.snapshot()
      #expect(snapshot.messages.map(\.flags) == [[.flagged, .deleted]])
      let uid = snapshot.messages[0].uid
      // Letters this program does not know survive its own renames.
      _ = try await mailbox.store(FlagChange(.replace, flags: [.seen]), uids: [uid])
      #expect(FileSystem.names(maildir + "/cur") == ["1700000001.P1.other:2,PSa"])
      rename(maildir + "/cur/1700000001.P1.other:2,PSa", fixture.root + "/away")
      #expect(try await mailbox.snapshot().messages.isEmpty)
    }
  }

  @Test("A file renamed between two looks is opened and changed under its new name")
  func renamedMeanwhile() async throws {
    let fixture = Fixture()
    try await fixture.withStore {
      $0.watchedDirectories = 0
    } _: { store in
      let delivered = try await store.deliver(.bytes(message(1)), to: fixture.account())
      let mailbox = try await store.mailbox(fixture.account(), name: .inbox)
      _ = try await mailbox.snapshot()
      rename(fixture.maildir() + "/new/" + delivered.fileName, fixture.maildir() + "/cur/\(delivered.fileName):2,S")
      #expect(try await mailbox.open(1).bytes() == message(1))
      rename(
        fixture.maildir() + "/cur/\(delivered.fileName):2,S", fixture.maildir() + "/cur/\(delivered.fileName):2,FS")
      #expect(try await mailbox.contents([1]).map(\.bytes) == [message(1)])
      rename(
        fixture.maildir() + "/cur/\(delivered.fileName):2,FS", fixture.maildir() + "/cur/\(delivered.fileName):2,DS")
      let result = try await mailbox.store(FlagChange(.add, flags: [.answered]), uids: [1])
      #expect(result.messages.map(\.flags) == [[.draft, .seen, .answered]])
      unlink(fixture.maildir() + "/cur/\(delivered.fileName):2,DRS")
      await #expect(throws: StoreError.self) { _ = try await mailbox.open(1) }
    }
  }

  @Test("Listeners hear of deliveries and of other programs well below 0.5 s", arguments: [true, false])
  func listeners(watched: Bool) async throws {
    let fixture = Fixture()
    try await fixture.withStore { settings in
      if !watched { settings.watchedDirectories = 0 }
      settings.pollInterval = .milliseconds(50)
    } _: { store in
      try await store.create(fixture.account())
      let mailbox = try await store.mailbox(fixture.account(), name: .inbox)
      let woken = Atomic<Int>(0)
      let token = try await mailbox.addListener { woken.wrappingAdd(1, ordering: .relaxed) }
      _ = try await store.deliver(.bytes(message(1)), to: fixture.account())
      #expect(try await eventually { woken.load(ordering: .relaxed) > 0 })
      #expect(try await mailbox.snapshot().messages.count == 1)
      let before = woken.load(ordering: .relaxed)
      try put(fixture.maildir() + "/tmp/x", message(2))
      rename(fixture.maildir() + "/tmp/x", fixture.maildir() + "/new/1800000000.P1.other")
      #expect(try await eventually { woken.load(ordering: .relaxed) > before })
      #expect(try await mailbox.snapshot().messages.count == 2)
      token.cancel()
    }
  }

  @Test("A Maildir that was taken away and put back is seen again, deliveries and watch included")
  func replacedMaildir() async throws {
    let fixture = Fixture()
    try await fixture.withStore { store in
      _ = try await store.deliver(.bytes(message(1)), to: fixture.account())
      var mailbox = try await store.mailbox(fixture.account(), name: .inbox)
      #expect(try await mailbox.snapshot().messages.count == 1)
      rename(fixture.maildir(), fixture.root + "/aside")
      mailbox = try await store.mailbox(fixture.account(), name: .inbox)
      #expect(try await mailbox.snapshot().messages.isEmpty)
      _ = try await store.deliver(.bytes(message(2)), to: fixture.account())
      #expect(try await mailbox.snapshot().messages.map(\.uid) == [2])
      try put(fixture.maildir() + "/new/1800000000.P1.other", message(3))
      #expect(try await mailbox.snapshot().messages.map(\.uid) == [2, 3])
    }
  }

  @Test("New messages are recent once and move to cur/")
  func recent() async throws {
    let fixture = Fixture()
    try await fixture.withStore { store in
      for number in 0..<3 { _ = try await store.deliver(.bytes(message(number)), to: fixture.account()) }
      #expect(try await store.status(fixture.account(), name: .inbox).recent == 3)
      let mailbox = try await store.mailbox(fixture.account(), name: .inbox)
      #expect(try await mailbox.claimRecent() == 1..<4)
      #expect(try await mailbox.claimRecent().isEmpty)
      #expect(FileSystem.names(fixture.maildir() + "/new").isEmpty)
      #expect(FileSystem.names(fixture.maildir() + "/cur").allSatisfy { $0.hasSuffix(":2,") })
      #expect(try await mailbox.snapshot().messages.map(\.uid) == [1, 2, 3])
    }
  }

  @Test("STATUS of many folders tells exact sizes and leaves few views; what they take is counted and given back")
  func statusOfMany() async throws {
    let fixture = Fixture()
    let store = try fixture.store()
    let account = fixture.account()
    let octets = Array("Subject: x\n\ntext\n".utf8)
    for number in 0..<200 {
      let name = try MailboxName("many/\(number)")
      try await store.createFolder(account, name: name)
      // By another program: no size in its name, and line ends that count twice.
      if number % 2 == 0 { try put("\(fixture.maildir())/.many.\(number)/cur/17000\(number).x.host:2,S", octets) }
    }
    let known = try store.registry.account(account.directory)
    for _ in 0..<2 {
      for number in 0..<200 {
        let status = try await store.measuredStatus(account, name: MailboxName("many/\(number)"))
        #expect(status.messages == (number % 2 == 0 ? 1 : 0))
        #expect(status.size == (number % 2 == 0 ? Int64(octets.count + 3) : 0))
      }
      #expect(await known.loaded.views <= 129)
    }
    #expect(known.memory.octets > 0)
    #expect(await known.loaded.octets == known.memory.octets)
    await known.dropViews()
    #expect(known.memory.octets == 0 && store.host.viewBytes.load(ordering: .relaxed) == 0)
    await store.close()
  }
}

extension AccountStore {
  /// The views in memory, counted one by one.
  fileprivate var loaded: (views: Int, octets: Int) { (views.count, views.values.reduce(0) { $0 + $1.footprint }) }
}
