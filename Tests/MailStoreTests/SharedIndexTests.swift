import Basics
import Glibc
import Synchronization
import Testing

@testable import MailStore

/// Two processes with one account's index: the server and the CLI, for instance.
@Suite struct SharedIndexTests {
  private final class Flag: Sendable {
    let isSet = Atomic<Bool>(false)
  }

  @Test("What is copied, moved, changed and removed beside another process is done once and told whole")
  func beside() async throws {
    let fixture = Fixture()
    let account = fixture.account(quota: QuotaLimit(bytes: 1 << 30))
    let (archive, busy) = (try MailboxName("Archive"), try MailboxName("Busy"))
    try await fixture.withStore { store in
      let inbox = try await store.mailbox(account, name: .inbox)
      for name in [archive, busy] { try await store.createFolder(account, name: name) }
      let target = try await store.mailbox(account, name: archive)
      let count = 400
      _ = try await inbox.append((0..<count).map { NewMessage(content: .bytes(message($0)), keywords: ["kept"]) })
      let done = Flag()
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask {
          // Every STORE of a keyword is a commit of its own to the same index.
          try await fixture.withStore { other in
            let mailbox = try await other.mailbox(account, name: busy)
            _ = try await mailbox.append([NewMessage(content: .bytes(message(1)))])
            while !done.isSet.load(ordering: .relaxed) {
              for mode in [FlagChange.Mode.add, .remove] {
                _ = try await mailbox.store(FlagChange(mode, keywords: ["busy"]), uids: [1])
              }
            }
          }
        }
        var (copied, moved) = (0, 0)
        for start in stride(from: 1, to: UInt32(count), by: 40) {
          let part = Array(start..<start + 40)
          let copies = try await inbox.copy(part, to: target)
          #expect(copies.source == part && copies.assigned.count == 40)
          let marked = try await inbox.store(FlagChange(.add, flags: .answered), uids: part, unchangedSince: .max)
          #expect(marked.messages.count == 40 && marked.modified.isEmpty)
          let moves = try await inbox.move(Array(part.prefix(20)), to: target)
          #expect(moves.source == Array(part.prefix(20)))
          #expect(try await inbox.remove(Array(part.suffix(20))) == Array(part.suffix(20)))
          copied += copies.assigned.count
          moved += moves.assigned.count
        }
        done.isSet.store(true, ordering: .relaxed)
        try await group.waitForAll()
        #expect(copied == count && moved == count / 2)
        let held = try await target.snapshot()
        #expect(held.messages.count == copied + moved)
        #expect(held.messages.allSatisfy { $0.keywords != 0 })
        #expect(try await inbox.snapshot().messages.isEmpty)
      }
      let told = try await store.quotaUse(account)
      #expect(told.messages == count + count / 2 + 1)
      let ledger = try store.registry.account(account.directory).ledger
      #expect(try ledger.recount(account.quota) == told)
    }
  }
}
