import Basics
import Glibc
import Synchronization
import Testing

@testable import MailStore

@Suite struct DeliveryTests {
  @Test("R61: a delivery makes the mailbox from the template and lies in new/")
  func delivers() async throws {
    let fixture = Fixture()
    try await fixture.withStore { store in
      let delivered = try await store.deliver(
        .bytes(message(1)), prefix: Array("Return-Path: <bob@example.test>\r\n".utf8), to: fixture.account())
      let names = FileSystem.names(fixture.maildir() + "/new")
      #expect(names == [delivered.fileName])
      #expect(delivered.fileName.hasSuffix(".mail.example.test,S=\(delivered.size),W=\(delivered.size)"))
      #expect(FileSystem.names(fixture.maildir() + "/tmp").isEmpty)
      for folder in [".Sent", ".Drafts", ".Trash", ".Junk"] {
        #expect(FileSystem.exists("\(fixture.maildir())/\(folder)/maildirfolder"))
      }
      let mailbox = try await store.mailbox(fixture.account(), name: .inbox)
      let snapshot = try await mailbox.snapshot()
      #expect(snapshot.messages.map(\.uid) == [1])
      #expect(snapshot.uidNext == 2)
      #expect(snapshot.messages[0].isMeasured)
      #expect(snapshot.messages[0].size == delivered.size)
      let file = try await mailbox.open(1)
      #expect(try await file.bytes() == Array("Return-Path: <bob@example.test>\r\n".utf8) + message(1))
    }
  }

  @Test("A delivery is durable in order: file, name, directory")
  func durableOrder() async throws {
    let fixture = Fixture()
    let steps = Mutex<[(DurableStep, String)]>([])
    let store = try fixture.store(observer: { step, path in steps.withLock { $0.append((step, path)) } })
    let delivered = try await store.deliver(.bytes(message(1)), to: fixture.account())
    let seen = steps.withLock { $0 }
    #expect(seen.map(\.0) == [.fileSynced, .renamed, .directorySynced])
    #expect(seen[0].1.contains("/tmp/"))
    #expect(seen[1].1 == fixture.maildir() + "/new/" + delivered.fileName)
    #expect(seen[2].1 == fixture.maildir() + "/new")
    // Of many that come together every file is durable before the first has its name (RFC 3502: all or none).
    steps.withLock { $0 = [] }
    let inbox = try await store.mailbox(fixture.account(), name: .inbox)
    _ = try await inbox.append((0..<3).map { NewMessage(content: .bytes(message($0))) })
    let many = steps.withLock { $0.map(\.0) }
    #expect(many == Array(repeating: .fileSynced, count: 3) + Array(repeating: .renamed, count: 3) + [.directorySynced])
    await store.close()
  }

  @Test("Large messages come from a file; bare LF counts as CRLF on the wire")
  func fromFile() async throws {
    let fixture = Fixture()
    try await fixture.withStore { store in
      let source = fixture.root + "/spool"
      var bytes = message(1)
      for line in 0..<20_000 { bytes += Array("line \(line) of a long body\n".utf8) }
      try put(source, bytes)
      let delivered = try await store.deliver(.file(path: source, size: bytes.count), to: fixture.account())
      #expect(delivered.fileName.hasSuffix(",S=\(bytes.count),W=\(bytes.count + 20_000)"))
      let mailbox = try await store.mailbox(fixture.account(), name: .inbox)
      let file = try await mailbox.open(1)
      #expect(!file.isCRLF)
      #expect(file.size == bytes.count + 20_000)
      let wire = try await file.bytes()
      #expect(wire == LineEndCounter.wire(bytes))
      #expect(try await file.read(at: 1000, count: 50) == Array(wire[1000..<1050]))
    }
  }

  @Test("A failed write leaves nothing behind and is temporary")
  func failure() async throws {
    let fixture = Fixture()
    try await fixture.withStore { store in
      try await store.create(fixture.account())
      await #expect(throws: StoreError.self) {
        _ = try await store.deliver(.file(path: fixture.root + "/none", size: 10), to: fixture.account())
      }
      #expect(FileSystem.names(fixture.maildir() + "/tmp").isEmpty)
      #expect(try await store.quotaUse(fixture.account()) == QuotaUse())
    }
  }

  @Test("Deliveries at once to several folders all arrive, each with a UID of its own")
  func concurrent() async throws {
    let fixture = Fixture()
    try await fixture.withStore { store in
      let mailbox = try await store.mailbox(fixture.account(), name: .inbox)
      try await withThrowingTaskGroup(of: Void.self) { group in
        for number in 0..<200 {
          group.addTask {
            _ = try await store.deliver(.bytes(message(number)), to: fixture.account())
            if number % 10 == 0 { _ = try await mailbox.snapshot() }
          }
        }
        try await group.waitForAll()
      }
      let snapshot = try await mailbox.snapshot()
      #expect(snapshot.messages.count == 200)
      #expect(snapshot.messages.map(\.uid) == Array(1...200))
    }
  }

  @Test("tmp/ is swept by age")
  func sweep() async throws {
    let fixture = Fixture()
    try await fixture.withStore { store in
      try await store.create(fixture.account())
      let old = fixture.maildir() + "/tmp/old"
      try put(old, [1])
      try put(fixture.maildir() + "/tmp/young", [1])
      var times = [timespec(tv_sec: 1_000_000, tv_nsec: 0), timespec(tv_sec: 1_000_000, tv_nsec: 0)]
      utimensat(AT_FDCWD, old, &times, 0)
      try await store.sweep(accounts: [fixture.account()])
      #expect(FileSystem.names(fixture.maildir() + "/tmp") == ["young"])
    }
  }
}
