import Basics
import Glibc
import Inspection
import Testing

@testable import MailStore

@Suite struct InspectionTests {
  /// An account with mail in two folders, flags, an expunge and an index, closed.
  private func prepared() async throws -> Fixture {
    let fixture = Fixture()
    try await fixture.withStore { store in
      let account = fixture.account()
      for number in 0..<70 { _ = try await store.deliver(.bytes(message(number)), to: account) }
      let inbox = try await store.mailbox(account, name: .inbox)
      _ = try await inbox.measuredSnapshot()
      _ = try await inbox.fetchIndex(Array(1...70))
      _ = try await inbox.remove([3, 4])
      let sent = try await store.mailbox(account, name: MailboxName("Sent"))
      _ = try await sent.append([NewMessage(content: .bytes(message(100)), flags: [.seen], keywords: ["Work"])])
      // Of another program, whose names tell no size.
      try put(fixture.maildir() + "/cur/1700000000.foreign.host:2,S", message(102))
      _ = try await inbox.measuredSnapshot()
      _ = try await store.recount(account)
      // Seen by no session yet, as after any delivery.
      _ = try await store.deliver(.bytes(message(101)), to: account)
    }
    return fixture
  }

  private func inspect(_ fixture: Fixture, depth: InspectionDepth = InspectionDepth()) async -> MailInspection {
    await MailInspection.run(
      root: fixture.root, known: [fixture.account()], settings: MailStoreSettings(hostname: "mail.example.test"),
      now: .systemNow, depth: depth)
  }

  private func files(_ folder: String) -> [String] {
    FileSystem.names(folder + "/cur").map { "\(folder)/cur/\($0)" }
      + FileSystem.names(folder + "/new").map { "\(folder)/new/\($0)" }
  }

  /// Every name, size and time below a directory.
  private func state(_ path: String) -> [String] {
    FileSystem.names(path).sorted().flatMap { name -> [String] in
      let whole = "\(path)/\(name)"
      guard let facts = FileSystem.facts(whole) else { return [] }
      return facts.isDirectory ? state(whole) : ["\(whole) \(facts.size) \(facts.modified) \(facts.inode)"]
    }
  }

  @Test("A sound mailbox gives nothing and stays exactly as it was", arguments: [false, true])
  func sound(isServing: Bool) async throws {
    let fixture = try await prepared()
    let before = state(fixture.root)
    let found = await inspect(fixture, depth: InspectionDepth(isServing: false, isQuick: isServing))
    #expect(found.report.findings.isEmpty)
    #expect(found.messages == 71)
    #expect(found.accounts == 1)
    #expect(state(fixture.root) == before)
  }

  @Test("Beside a running store a sound mailbox gives nothing")
  func beside() async throws {
    let fixture = Fixture()
    try await fixture.withStore { store in
      for number in 0..<20 { _ = try await store.deliver(.bytes(message(number)), to: fixture.account()) }
      let inbox = try await store.mailbox(fixture.account(), name: .inbox)
      _ = try await inbox.snapshot()
      let found = await inspect(fixture, depth: InspectionDepth(isServing: true))
      #expect(found.report.findings.filter { $0.severity != .note } == [])
      #expect(found.messages == 20)
    }
  }

  /// What can be done to a mailbox, and a word of what the inspection says.
  enum Damage: String, CaseIterable {
    case cut = "octets, its name says"
    case empty = "the message is empty"
    case wire = "on the wire it has"
    case twice = "two files have this base name"
    case directory = "a directory among the messages"
    case missingPart = "the directory is missing"
    case badName = "no folder name in modified UTF-7"
    case nonsenseQuota = "the file makes no sense"
    case wrongQuota = "it adds up to"
    case noise = "does not begin as a database does"
    case page = "make no sense"
    case highUID = "UIDs are reserved to"
    case size = "another size than their files"
    case newerVersion = "this martinet reads"
    case validity = "it says 5, the index has"
    case noMailbox = "the mailbox of alice@example.test is missing"
    case inner = "the database says"
  }

  @Test("Each kind of damage is found, named and given a remedy", arguments: Damage.allCases)
  func damage(_ damage: Damage) async throws {
    let fixture = try await prepared()
    try make(damage, fixture)
    let before = state(fixture.root)
    let report = await inspect(fixture).report
    #expect(!report.isSound)
    let found = report.findings.filter { $0.problem.contains(damage.rawValue) && $0.severity != .note }
    #expect(found.count == 1, "\(report.findings)")
    #expect(found.allSatisfy { !$0.remedy.isEmpty })
    #expect(state(fixture.root) == before)
  }

  private func make(_ damage: Damage, _ fixture: Fixture) throws {
    let maildir = fixture.maildir()
    let index = fixture.account().directory + "/index.db"
    let file = try #require(files(maildir).first { $0.contains(",S=") })
    switch damage {
    case .cut: #expect(truncate(file, 40) == 0)
    case .empty: #expect(truncate(file, 0) == 0)
    case .wire:
      let text = try FileSystem.contents(file, limit: 1 << 20) ?? []
      try put(file, text.dropLast(2) + Array("\n\n".utf8))
    case .twice:
      let name = try #require(file.split(separator: "/").last)
      let base = name.prefix { $0 != ":" }
      try put("\(maildir)/cur/\(base):2,FS", try FileSystem.contents(file, limit: 1 << 20) ?? [])
      try put("\(maildir)/cur/\(base):2,RS", try FileSystem.contents(file, limit: 1 << 20) ?? [])
      unlink(file)
    case .directory: try FileSystem.makeDirectory(maildir + "/cur/1.2.3")
    case .missingPart: try FileSystem.removeTree(maildir + "/.Sent/tmp")
    case .badName: try AccountStore.makeFolder(maildir + "/.Entw&rfe", isSubfolder: true)
    case .nonsenseQuota: try put(maildir + "/maildirsize", Array("no quota\nx y\n".utf8))
    case .wrongQuota: try wrongQuota(maildir)
    case .noise: try put(index, [UInt8](repeating: 0x5a, count: 8192))
    case .page: try change(index, "UPDATE page SET records = x'0500010203' WHERE id = (SELECT min(id) FROM page)")
    case .highUID: try change(index, "UPDATE folder SET uid_next = 9 WHERE name = 'INBOX'")
    case .size: try put(maildir + "/cur/1700000000.foreign.host:2,S", message(102, body: "More than before.\r\n"))
    case .newerVersion: try change(index, "PRAGMA user_version = 99")
    case .validity: try put(fixture.account().directory + "/uidvalidity", Array("5\n".utf8))
    case .noMailbox: try FileSystem.removeTree(maildir)
    case .inner: try overwrite(index, pages: 2..<6)
    }
  }

  private func change(_ path: String, _ sql: String) throws {
    let database = try Database(path: path, busy: .seconds(1))
    try database.execute(sql)
    try database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
  }

  /// A sum that no interrupted delivery explains: written long after the last message came.
  private func wrongQuota(_ maildir: String) throws {
    try put(maildir + "/maildirsize", Array("0S\n5000000 700\n".utf8))
    let later = time(nil) + 60
    let stamp = [timeval(tv_sec: later, tv_usec: 0), timeval(tv_sec: later, tv_usec: 0)]
    #expect(utimes(maildir + "/maildirsize", stamp) == 0)
  }

  private func overwrite(_ path: String, pages: Range<Int>) throws {
    let descriptor = open(path, O_WRONLY)
    try #require(descriptor >= 0)
    defer { close(descriptor) }
    let noise = [UInt8](repeating: 0xa5, count: 4096 * pages.count)
    #expect(pwrite(descriptor, noise, noise.count, off_t(4096 * pages.lowerBound)) == noise.count)
  }

  @Test("A sum left behind by a kill is a note; old files in tmp/ and removed accounts are notes")
  func notes() async throws {
    let fixture = try await prepared()
    let maildir = fixture.maildir()
    let lines = try FileSystem.contents(maildir + "/maildirsize", limit: 9999) ?? []
    let cut = try #require(lines.dropLast().lastIndex(of: 0x0a))
    try put(maildir + "/maildirsize", Array(lines[...cut]))
    // The message that the sum lacks came just now, however slowly this runs.
    #expect(utimes(maildir + "/new", nil) == 0)
    let stale = maildir + "/tmp/1.2.host"
    try put(stale, message(1))
    let old = [timeval(tv_sec: 1_600_000_000, tv_usec: 0), timeval(tv_sec: 1_600_000_000, tv_usec: 0)]
    #expect(utimes(stale, old) == 0)
    try FileSystem.makePath(fixture.root + "/example.test/removed/Maildir/cur")
    let report = await inspect(fixture).report
    #expect(report.isSound)
    #expect(report.findings.map(\.severity) == [.note, .note, .note])
    for word in ["adds up", "interrupted delivery", "no account has"] {
      #expect(report.findings.contains { $0.problem.contains(word) }, "\(report.findings)")
    }
  }
}
