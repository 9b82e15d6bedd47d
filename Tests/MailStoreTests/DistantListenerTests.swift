import Synchronization
import Testing

@testable import MailStore

@Suite("Listening to thousands of folders without keeping them in memory")
struct DistantListenerTests {
  /// What was called, by folder.
  private final class Woken: Sendable {
    private let names = Mutex<Set<String>>([])
    func add(_ name: String) { names.withLock { _ = $0.insert(name) } }
    func take() -> Set<String> {
      names.withLock { names in
        defer { names = [] }
        return names
      }
    }
  }

  @Test("Deliveries, sessions and other programs are noticed, whether or not a view is loaded; nothing stays behind")
  func noticed() async throws {
    let fixture = Fixture()
    try await fixture.withStore({ $0.pollInterval = .milliseconds(20) }) { store in
      let account = fixture.account()
      let names = try (0..<300).map { try MailboxName("f\($0)") }
      for name in names { try await store.createFolder(account, name: name) }
      let inner = try await store.mailbox(account, name: names[0]).store
      await inner.dropViews()
      let woken = Woken()
      var tokens: [ListenerToken] = []
      for name in names {
        tokens.append(try await store.addDistantListener(account, name: name) { woken.add(name.path) })
      }
      #expect(await inner.loadedViews == 0)
      func hears(_ name: Int) async throws -> Bool {
        try await eventually { woken.take().contains("f\(name)") }
      }
      // A delivery, while no view is there.
      _ = try await store.deliver(.bytes(message(1)), to: account, folder: names[7])
      #expect(try await hears(7))
      #expect(try await store.status(account, name: names[7]).messages == 1)
      // Another program.
      try put("\(fixture.maildir())/.f9/new/1700000000.M1.other", message(2))
      #expect(try await hears(9))
      #expect(try await store.status(account, name: names[9]).messages == 1)
      // A session, and what comes once its view was dropped again.
      let open = try await store.mailbox(account, name: names[7])
      _ = try await open.store(FlagChange(.add, keywords: ["$label"]), uids: [1])
      #expect(try await hears(7))
      await inner.dropViews()
      #expect(await inner.loadedViews == 0)
      _ = try await store.deliver(.bytes(message(3)), to: account, folder: names[7])
      #expect(try await hears(7))
      try put("\(fixture.maildir())/.f7/new/1700000001.M2.other", message(4))
      #expect(try await hears(7))
      #expect(try await store.status(account, name: names[7]).messages == 3)
      // Walking through all of them leaves most unloaded, and everybody still listening.
      for name in names { _ = try await store.status(account, name: name) }
      #expect(await inner.loadedViews < 200)
      _ = woken.take()
      for name in names { _ = try await store.deliver(.bytes(message(5)), to: account, folder: name) }
      var heard: Set<String> = []
      #expect(
        try await eventually {
          heard.formUnion(woken.take())
          return heard.count == names.count
        })
      for token in tokens { token.cancel() }
      await inner.dropViews()
      #expect(
        try await eventually {
          await inner.dropViews()
          return await inner.keptSeats == 0 && inner.arrivals.withLock { $0.isEmpty }
        })
    }
  }
}

extension AccountStore {
  fileprivate var loadedViews: Int { views.count }
  fileprivate var keptSeats: Int { seats.count }
}
