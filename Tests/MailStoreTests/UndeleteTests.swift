import Basics
import Glibc
import Testing

@testable import MailStore

@Suite struct UndeleteTests {
  private func keeping(_ settings: inout MailStoreSettings) { settings.undelete = .seconds(3600) }

  @Test("Expunged mail comes back with flags, keywords and date, under new UIDs, and not marked \\Deleted")
  func comesBack() async throws {
    let fixture = Fixture()
    try await fixture.withStore(keeping) { store in
      let inbox = try await store.mailbox(fixture.account(), name: .inbox)
      let date = Timestamp(seconds: 1_000_000)
      _ = try await inbox.append([
        NewMessage(content: .bytes(message(1)), flags: [.seen, .flagged], keywords: ["$Work"], internalDate: date),
        NewMessage(content: .bytes(message(2))),
      ])
      let use = try await store.quotaUse(fixture.account())
      let emailID = try await inbox.details([1])[0].emailID
      _ = try await inbox.store(FlagChange(.add, flags: .deleted), uids: [1])
      #expect(try await inbox.expunge() == [1])
      let plan = try await store.undelete(fixture.account(), dryRun: true)
      #expect(plan.folders.map(\.messages) == [1])
      #expect(try await inbox.snapshot().messages.map(\.uid) == [2])
      #expect(try await store.undelete(fixture.account()).messages == 1)
      let snapshot = try await inbox.measuredSnapshot()
      #expect(snapshot.messages.map(\.uid) == [2, 3])
      let back = try #require(snapshot.messages.last)
      #expect(back.flags == [.seen, .flagged])
      #expect(snapshot.keywordNames(back) == ["$Work"])
      #expect(back.internalDate == date)
      #expect(try await inbox.details([3])[0].emailID == emailID)
      #expect(try await store.quotaUse(fixture.account()) == use)
      #expect(try await store.recount(fixture.account()) == use)
      #expect(try await store.undelete(fixture.account()).messages == 0)
    }
  }

  @Test("A rebuilt index still knows the keywords of expunged mail")
  func keywordsOutliveRebuild() async throws {
    let fixture = Fixture()
    try await fixture.withStore(keeping) { store in
      let inbox = try await store.mailbox(fixture.account(), name: .inbox)
      _ = try await inbox.append([NewMessage(content: .bytes(message(1)), flags: .seen, keywords: ["$Work", "blue"])])
      _ = try await inbox.remove([1])
      _ = try await store.rebuild(fixture.account())
      #expect(try await store.undelete(fixture.account()).messages == 1)
      let snapshot = try await store.mailbox(fixture.account(), name: .inbox).snapshot()
      let back = try #require(snapshot.messages.last)
      #expect(Set(snapshot.keywordNames(back)) == ["$Work", "blue"])
      #expect(back.flags == .seen && back.uid > 1)
    }
  }

  @Test("A deleted folder comes back with its mail, POP3's deletions too; folder and time narrow it")
  func folders() async throws {
    let time = ManualTime()
    let fixture = Fixture(time: time)
    let projects = try MailboxName("Projects/Entwürfe")
    try await fixture.withStore(keeping) { store in
      try await store.createFolder(fixture.account(), name: projects)
      for number in 0..<3 {
        _ = try await store.deliver(.bytes(message(number)), to: fixture.account(), folder: projects)
        _ = try await store.deliver(.bytes(message(number)), to: fixture.account())
      }
      let inbox = try await store.mailbox(fixture.account(), name: .inbox)
      _ = try await inbox.remove([1])
      time.setWallClock(time.now + .seconds(600))
      let moment = time.now
      _ = try await inbox.remove([2])
      try await store.deleteFolder(fixture.account(), name: projects)
      #expect(try await store.undelete(fixture.account(), dryRun: true).messages == 5)
      #expect(try await store.undelete(fixture.account(), folder: .inbox, since: moment).messages == 1)
      #expect(try await inbox.snapshot().messages.count == 2)
      #expect(try await store.undelete(fixture.account(), folder: projects).messages == 3)
      #expect(try await store.status(fixture.account(), name: projects).messages == 3)
      #expect(try await store.undelete(fixture.account(), dryRun: true).folders.map(\.name) == [.inbox])
    }
  }

  @Test("Undelete obeys the quota: all or none")
  func quota() async throws {
    let fixture = Fixture()
    let small = fixture.account(quota: QuotaLimit(messages: 3))
    try await fixture.withStore {
      $0.undelete = .seconds(3600)
      $0.quotaWarningPercent = 0
    } _: { store in
      for number in 0..<3 { _ = try await store.deliver(.bytes(message(number)), to: small) }
      let inbox = try await store.mailbox(small, name: .inbox)
      _ = try await inbox.remove([1, 2])
      for number in 3..<5 { _ = try await store.deliver(.bytes(message(number)), to: small) }
      #expect(try await store.undelete(small, dryRun: true).fitsQuota == false)
      await #expect(throws: StoreError.self) { _ = try await store.undelete(small) }
      #expect(try await inbox.snapshot().messages.count == 3)
      _ = try await inbox.remove([3, 4])
      // Four are kept now, and one is in the mailbox: still too many.
      await #expect(throws: StoreError.self) { _ = try await store.undelete(small) }
      #expect(try await store.undelete(fixture.account()).messages == 4)
    }
  }

  @Test("An undelete that fails on the way leaves all as it was, the sum of the quota too")
  func failure() async throws {
    let fixture = Fixture()
    let limit = QuotaLimit(messages: 10)
    let account = fixture.account(quota: limit)
    try await fixture.withStore(keeping) { store in
      let work = try MailboxName("Work")
      try await store.createFolder(account, name: work)
      for number in 0..<3 { _ = try await store.deliver(.bytes(message(number)), to: account) }
      for number in 0..<3 { _ = try await store.deliver(.bytes(message(number)), to: account, folder: work) }
      let inbox = try await store.mailbox(account, name: .inbox)
      _ = try await inbox.store(FlagChange(.add, keywords: ["kept"]), uids: [1])
      _ = try await inbox.remove([1, 2])
      _ = try await store.mailbox(account, name: work).remove([1, 2, 3])
      let use = try await store.quotaUse(account)
      #expect(use.messages == 1)
      // Nothing can be moved into a folder whose `cur` is a file.
      let cur = account.directory + "/Maildir/.Work/cur"
      #expect(rmdir(cur) == 0 && close(open(cur, O_WRONLY | O_CREAT, 0o600)) == 0)
      await #expect(throws: StoreError.self) { _ = try await store.undelete(account) }
      #expect(try await store.quotaUse(account) == use)
      #expect(try await inbox.snapshot().messages.map(\.uid) == [3])
      #expect(try await store.undelete(account, dryRun: true).messages == 5)
      #expect(unlink(cur) == 0 && mkdir(cur, 0o700) == 0)
      #expect(try await store.undelete(account).messages == 5)
      #expect(try await store.quotaUse(account).messages == 6)
      #expect(try await store.recount(account) == store.quotaUse(account))
      let snapshot = try await inbox.snapshot()
      #expect(snapshot.messages.count == 3 && snapshot.messages.count { $0.keywords != 0 } == 1)
    }
  }

  @Test("Where an undelete was killed, the next sweep or undelete counts the mail")
  func interruption() async throws {
    let fixture = Fixture()
    let account = fixture.account(quota: QuotaLimit(messages: 10))
    try await fixture.withStore(keeping) { store in
      for number in 0..<3 { _ = try await store.deliver(.bytes(message(number)), to: account) }
      let inbox = try await store.mailbox(account, name: .inbox)
      _ = try await inbox.remove([1, 2])
      for isSweep in [true, false] {
        // What a kill leaves: the mark, and a sum of which nobody knows how much of it came true.
        for (path, text) in [("expunged/restoring", "x"), ("Maildir/maildirsize", "700 7\n")] {
          let file = try #require(fopen("\(account.directory)/\(path)", "a"))
          #expect(fputs(text, file) >= 0 && fclose(file) == 0)
        }
        #expect(try await store.quotaUse(account).messages == 8)
        if isSweep { try await store.sweep(accounts: [account]) } else { _ = try await store.undelete(account) }
        #expect(try await store.quotaUse(account).messages == (isSweep ? 1 : 3))
        #expect(access(account.directory + "/expunged/restoring", F_OK) != 0)
      }
    }
  }

  @Test("Kept mail goes when its time is over, the oldest first when it is too much, all when it is switched off")
  func expires() async throws {
    let time = ManualTime()
    let fixture = Fixture(time: time)
    try await fixture.withStore(keeping) { store in
      for number in 0..<4 { _ = try await store.deliver(.bytes(message(number)), to: fixture.account()) }
      let inbox = try await store.mailbox(fixture.account(), name: .inbox)
      _ = try await inbox.remove([1])
      time.setWallClock(time.now + .seconds(3000))
      _ = try await inbox.remove([2])
      time.setWallClock(time.now + .seconds(700))
      try await store.sweep(accounts: [fixture.account()])
      #expect(try await store.undelete(fixture.account(), dryRun: true).messages == 1)
    }
    try await fixture.withStore { store in
      try await store.sweep(accounts: [fixture.account()])
      #expect(try await store.undelete(fixture.account(), dryRun: true).messages == 0)
      let inbox = try await store.mailbox(fixture.account(), name: .inbox)
      _ = try await inbox.remove([3])
      #expect(try await store.undelete(fixture.account(), dryRun: true).messages == 0)
    }
    let size = message(1).count
    try await fixture.withStore {
      $0.undelete = .seconds(3600)
      $0.undeleteBytes = Int64(size * 20)
    } _: { store in
      for number in 0..<40 { _ = try await store.deliver(.bytes(message(number)), to: fixture.account()) }
      let inbox = try await store.mailbox(fixture.account(), name: .inbox)
      for uid in try await inbox.snapshot().messages.map(\.uid) { _ = try await inbox.remove([uid]) }
      let kept = try await store.undelete(fixture.account(), dryRun: true)
      #expect((10...20).contains(kept.messages))
    }
  }

  @Test("Another process brings mail back beside a session, which sees it")
  func besideServer() async throws {
    let fixture = Fixture()
    let server = try fixture.store(keeping)
    let tool = try fixture.store(keeping)
    for number in 0..<5 { _ = try await server.deliver(.bytes(message(number)), to: fixture.account()) }
    let inbox = try await server.mailbox(fixture.account(), name: .inbox)
    _ = try await inbox.store(FlagChange(.add, keywords: ["$Work"]), uids: [1, 2])
    _ = try await inbox.remove([1, 2, 3])
    #expect(try await tool.undelete(fixture.account()).messages == 3)
    await tool.close()
    #expect(try await eventually { try await inbox.snapshot().messages.count == 5 })
    let snapshot = try await inbox.snapshot()
    #expect(snapshot.messages.prefix(2).map(\.uid) == [4, 5])
    #expect(snapshot.messages.dropFirst(2).allSatisfy { $0.uid > 5 })
    #expect(snapshot.messages.filter { snapshot.keywordNames($0) == ["$Work"] }.count == 2)
    await server.close()
  }
}
