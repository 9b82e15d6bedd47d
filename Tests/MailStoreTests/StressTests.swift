import Basics
import Glibc
import Inspection
import Testing

@testable import MailStore

@Suite struct StressTests {
  @Test(
    "Deliveries, sessions and another Maildir program at once: every view converges on the files",
    arguments: [true, false])
  func converges(watched: Bool) async throws {
    let fixture = Fixture()
    try await fixture.withStore {
      if !watched { $0.watchedDirectories = 0 }
      $0.undelete = .seconds(3600)
      $0.fillDelay = .milliseconds(10)
    } _: { store in
      let account = fixture.account()
      try await store.create(account)
      let maildir = fixture.maildir()
      try await withThrowingTaskGroup(of: Void.self) { group in
        for worker in 0..<3 {
          group.addTask {
            for number in 0..<60 {
              _ = try await store.deliver(.bytes(message(worker * 1000 + number)), to: account)
            }
          }
        }
        for worker in 0..<3 {
          group.addTask {
            let mailbox = try await store.mailbox(account, name: .inbox)
            var last: UInt32 = 0
            for number in 0..<60 {
              let snapshot = try await mailbox.snapshot()
              #expect(snapshot.messages.map(\.uid) == snapshot.messages.map(\.uid).sorted())
              #expect(snapshot.uidNext >= last)
              last = snapshot.uidNext
              guard let uid = snapshot.messages.randomElement()?.uid else { continue }
              switch number % 4 {
              case 0: _ = try await mailbox.store(FlagChange(.add, flags: worker == 0 ? .seen : .flagged), uids: [uid])
              case 1: _ = try await mailbox.append([NewMessage(content: .bytes(message(9000 + number)))])
              case 2: _ = try await mailbox.remove([uid])
              default: _ = try? await mailbox.open(uid).bytes()
              }
            }
          }
        }
        group.addTask { try await Self.otherProgram(maildir) }
        group.addTask {
          for _ in 0..<30 { _ = try await store.undelete(account) }
        }
        group.addTask {
          // A UID stands for one message, whatever happens around it, and what was expunged does not come back.
          let mailbox = try await store.mailbox(account, name: .inbox)
          var told: [UInt32: String] = [:]
          var gone: Set<UInt32> = []
          var before: Set<UInt32> = []
          var modSeq: UInt64 = 0
          for _ in 0..<40 {
            for entry in try await mailbox.popListing() {
              #expect(told[entry.uid] == nil || told[entry.uid] == entry.uidl)
              told[entry.uid] = entry.uidl
            }
            let snapshot = try await mailbox.snapshot()
            let now = Set(snapshot.messages.map(\.uid))
            gone.formUnion(before.subtracting(now))
            #expect(gone.isDisjoint(with: now))
            #expect(snapshot.highestModSeq >= modSeq)
            #expect(snapshot.messages.allSatisfy { $0.modSeq <= snapshot.highestModSeq })
            (before, modSeq) = (now, snapshot.highestModSeq)
          }
        }
        try await group.waitForAll()
      }
      let mailbox = try await store.mailbox(account, name: .inbox)
      let listing = try MaildirListing(folder: maildir, expecting: 0)
      // The kernel may tell of the other program's last change a moment after it was made.
      let files = listing.entries.map { listing.name($0).flags.rawValue }.sorted()
      #expect(
        try await eventually { try await mailbox.snapshot().messages.map(\.flags.rawValue).sorted() == files })
      let snapshot = try await mailbox.snapshot()
      #expect(snapshot.messages.count == listing.entries.count)
      let contents = try await mailbox.contents(snapshot.messages.map(\.uid))
      #expect(contents.count == snapshot.messages.count)
      let flags = listing.entries.map { listing.name($0).flags.rawValue }.sorted()
      #expect(snapshot.messages.map(\.flags.rawValue).sorted() == flags)
      let report = await MailInspection.run(
        root: fixture.root, known: [account], settings: store.settings, now: .systemNow,
        depth: InspectionDepth(isServing: true)
      ).report
      #expect(report.isSound, "\(report.findings)")
      #expect(FileSystem.names(maildir + "/tmp").isEmpty)
      // However much was renamed under the filler, SEARCH finds what the files say.
      let uids = snapshot.messages.map(\.uid)
      let needle = TextNeedle(.text("message 50"))
      let expected = contents.filter { needle.matches($0.bytes) }.map(\.uid)
      #expect(try await mailbox.search(.text("message 50"), among: uids) == expected)
    }
  }

  @Test("An account of very many folders stays quick; MARTINET_STORE_FOLDERS says how many")
  func manyFolders() async throws {
    let fixture = Fixture()
    let account = fixture.account()
    let count = getenv("MARTINET_STORE_FOLDERS").flatMap { Int(String(cString: $0)) } ?? 1500
    try await fixture.withStore { store in
      try await store.create(account)
      for number in 0..<count {
        try AccountStore.makeFolder("\(fixture.maildir())/.List.number\(number)", isSubfolder: true)
      }
      let clock = ContinuousClock()
      var found = 0
      let cold = try await clock.measure { found = try await store.folders(account).count }
      #expect(found >= count)
      let warm = try await clock.measure { found = try await store.folders(account).count }
      #expect(found >= count)
      let status = { () async throws -> Duration in
        try await clock.measure {
          for number in 0..<count {
            found += try await store.status(account, name: try MailboxName("List/number\(number)")).messages
          }
        }
      }
      let (first, second) = (try await status(), try await status())
      let made = try MailboxName("List/one more")
      let create = try await clock.measure { try await store.createFolder(account, name: made) }
      #expect(try await store.folders(account).contains { $0.name == made && $0.isSelectable })
      try await store.deleteFolder(account, name: made)
      #expect(try await !store.folders(account).contains { $0.name == made })
      print("\(count) folders, debug: LIST \(cold), again \(warm), STATUS of all \(first), \(second), CREATE \(create)")
      #expect(warm < .seconds(5) && second < .seconds(30) && create < .seconds(10))
    }
  }

  /// Adds, renames and removes files as a mail reader on the same Maildir would.
  private static func otherProgram(_ maildir: String) async throws {
    for number in 0..<150 {
      let temporary = "\(maildir)/tmp/other\(number)"
      let bytes = message(5000 + number)
      let descriptor = open(temporary, O_WRONLY | O_CREAT, 0o600)
      bytes.withUnsafeBytes { _ = write(descriptor, $0.baseAddress, $0.count) }
      close(descriptor)
      rename(temporary, "\(maildir)/new/\(1_700_000_000 + number).P9.other")
      if let name = FileSystem.names(maildir + "/new").randomElement() {
        rename("\(maildir)/new/\(name)", "\(maildir)/cur/\(name):2,")
      }
      if let name = FileSystem.names(maildir + "/cur").randomElement(), let colon = name.firstIndex(of: ":") {
        rename("\(maildir)/cur/\(name)", "\(maildir)/cur/\(name[..<colon]):2,\(number % 2 == 0 ? "S" : "FS")")
      }
      if number % 5 == 0, let name = FileSystem.names(maildir + "/cur").randomElement() {
        unlink("\(maildir)/cur/\(name)")
      }
      if number % 10 == 0 { try await Task.sleep(for: .milliseconds(3)) }
    }
  }

  @Test("100,000 messages: cold, warm and after a restart")
  func hundredThousand() async throws {
    let fixture = Fixture()
    let account = fixture.account()
    let store = try fixture.store()
    try await store.create(account)
    for number in 0..<100_000 {
      let path = "\(fixture.maildir())/cur/\(1_700_000_000 + number).M1P1.bench,S=5:2,\(number % 5 == 0 ? "" : "S")"
      let descriptor = open(path, O_WRONLY | O_CREAT, 0o600)
      close(descriptor)
    }
    let clock = ContinuousClock()
    var count = 0
    let cold = try await clock.measure {
      count = try await store.mailbox(account, name: .inbox).snapshot().messages.count
    }
    let mailbox = try await store.mailbox(account, name: .inbox)
    #expect(count == 100_000)
    let warm = try await clock.measure { _ = try await mailbox.snapshot() }
    await store.close()
    let again = try fixture.store()
    var restarted: MailboxSnapshot?
    let restart = try await clock.measure {
      restarted = try await again.mailbox(account, name: .inbox).snapshot()
    }
    #expect(restarted?.messages.count == 100_000)
    #expect(restarted?.uidNext == 100_001)
    #expect(restarted?.messages.count { $0.flags == .seen } == 80_000)
    print("100,000 messages in a debug build: cold \(cold), warm \(warm), restart \(restart)")
    await again.close()
  }

  @Test("Caches stay within their bounds, and what was dropped comes back")
  func bounds() async throws {
    let fixture = Fixture()
    try await fixture.withStore { settings in
      settings.openIndexes = 4
      settings.viewCacheBytes = 64 << 10
    } _: { store in
      for number in 0..<40 {
        for part in 0..<3 { _ = try await store.deliver(.bytes(message(part)), to: fixture.account("u\(number)")) }
        let mailbox = try await store.mailbox(fixture.account("u\(number)"), name: .inbox)
        _ = try await mailbox.store(FlagChange(.add, keywords: ["k"]), uids: [2])
      }
      #expect(try await eventually { store.host.openIndexes.load(ordering: .relaxed) <= 5 })
      for number in 0..<40 {
        let snapshot = try await store.mailbox(fixture.account("u\(number)"), name: .inbox).snapshot()
        #expect(snapshot.messages.map(\.uid) == [1, 2, 3])
        #expect(snapshot.messages.map(\.keywords) == [0, 1, 0])
        #expect(snapshot.uidNext == 4)
      }
    }
  }

  @Test("rebuild makes the index anew and keeps what the old one tells")
  func rebuild() async throws {
    let fixture = Fixture()
    let account = fixture.account()
    try await fixture.withStore { store in
      for number in 0..<3 { _ = try await store.deliver(.bytes(message(number)), to: account) }
      let inbox = try await store.mailbox(account, name: .inbox)
      _ = try await inbox.measuredSnapshot()
      let validity = try await inbox.snapshot().uidValidity
      #expect(try await store.rebuild(account).first { $0.name.isInbox }?.messages == 3)
      #expect(try await store.mailbox(account, name: .inbox).snapshot().uidValidity == validity)
    }
  }

  @Test("The repository's template gives folders, subscriptions and a welcome message")
  func template() async throws {
    let fixture = Fixture()
    let directory = #filePath.split(separator: "/").dropLast(3).map { "/" + $0 }.joined() + "/Maildir-template"
    try await fixture.withStore {
      $0.templateDirectory = directory
    } _: { store in
      try await store.create(fixture.account())
      let inbox = try await store.mailbox(fixture.account(), name: .inbox)
      let snapshot = try await inbox.snapshot()
      #expect(snapshot.messages.count == 1)
      let text = String(decoding: try await inbox.open(1).bytes(), as: UTF8.self)
      #expect(text.contains("To: <alice@example.test>\r\n"))
      #expect(text.contains("alice%example.test works as well"))
      #expect(!text.contains("{"))
      #expect(try await store.folders(fixture.account()).filter(\.isSubscribed).count == 5)
    }
  }
}
