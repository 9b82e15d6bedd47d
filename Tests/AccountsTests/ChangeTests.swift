import Basics
import GRDB
import Synchronization
import Testing

@testable import Accounts

@Suite("The feed of changes") struct ChangeTests {
  @Test("everything that can end a session is told, with the account it happened to")
  func kinds() async throws {
    let house = try House()
    try await house.settle()
    let accounts = house.accounts
    let alice = try await accounts.account(login: "alice@example.test")
    let heard = Mutex<[AccountChange.What]>([])
    let watch = accounts.watch(account: alice.id) { change in heard.withLock { $0.append(change.what) } }
    try await accounts.setPassword("alice@example.test", .clear(Array("x".utf8)))
    try await accounts.setAccount("alice@example.test", suspended: true)
    try await accounts.setAccount("alice@example.test", deny: [.imap])
    try await accounts.setAccount("alice@example.test", quota: .bytes(1 << 20))
    try await accounts.setAccount("bob@example.test", suspended: true)
    try await accounts.setDomain("example.test", deny: [.pop])
    try await accounts.removeAccount("alice@example.test")
    #expect(heard.withLock { $0 } == [.password, .suspended, .flags, .quota, .flags, .deleted])
    watch.cancel()
  }

  @Test("another process's change is heard at once when poked, and at the next poll otherwise")
  func otherProcess() async throws {
    let house = try House()
    try await house.settle()
    let cli = try house.neighbour()
    let alice = try await cli.account(login: "alice@example.test")
    var changes = house.accounts.accountChanges().makeAsyncIterator()
    try await cli.setPassword("alice@example.test", .clear(Array("x".utf8)))
    house.accounts.poke()
    #expect(await changes.next() == AccountChange(accountID: alice.id, what: .password))

    let running = Task { await house.accounts.run() }
    try await cli.removeDomain("example.test")
    let mover = Task {
      while !Task.isCancelled {
        house.time.advance(by: .seconds(1))
        try await Task.sleep(for: .milliseconds(5))
      }
    }
    var gone: Set<Int64> = []
    while gone.count < 3, let change = await changes.next() {
      if change.what == .deleted { gone.insert(change.accountID) }
    }
    #expect(gone.contains(alice.id))
    mover.cancel()
    running.cancel()
    await running.value
  }

  @Test("a reader that falls behind is told by the end of its stream")
  func behind() async throws {
    let house = try House()
    try await house.settle()
    let alice = try await house.accounts.account(login: "alice@example.test")
    let stream = house.accounts.accountChanges()
    try await house.accounts.change { database in
      for _ in 0..<10_500 {
        try database.execute(sql: "INSERT INTO changes(account_id, what) VALUES (?, 'flags')", arguments: [alice.id])
      }
    }
    var count = 0
    for await _ in stream { count += 1 }
    #expect(count == 10_000)
  }

  @Test("the table of changes does not grow for ever")
  func pruned() async throws {
    var settings = AccountSettings()
    settings.keptChanges = 20
    let house = try House(settings)
    try await house.settle()
    for round in 0..<60 {
      try await house.accounts.setAccount("alice@example.test", quota: .bytes(Int64(round) + 1))
    }
    let rows = try await house.accounts.database.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM changes") }
    #expect(rows ?? 0 < 40)
  }

  @Test("a watch that is released is silent")
  func released() async throws {
    let house = try House()
    try await house.settle()
    let alice = try await house.accounts.account(login: "alice@example.test")
    let heard = Mutex(0)
    do { _ = house.accounts.watch(account: alice.id) { _ in heard.withLock { $0 += 1 } } }
    try await house.accounts.setAccount("alice@example.test", suspended: true)
    #expect(heard.withLock { $0 } == 0)
  }
}
