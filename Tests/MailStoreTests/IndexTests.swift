import Basics
import Glibc
import MailSyntax
import Synchronization
import Testing

@testable import MailStore

@Suite struct IndexTests {
  @Test("A killed process gives no UID twice, whatever it had not written", arguments: 0..<4)
  func killed(round: Int) async throws {
    let fixture = Fixture()
    var told: [UInt32: String] = [:]
    var validity: UInt32?
    for life in 0..<3 {
      // No close(): the process state is dropped as a kill would drop it, unwritten views and reservations included.
      let store = try fixture.store()
      let mailbox = try await store.mailbox(fixture.account(), name: .inbox)
      for number in 0..<(5 + round * 20) {
        _ = try await store.deliver(.bytes(message(life * 1000 + number)), to: fixture.account())
      }
      let snapshot = try await mailbox.snapshot()
      #expect(validity == nil || validity == snapshot.uidValidity)
      validity = snapshot.uidValidity
      for entry in try await mailbox.popListing() {
        #expect(told[entry.uid] == nil || told[entry.uid] == entry.uidl)
        told[entry.uid] = entry.uidl
      }
      let gone = snapshot.messages.suffix(2).map(\.uid)
      #expect(try await mailbox.remove(gone) == gone)
    }
    #expect(Set(told.values).count == told.count)
  }

  @Test("An index nobody uses is closed; sessions on it go on, are told what comes, and see what others did meanwhile")
  func rest() async throws {
    let fixture = Fixture()
    try await fixture.withStore {
      $0.pollInterval = .milliseconds(20)
      $0.restIntervals = 2
      $0.fillDelay = .milliseconds(5)
    } _: { store in
      let inbox = try await store.mailbox(fixture.account(), name: .inbox)
      let account = try store.registry.account(fixture.account().directory)
      let calls = Atomic<Int>(0)
      let token = try await inbox.addListener { calls.wrappingAdd(1, ordering: .relaxed) }
      let isClosed = { try await eventually { !account.holdsIndex.load(ordering: .relaxed) } }
      var uids: [UInt32] = []
      for number in 1...3 {
        #expect(try await isClosed())
        let before = calls.load(ordering: .relaxed)
        _ = try await store.deliver(.bytes(message(number)), to: fixture.account())
        #expect(try await eventually { calls.load(ordering: .relaxed) > before })
        uids = try await inbox.snapshot().messages.map(\.uid)
        #expect(uids.count == number)
        let changed = try await inbox.store(FlagChange(.add, flags: .flagged), uids: [uids[number - 1]])
        #expect(changed.messages.first?.flags.contains(.flagged) == true)
      }
      #expect(uids == [1, 2, 3])
      #expect(try await isClosed())
      // Another process, the CLI for instance, on the same account.
      try await fixture.withStore { other in
        let mailbox = try await other.mailbox(fixture.account(), name: .inbox)
        #expect(try await mailbox.remove([2]) == [2])
        let given = try await mailbox.append([NewMessage(content: .bytes(message(4)))])
        #expect(given.assigned.allSatisfy { $0 > 3 })
      }
      let now = try await inbox.snapshot()
      #expect(now.messages.map(\.uid).starts(with: [1, 3]) && now.messages.count == 3)
      #expect(now.messages.prefix(2).allSatisfy { $0.flags.contains(.flagged) })
      withExtendedLifetime(token) {}
    }
  }

  @Test("A lost index is rebuilt with a greater UIDVALIDITY and the same UIDLs, even when the clock went back")
  func lost() async throws {
    let time = ManualTime()
    let fixture = Fixture(time: time)
    var before: [POPMessage] = []
    var validity: UInt32 = 0
    try await fixture.withStore { store in
      for number in 0..<10 { _ = try await store.deliver(.bytes(message(number)), to: fixture.account()) }
      let mailbox = try await store.mailbox(fixture.account(), name: .inbox)
      before = try await mailbox.popListing()
      validity = try await mailbox.snapshot().uidValidity
    }
    for suffix in ["", "-wal", "-shm"] { unlink(fixture.account().directory + "/index.db" + suffix) }
    time.setWallClock(Timestamp(seconds: 1_000_000))
    try await fixture.withStore { store in
      let mailbox = try await store.mailbox(fixture.account(), name: .inbox)
      #expect(try await mailbox.snapshot().uidValidity > validity)
      #expect(try await mailbox.popListing().map(\.uidl) == before.map(\.uidl))
    }
  }

  @Test(
    "An index of noise, of another version or cut short is moved aside and rebuilt",
    arguments: ["noise", "version", "cut", "page"])
  func corrupt(kind: String) async throws {
    let fixture = Fixture()
    let path = fixture.account().directory + "/index.db"
    var validity: UInt32 = 0
    try await fixture.withStore { store in
      for number in 0..<100 { _ = try await store.deliver(.bytes(message(number)), to: fixture.account()) }
      let mailbox = try await store.mailbox(fixture.account(), name: .inbox)
      validity = try await mailbox.snapshot().uidValidity
      _ = try await mailbox.fetchIndex(Array(1...100))
    }
    switch kind {
    case "noise": try put(path, (0..<8192).map { _ in UInt8.random(in: 0...255) })
    case "version":
      let database = try Database(path: path, busy: .seconds(1))
      try database.execute("PRAGMA user_version=99")
    case "cut": truncate(path, 6000)
    default:
      let database = try Database(path: path, busy: .seconds(1))
      try database.execute("UPDATE page SET records = x'0500010203'")
    }
    try await fixture.withStore { store in
      let mailbox = try await store.mailbox(fixture.account(), name: .inbox)
      let snapshot = try await mailbox.snapshot()
      #expect(snapshot.messages.count == 100)
      if kind == "page" {
        // The folder's row was good: its UIDVALIDITY stays, and no UID that was given is given again.
        #expect(snapshot.uidValidity == validity)
        #expect(snapshot.messages.allSatisfy { $0.uid > 100 })
      } else {
        #expect(snapshot.uidValidity > validity)
      }
      #expect(try await mailbox.fetchIndex(snapshot.messages.map(\.uid)).count == 100)
      #expect(FileSystem.exists(path + ".broken"))
    }
  }

  @Test("An index taken away under a running server ends sessions and is made anew")
  func takenAway() async throws {
    let fixture = Fixture()
    try await fixture.withStore { store in
      _ = try await store.deliver(.bytes(message(1)), to: fixture.account())
      let mailbox = try await store.mailbox(fixture.account(), name: .inbox)
      let validity = try await mailbox.snapshot().uidValidity
      for suffix in ["", "-wal", "-shm"] { unlink(fixture.account().directory + "/index.db" + suffix) }
      await #expect(throws: StoreError.self) { _ = try await mailbox.snapshot() }
      let again = try await store.mailbox(fixture.account(), name: .inbox)
      let snapshot = try await again.snapshot()
      #expect(snapshot.uidValidity > validity)
      #expect(snapshot.messages.count == 1)
    }
  }

  @Test("Two processes on one account never give the same UID")
  func twoProcesses() async throws {
    let fixture = Fixture()
    let one = try fixture.store()
    let two = try fixture.store()
    var told: [UInt32: String] = [:]
    for round in 0..<30 {
      for store in [one, two] {
        _ = try await store.deliver(.bytes(message(round)), to: fixture.account())
        let mailbox = try await store.mailbox(fixture.account(), name: .inbox)
        _ = try await mailbox.append([NewMessage(content: .bytes(message(round)), keywords: ["k\(round % 3)"])])
        for entry in try await mailbox.popListing() {
          #expect(told[entry.uid] == nil || told[entry.uid] == entry.uidl)
          told[entry.uid] = entry.uidl
        }
      }
    }
    let first = try await one.mailbox(fixture.account(), name: .inbox).snapshot()
    let second = try await two.mailbox(fixture.account(), name: .inbox).snapshot()
    #expect(first.messages.map(\.uid) == second.messages.map(\.uid))
    #expect(first.messages.count == 120)
    await one.close()
    await two.close()
  }

  @Test("Reservations are committed with synchronous=FULL, rows with NORMAL, in WAL mode")
  func pragmas() throws {
    let fixture = Fixture()
    let index = try Index(path: fixture.root + "/index.db", busy: .seconds(1))
    #expect(try index.database.integer("PRAGMA synchronous") == 1)
    let inside = try index.database.transaction(durable: true) { try index.database.integer("PRAGMA synchronous") }
    #expect(inside == 2)
    #expect(try index.database.integer("PRAGMA synchronous") == 1)
  }

  @Test("Envelopes, structures and keys are computed once and found again")
  func entries() async throws {
    let fixture = Fixture()
    try await fixture.withStore { store in
      for number in 0..<100 { _ = try await store.deliver(.bytes(message(number)), to: fixture.account()) }
      let mailbox = try await store.mailbox(fixture.account(), name: .inbox)
      let uids = try await mailbox.snapshot().messages.map(\.uid)
      let first = try await mailbox.fetchIndex(uids)
      #expect(first.map(\.uid) == uids)
      #expect(String(decoding: first[0].envelope, as: UTF8.self).contains("Message 0"))
      let second = try await mailbox.fetchIndex(uids)
      #expect(second.map(\.envelope) == first.map(\.envelope))
      #expect(second.map(\.bodyStructure) == first.map(\.bodyStructure))
      let keys = try await mailbox.keys([5, 1, 7])
      #expect(keys.map(\.uid) == [1, 5, 7])
      #expect(keys.map(\.baseSubject) == ["MESSAGE 0", "MESSAGE 4", "MESSAGE 6"])
      #expect(keys[0].from == "BOB")
      #expect(keys[0].sentDate == Timestamp(seconds: 1_795_322_129))
      #expect(try await mailbox.search(.header(name: "Subject", text: "GE 42"), among: uids) == [43])
      #expect(try await mailbox.search(.header(name: "X-None", text: ""), among: uids) == [])
      #expect(try await mailbox.search(.header(name: "Message-ID", text: "<42@"), among: uids) == [43])
      #expect(try await mailbox.search(.text("HELLO"), among: [3, 4]) == [3, 4])
      #expect(try await mailbox.search(.body("message 42"), among: uids) == [])
    }
  }

  @Test("Sort columns order messages as their keys do, whether or not they were in the index")
  func sortColumns() async throws {
    let fixture = Fixture()
    try await fixture.withStore { store in
      let mailbox = try await store.mailbox(fixture.account(), name: .inbox)
      let subjects = ["b", "", "a longer subject", "a longer", "a longer subject", "Zebra", "über", "ab\u{0}c", "ab"]
      for subject in subjects {
        let text = "From: \(subject) <x@example.test>\r\nSubject: \(subject)\r\n\r\nbody\r\n"
        _ = try await mailbox.append([NewMessage(content: .bytes(Array(text.utf8)))])
      }
      _ = try await mailbox.append([NewMessage(content: .bytes(message(1)))])
      let uids = try await mailbox.snapshot().messages.map(\.uid)
      for _ in 0..<2 {
        let columns = try await mailbox.sortColumns(uids, [.displayFrom, .subject])
        let keys = try await mailbox.keys(uids)
        for left in uids.indices {
          for right in uids.indices {
            for (column, texts) in [
              (columns.texts[0], keys.map(\.displayFrom)), (columns.texts[1], keys.map(\.baseSubject)),
            ] {
              let (one, two) = (Array(texts[left].utf8), Array(texts[right].utf8))
              let expected = one == two ? 0 : (one.lexicographicallyPrecedes(two) ? -1 : 1)
              #expect(column.compare(left, right).signum() == expected)
            }
          }
        }
        #expect(columns.sentMilliseconds == keys.map { $0.sentDate?.milliseconds })
      }
      _ = try await mailbox.remove([uids[2]])
      let gone = try await mailbox.sortColumns(uids, [.subject])
      #expect(gone.texts[0].count == uids.count && gone.sentMilliseconds.count == uids.count)
    }
  }

  @Test("Expunged UIDs are told since a MODSEQ, and the record has an end")
  func expunged() async throws {
    let fixture = Fixture()
    try await fixture.withStore {
      $0.rememberedExpunges = 10
    } _: { store in
      for number in 0..<60 { _ = try await store.deliver(.bytes(message(number)), to: fixture.account()) }
      let mailbox = try await store.mailbox(fixture.account(), name: .inbox)
      let start = try await mailbox.snapshot().highestModSeq
      _ = try await mailbox.remove([1, 2, 3, 10])
      let middle = try await mailbox.snapshot().highestModSeq
      _ = try await mailbox.remove([20])
      #expect(try await mailbox.expunged(since: start) == ExpungedSince(isComplete: true, uids: [1, 2, 3, 10, 20]))
      #expect(try await mailbox.expunged(since: middle) == ExpungedSince(isComplete: true, uids: [20]))
      for uid in stride(from: UInt32(22), to: 60, by: 2) { _ = try await mailbox.remove([uid]) }
      #expect(try await mailbox.expunged(since: start).isComplete == false)
    }
  }
}
