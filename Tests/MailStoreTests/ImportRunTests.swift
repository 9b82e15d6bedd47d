import Basics
import Glibc
import Synchronization
import Testing

@testable import MailStore

/// Imports that come more than once, are interrupted, or meet others.
@Suite struct ImportRunTests {
  private func source(_ count: Int) throws -> ImportSource {
    let source = try ImportSource()
    for number in 1...count { try source.put("\(1000 + number).a:2,", message(number)) }
    try list(source, 1...count)
    return source
  }

  private func list(_ source: ImportSource, _ numbers: ClosedRange<Int>) throws {
    let lines = numbers.map { "\($0 * 2) :\(1000 + $0).a" }
    try source.write("dovecot-uidlist", "3 V4242 N\(numbers.upperBound * 2 + 1)\n" + lines.joined(separator: "\n"))
  }

  private func inbox(_ store: MailStore, _ fixture: Fixture) async throws -> MailboxSnapshot {
    try await store.mailbox(fixture.account(), name: .inbox).snapshot()
  }

  @Test("A later run takes what came since and the flags that changed; what was expunged here does not come back")
  func delta() async throws {
    let (fixture, source) = (Fixture(), try source(5))
    try await fixture.withStore { store in
      _ = try await store.importMail(fixture.account(), source.options())
      let mailbox = try await store.mailbox(fixture.account(), name: .inbox)
      _ = try await mailbox.store(FlagChange(.add, flags: .answered), uids: [4])
      _ = try await mailbox.remove([6])
      // At the source: one read, one gone, one new.
      rename(source.root + "/cur/1002.a:2,", source.root + "/cur/1002.a:2,S")
      unlink(source.root + "/cur/1005.a:2,")
      try source.put("1006.a:2,", message(6))
      try list(source, 1...6)
      let outcome = try await store.importMail(fixture.account(), source.options())
      let folder = outcome.folders[0]
      #expect(
        folder.added == 1 && folder.known == 4 && folder.reflagged == 1 && folder.gone == 1 && folder.expunged == 0)
      #expect(folder.uids == .kept && folder.keptUIDs == 1)
      let snapshot = try await mailbox.snapshot()
      #expect(snapshot.messages.map(\.uid) == [2, 4, 8, 10, 12])
      #expect(snapshot.messages[1].flags == [.seen, .answered])
      let last = try await store.importMail(fixture.account(), source.options { $0.expungesGone = true })
      #expect(last.folders[0].expunged == 1 && last.folders[0].reflagged == 0)
      #expect(try await mailbox.snapshot().messages.map(\.uid) == [2, 4, 8, 12])
      #expect(try await store.recount(fixture.account()) == (try await store.quotaUse(fixture.account())))
    }
  }

  @Test("Interrupted between batches and run again: every message once, every UID the source's")
  func interrupted() async throws {
    let (fixture, source) = (Fixture(), try source(20))
    try await fixture.withStore({ $0.importBatch = 3 }) { store in
      for round in 1...20 {
        let batches = Atomic<Int>(0)
        var options = source.options()
        options.mustStop = { batches.wrappingAdd(1, ordering: .relaxed).newValue > 2 }
        do {
          let outcome = try await store.importMail(fixture.account(), options)
          #expect(round == 4 && outcome.folders[0].known == 18 && outcome.folders[0].uids == .kept)
          break
        } catch let error as StoreError {
          #expect(error.code == .temporary && round < 4)
          #expect(try await inbox(store, fixture).messages.count == round * 6)
          #expect(FileSystem.names(fixture.maildir() + "/tmp") == [])
        }
      }
      #expect(try await inbox(store, fixture).messages.map(\.uid) == (1...20).map { UInt32($0 * 2) })
      #expect(FileSystem.names(fixture.maildir() + "/tmp") == [])
    }
  }

  @Test("A kill between the names and the commit: files that no index knows get their UIDs by the next run")
  func killed() async throws {
    let (fixture, source) = (Fixture(), try source(6))
    try await fixture.withStore { store in
      try await store.create(fixture.account())
      for number in [2, 5] { try put("\(fixture.maildir())/cur/\(1000 + number).a:2,", message(number)) }
      let outcome = try await store.importMail(fixture.account(), source.options())
      #expect(outcome.folders[0].keptUIDs == 6 && outcome.folders[0].uids == .kept)
      #expect(try await inbox(store, fixture).messages.map(\.uid) == [2, 4, 6, 8, 10, 12])
      #expect(try await store.recount(fixture.account()).messages == 6)
    }
  }

  @Test("A Maildir that was put in place is taken over where it lies, --move included")
  func inPlace() async throws {
    let (fixture, source) = (Fixture(), try source(4))
    try FileSystem.makePath(fixture.account().directory)
    try FileSystem.move(source.root, to: fixture.maildir())
    try await fixture.withStore { store in
      var options = MailImportOptions(directory: fixture.maildir())
      options.transfer = .move
      let outcome = try await store.importMail(fixture.account(), options)
      #expect(outcome.folders[0].keptUIDs == 4)
      #expect(try await inbox(store, fixture).messages.map(\.uid) == [2, 4, 6, 8])
      #expect(try await inbox(store, fixture).uidValidity == 4242)
      #expect(try await store.importMail(fixture.account(), options).messages == 0)
    }
  }

  @Test("Links are second names of the same files; a move leaves none at the source; a copy keeps the date")
  func transfers() async throws {
    for transfer in MailImportOptions.Transfer.allCases {
      let (fixture, source) = (Fixture(), try source(3))
      let inode = FileSystem.facts(source.root + "/cur/1001.a:2,")?.inode
      try await fixture.withStore { store in
        let outcome = try await store.importMail(fixture.account(), source.options { $0.transfer = transfer })
        #expect(outcome.messages == 3)
        let file = FileSystem.facts(fixture.maildir() + "/cur/1001.a:2,")
        #expect((file?.inode == inode) == (transfer != .copy))
        #expect(file?.seconds == 1_000_000)
        #expect(FileSystem.names(source.root + "/cur").count == (transfer == .move ? 0 : 3))
      }
    }
  }

  @Test("A folder that gave UIDs keeps its UIDVALIDITY; nothing is given twice")
  func ownUIDs() async throws {
    let (fixture, source) = (Fixture(), try source(3))
    try await fixture.withStore { store in
      _ = try await store.deliver(.bytes(message(9)), to: fixture.account())
      let before = try await inbox(store, fixture)
      let mailbox = try await store.mailbox(fixture.account(), name: .inbox)
      let outcome = try await store.importMail(fixture.account(), source.options())
      #expect(outcome.folders[0].uids == .own && outcome.folders[0].keptUIDs == 0)
      // The session that has it open goes on.
      let after = try await mailbox.snapshot()
      #expect(after.uidValidity == before.uidValidity && after.messages.count == 4)
      #expect(Set(after.messages.map(\.uid)).count == 4)
      #expect(try #require(after.messages.dropFirst().first).uid > before.messages[0].uid)
      #expect(try await mailbox.popListing()[1].uidl == "0000000200001092")
    }
  }

  @Test("A UIDVALIDITY that was taken over is not taken again by a later folder of that name")
  func spent() async throws {
    let (fixture, source) = (Fixture(), try source(1))
    let name = try MailboxName("Old")
    try source.put("2001.a:2,", message(1), in: ".Old")
    try source.write(".Old/dovecot-uidlist", "3 V99 N6", "5 :2001.a")
    try await fixture.withStore { store in
      _ = try await store.importMail(fixture.account(), source.options())
      #expect(try await store.status(fixture.account(), name: name).uidValidity == 99)
      try await store.deleteFolder(fixture.account(), name: name)
      try source.put("2002.a:2,", message(2), in: ".Old")
      let folder = try #require(
        try await store.importMail(fixture.account(), source.options()).folders.first { $0.name == name })
      #expect(folder.uids == .spent && folder.added == 1 && folder.known == 1)
      #expect(folder.uidValidity > 1_000_000_000)
    }
  }

  @Test("A session on the folder that becomes the source's is told that it is gone; one in a later run sees what comes")
  func openSessions() async throws {
    let (fixture, source) = (Fixture(), try source(3))
    try await fixture.withStore { store in
      try await store.create(fixture.account())
      let empty = try await store.mailbox(fixture.account(), name: .inbox)
      _ = try await empty.snapshot()
      _ = try await store.importMail(fixture.account(), source.options())
      await #expect(throws: StoreError.self) { _ = try await empty.snapshot() }
      let open = try await store.mailbox(fixture.account(), name: .inbox)
      #expect(try await open.snapshot().messages.count == 3)
      let wakes = Atomic<Int>(0)
      let token = try await open.addListener { wakes.wrappingAdd(1, ordering: .relaxed) }
      defer { token.cancel() }
      try source.put("1004.a:2,", message(4))
      try list(source, 1...4)
      _ = try await store.importMail(fixture.account(), source.options())
      #expect(try await eventually { wakes.load(ordering: .relaxed) > 0 })
      #expect(try await open.snapshot().messages.map(\.uid) == [2, 4, 6, 8])
      #expect(try await open.snapshot().uidNext == 9)
    }
  }

  @Test("The quota is asked before anything is taken; what lies here already does not count twice")
  func quota() async throws {
    let (fixture, source) = (Fixture(), try source(10))
    let octets = (1...10).reduce(0) { $0 + message($1).count }
    try await fixture.withStore { store in
      let small = fixture.account(quota: QuotaLimit(bytes: Int64(octets - 1)))
      let refusal = await #expect(throws: StoreError.self) {
        _ = try await store.importMail(small, source.options())
      }
      #expect(refusal?.code == .overQuota)
      #expect(try await store.quotaUse(small).messages == 0)
      #expect(try await store.importMail(small, source.options { $0.isDryRun = true }).fitsQuota == false)
      let exact = fixture.account(quota: QuotaLimit(bytes: Int64(octets)))
      #expect(try await store.importMail(exact, source.options()).messages == 10)
      #expect(try await store.importMail(exact, source.options()).messages == 0)
      try source.put("1011.a:2,", message(11))
      let forced = try await store.importMail(exact, source.options { $0.ignoresQuota = true })
      #expect(forced.messages == 1 && !forced.fitsQuota)
    }
  }

  @Test("Two imports of one account do not run at once; a source that is none says what is missing")
  func refusals() async throws {
    let (fixture, source) = (Fixture(), try source(1))
    try await fixture.withStore { store in
      try await store.create(fixture.account())
      let lock = open(fixture.account().directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
      #expect(flock(lock, LOCK_EX | LOCK_NB) == 0)
      let busy = await #expect(throws: StoreError.self) {
        _ = try await store.importMail(fixture.account(), source.options())
      }
      #expect(busy?.code == .temporary)
      close(lock)
      for (path, code) in [("/nonexistent", StoreError.Code.noSuchFolder), (source.root + "/cur", .notAllowed)] {
        let refusal = await #expect(throws: StoreError.self) {
          _ = try await store.importMail(fixture.account(), MailImportOptions(directory: path))
        }
        #expect(refusal?.code == code)
      }
    }
  }

  @Test("Not as another user than the server's, who could not read what comes", .enabled(if: geteuid() == 0))
  func otherOwner() async throws {
    let (fixture, source) = (Fixture(), try source(1))
    try await fixture.withStore { store in
      try await store.create(fixture.account())
      chown(fixture.account().directory, 65534, 65534)
      let refusal = await #expect(throws: StoreError.self) {
        _ = try await store.importMail(fixture.account(), source.options())
      }
      #expect(refusal?.code == .notAllowed)
    }
  }

  @Test("Messages of several pages, with gaps: pages, totals and a cold start agree")
  func pages() async throws {
    let (fixture, source) = (Fixture(), try source(300))
    try await fixture.withStore({ $0.importBatch = 77 }) { store in
      _ = try await store.importMail(fixture.account(), source.options { $0.transfer = .link })
    }
    try await fixture.withStore { store in
      let status = try await store.status(fixture.account(), name: .inbox)
      #expect(status.messages == 300 && status.unseen == 300 && status.uidNext == 601)
      let snapshot = try await inbox(store, fixture)
      #expect(snapshot.messages.map(\.uid) == (1...300).map { UInt32($0 * 2) })
      #expect(snapshot.messages.map(\.size) == (1...300).map { message($0).count })
    }
  }

  @Test("Exported and imported again: the same UIDs, flags, keywords, dates, unique ids, order and subscriptions")
  func roundTrip() async throws {
    let (fixture, source) = (Fixture(), try source(3))
    try source.put("1004.b:2,RSa", message(4), date: 77_777)
    try source.write("dovecot-keywords", "0 $Work")
    try source.write(
      "dovecot-uidlist", "3 V4242 N90", "5 Pone O3 :1001.a", "9 O2 :1002.a", "70 :1003.a", "80 :1004.b")
    try source.put("3001.c:2,F", message(5), in: ".Entw&APw-rfe")
    try await fixture.withStore { store in
      _ = try await store.importMail(fixture.account(), source.options())
      _ = try await store.deliver(.bytes(message(6)), to: fixture.account())
      let before = try await inbox(store, fixture)
      let list = try await store.mailbox(fixture.account(), name: .inbox).popListing()
      let target = fixture.root + "/export"
      for links in [false, true] {
        _ = try await store.deliver(.bytes(message(7)), to: fixture.account(), folder: MailboxName("Later"))
        let outcome = try await store.exportMail(fixture.account(), to: "\(target)-\(links)", links: links)
        #expect(outcome.warnings.isEmpty)
        #expect(outcome.folders.first { $0.name.isInbox }?.listed == 5)
        #expect(outcome.folders.first { $0.name.path == "Later" }?.listed == 0)
        let other = fixture.account("bob-\(links)")
        _ = try await store.importMail(other, MailImportOptions(directory: "\(target)-\(links)"))
        let mailbox = try await store.mailbox(other, name: .inbox)
        let after = try await mailbox.snapshot()
        // Above it lie UIDs that are reserved for the folder that is open.
        #expect(after.uidValidity == 4242 && after.uidNext >= before.uidNext)
        #expect(after.messages.map(\.uid) == before.messages.map(\.uid))
        #expect(after.messages.map(\.flags) == before.messages.map(\.flags))
        #expect(after.messages.map(\.size) == before.messages.map(\.size))
        #expect(after.messages.prefix(4).map(\.internalDate) == before.messages.prefix(4).map(\.internalDate))
        #expect(after.messages.map { after.keywordNames($0) } == before.messages.map { before.keywordNames($0) })
        #expect(try await mailbox.popListing() == list)
        let names = try await store.folders(other).filter(\.isSubscribed).map(\.name.path)
        #expect(names == (try await store.folders(fixture.account()).filter(\.isSubscribed).map(\.name.path)))
        #expect(try await store.status(other, name: MailboxName("Later")).messages == (links ? 2 : 1))
      }
      let refusal = await #expect(throws: StoreError.self) {
        _ = try await store.exportMail(fixture.account(), to: "\(target)-true", links: true)
      }
      #expect(refusal?.code == .folderExists)
    }
  }
}
