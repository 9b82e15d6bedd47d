import Basics
import Glibc
import Testing

@testable import MailStore

@Suite struct FolderTests {
  @Test(
    "Folder names map one-to-one to directories",
    arguments: [
      "Entwürfe 日本 & Co", "&-", "&", "a.b", "..", ".", "...", "~root", "%", "*", "a/b.c/..", " space ", "😀", "INBOX/x",
      "inbox/x", "\\", "\"", "a&b-c", "&AC4-", "Sent", "-", "日本/本.日", "new", "cur",
    ])
  func names(text: String) throws {
    let name = try MailboxName(text)
    let directory = FolderNameCodec.directoryName(name)
    #expect(directory.hasPrefix("."))
    #expect(!directory.contains("/"))
    #expect(!directory.contains(".."))
    #expect(FolderNameCodec.name(ofDirectory: directory) == name)
  }

  @Test(
    "Names that cannot be are refused",
    arguments: ["", "/", "a//b", "/a", "a/", "a\u{0}b", "a\nb", "\u{7f}", "\u{2028}"])
  func refused(text: String) {
    #expect(throws: StoreError.self) { _ = try MailboxName(text) }
  }

  @Test(
    "Directories nobody here would have written are no folders",
    arguments: ["..", ".a..b", ".&", ".&AC4", ".Entwürfe", ".&AGE-", "x", "."])
  func foreign(directory: String) {
    #expect(FolderNameCodec.name(ofDirectory: directory) == nil)
  }

  @Test("Folders are made, listed, renamed with their children, removed")
  func lifecycle() async throws {
    let fixture = Fixture()
    try await fixture.withStore { store in
      let account = fixture.account()
      try await store.createFolder(account, name: MailboxName("Work/2026.Q1"))
      try await store.createFolder(account, name: MailboxName("Work"))
      await #expect(throws: StoreError.self) {
        try await store.createFolder(account, name: MailboxName("work/2026.Q1".replacing("w", with: "W")))
      }
      let folders = try await store.folders(account)
      #expect(folders.map(\.name.path) == ["Drafts", "INBOX", "Junk", "Sent", "Trash", "Work", "Work/2026.Q1"])
      #expect(folders.first { $0.name.path == "Sent" }?.specialUse == .sent)
      #expect(folders.first { $0.name.path == "Work" }?.hasChildren == true)
      #expect(folders.first { $0.name.path == "Sent" }?.isSubscribed == true)
      let mailbox = try await store.mailbox(account, name: MailboxName("Work/2026.Q1"))
      _ = try await mailbox.append([NewMessage(content: .bytes(message(1)))])
      let validity = try await mailbox.snapshot().uidValidity
      try await store.renameFolder(account, from: MailboxName("Work"), to: MailboxName("Projects"))
      #expect(try await mailbox.snapshot().messages.count == 1)
      let renamed = try await store.mailbox(account, name: MailboxName("Projects/2026.Q1"))
      #expect(try await renamed.snapshot().uidValidity == validity)
      await #expect(throws: StoreError.self) { _ = try await store.mailbox(account, name: MailboxName("Work/2026.Q1")) }
      try await store.deleteFolder(account, name: MailboxName("Projects"))
      #expect(try await store.folders(account).first { $0.name.path == "Projects" }?.isSelectable == false)
      try await store.deleteFolder(account, name: MailboxName("Projects/2026.Q1"))
      await #expect(throws: StoreError.self) { _ = try await mailbox.snapshot() }
      try await store.createFolder(account, name: MailboxName("Projects/2026.Q1"))
      let again = try await store.mailbox(account, name: MailboxName("Projects/2026.Q1"))
      #expect(try await again.snapshot().uidValidity > validity)
      await #expect(throws: StoreError.self) { try await store.deleteFolder(account, name: .inbox) }
      #expect(try await store.quotaUse(account) == QuotaUse())
    }
  }

  @Test("A rename that cannot move every child moves none, and the mail keeps its UIDs")
  func renameInOneStep() async throws {
    let fixture = Fixture()
    try await fixture.withStore { store in
      let account = fixture.account()
      var validities: [UInt32] = []
      for child in ["a", "b", "c"] {
        let name = try MailboxName("Old/\(child)")
        try await store.createFolder(account, name: name)
        let mailbox = try await store.mailbox(account, name: name)
        _ = try await mailbox.append([NewMessage(content: .bytes(message(1)))])
        validities.append(try await mailbox.snapshot().uidValidity)
      }
      // No folder, but something that a directory cannot be renamed over.
      let obstacle = fixture.maildir() + "/.New.b"
      try FileSystem.makePath(obstacle + "/something")
      await #expect(throws: StoreError.self) {
        try await store.renameFolder(account, from: MailboxName("Old"), to: MailboxName("New"))
      }
      for (child, validity) in zip(["a", "b", "c"], validities) {
        let snapshot = try await store.mailbox(account, name: MailboxName("Old/\(child)")).snapshot()
        #expect(snapshot.uidValidity == validity)
        #expect(snapshot.messages.map(\.uid) == [1])
      }
      #expect(try await !store.folders(account).contains { $0.name.path.hasPrefix("New") })
      try FileSystem.removeTree(obstacle)
      try await store.renameFolder(account, from: MailboxName("Old"), to: MailboxName("New"))
      for (child, validity) in zip(["a", "b", "c"], validities) {
        let mailbox = try await store.mailbox(account, name: MailboxName("New/\(child)"))
        #expect(try await mailbox.snapshot().uidValidity == validity)
        #expect(try await mailbox.open(1).size > 0)
      }
    }
  }

  @Test("INBOX renamed gives its messages away and stays")
  func renameInbox() async throws {
    let fixture = Fixture()
    try await fixture.withStore { store in
      let account = fixture.account()
      for number in 0..<3 { _ = try await store.deliver(.bytes(message(number)), to: account) }
      try await store.renameFolder(account, from: .inbox, to: MailboxName("Old"))
      #expect(try await store.status(account, name: .inbox).messages == 0)
      #expect(try await store.status(account, name: MailboxName("Old")).messages == 3)
      #expect(try await store.quotaUse(account).messages == 3)
    }
  }

  @Test("Special uses and subscriptions outlive the index")
  func smallFiles() async throws {
    let fixture = Fixture()
    let account = fixture.account()
    try await fixture.withStore { store in
      try await store.createFolder(account, name: MailboxName("Ablage"), specialUse: .archive)
      try await store.subscribe(account, name: MailboxName("Not/There"))
      try await store.unsubscribe(account, name: MailboxName("Junk"))
    }
    unlink(account.directory + "/index.db")
    try await fixture.withStore { store in
      let folders = try await store.folders(account)
      #expect(folders.first { $0.name.path == "Ablage" }?.specialUse == .archive)
      #expect(folders.first { $0.name.path == "Not/There" }?.isSubscribed == true)
      #expect(folders.first { $0.name.path == "Not/There" }?.exists == false)
      #expect(folders.first { $0.name.path == "Junk" }?.isSubscribed == false)
    }
  }

  @Test("Subscriptions that another program writes are seen at once and kept as they are")
  func sharedSubscriptions() async throws {
    let fixture = Fixture()
    try await fixture.withStore { store in
      let account = fixture.account()
      try await store.create(account)
      let path = fixture.maildir() + "/subscriptions"
      func subscribed() async throws -> [String] {
        try await store.folders(account).filter(\.isSubscribed).map(\.name.path)
      }
      func text() throws -> String { String(decoding: try FileSystem.contents(path, limit: 9999) ?? [], as: UTF8.self) }
      try put(path, Array("One\r\n\nnot//a name\nTwo\nOne".utf8))
      #expect(try await subscribed() == ["One", "Two"])
      try await store.subscribe(account, name: MailboxName("Three"))
      #expect(try text() == "One\r\n\nnot//a name\nTwo\nOne\nThree\n")
      try await store.subscribe(account, name: MailboxName("Two"))
      try await store.unsubscribe(account, name: MailboxName("One"))
      #expect(try text() == "\nnot//a name\nTwo\nThree\n")
      try await store.unsubscribe(account, name: MailboxName("Two"))
      try await store.unsubscribe(account, name: MailboxName("Never"))
      #expect(try text() == "\nnot//a name\nThree\n")
      // As long as before, and perhaps within the same step of the file system's clock.
      try put(path, Array("\nnot//a name\nThrew\n".utf8))
      #expect(try await subscribed() == ["Threw"])
      unlink(path)
      #expect(try await subscribed().isEmpty)
      try await store.subscribe(account, name: MailboxName("Three"))
      #expect(try text() == "Three\n")
    }
  }

  @Test("Over-long and over-deep names are refused")
  func bounds() async throws {
    let fixture = Fixture()
    try await fixture.withStore {
      $0.foldersPerAccount = 6
    } _: { store in
      let account = fixture.account()
      try await store.create(account)
      let long = try MailboxName(String(repeating: "ü", count: 200))
      await #expect(throws: StoreError.self) { try await store.createFolder(account, name: long) }
      let deep = try MailboxName(Array(repeating: "a", count: 40).joined(separator: "/"))
      await #expect(throws: StoreError.self) { try await store.createFolder(account, name: deep) }
      try await store.createFolder(account, name: MailboxName("one"))
      try await store.createFolder(account, name: MailboxName("two"))
      await #expect(throws: StoreError.self) { try await store.createFolder(account, name: MailboxName("three")) }
    }
  }

  @Test("Copies and moves keep flags, keywords and dates, and say both UIDs")
  func transfers() async throws {
    let fixture = Fixture()
    try await fixture.withStore { store in
      let account = fixture.account()
      let inbox = try await store.mailbox(account, name: .inbox)
      let date = Timestamp(seconds: 1_500_000_000)
      let appended = try await inbox.append([
        NewMessage(content: .bytes(message(1)), flags: [.seen], keywords: ["blue"], internalDate: date),
        NewMessage(content: .bytes(message(2)), flags: [.draft], internalDate: date),
      ])
      #expect(appended.assigned == [1, 2])
      _ = try await inbox.fetchIndex([1, 2])
      let sent = try await store.mailbox(account, name: MailboxName("Sent"))
      let copied = try await inbox.copy([2, 1, 9], to: sent)
      #expect(copied.source == [1, 2])
      #expect(copied.assigned == [1, 2])
      let moved = try await inbox.move([1], to: sent)
      #expect(moved.assigned == [3])
      #expect(try await inbox.snapshot().messages.map(\.uid) == [2])
      let snapshot = try await sent.snapshot()
      #expect(snapshot.messages.map(\.flags) == [[.seen], [.draft], [.seen]])
      #expect(snapshot.messages.map(\.internalDate) == [date, date, date])
      #expect(snapshot.keywordNames(snapshot.messages[2]) == ["blue"])
      #expect(try await sent.open(3).bytes() == message(1))
      #expect(try await store.quotaUse(account).messages == 4)
      let twice = try await sent.copy([1], to: sent)
      #expect(twice.assigned == [4])
      #expect(try await sent.snapshot().messages.count == 4)
    }
    try await fixture.withStore { store in
      let sent = try await store.mailbox(fixture.account(), name: MailboxName("Sent"))
      let snapshot = try await sent.measuredSnapshot()
      #expect(snapshot.messages.map(\.uid) == [1, 2, 3, 4])
      #expect(snapshot.messages.map(\.internalDate.seconds) == Array(repeating: 1_500_000_000, count: 4))
    }
  }
}
