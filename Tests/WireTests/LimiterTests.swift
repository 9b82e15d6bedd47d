import Basics
import Synchronization
import Testing
import WireTesting

@testable import Wire

/// Counts from any task.
private final class Counter: Sendable {
  private let count = Atomic<Int>(0)
  var value: Int { count.load(ordering: .relaxed) }
  func add() { count.wrappingAdd(1, ordering: .relaxed) }
}

private let peer = IPAddress.v4(0xc000_0201)
private let other = IPAddress.v4(0xc000_0202)

@Suite struct FailedLoginLimiterTests {
  @Test func slowsDownFromTheThirdFailure() {
    let time = ManualTime()
    let limiter = FailedLoginLimiter(time: time)
    let delays = (0..<8).map { _ in limiter.note(peer) }
    #expect(delays == [0, 0, 1, 2, 4, 8, 8, 8].map { .seconds($0) })
    #expect(limiter.note(other) == .zero)
    time.advance(by: .seconds(60))
    #expect(limiter.note(peer) == .zero)
  }

  @Test func countsAnIPv6NetworkAsOneClient() throws {
    let limiter = FailedLoginLimiter(time: ManualTime())
    for index in 0..<3 { _ = limiter.note(.v6(0x2001_0db8_0000_0001, UInt64(index))) }
    #expect(limiter.note(.v6(0x2001_0db8_0000_0001, 99)) == .seconds(2))
    #expect(limiter.note(.v6(0x2001_0db8_0000_0002, 99)) == .zero)
  }

  @Test func checksOneASecondOverTheLimit() async throws {
    let time = ManualTime()
    let limiter = FailedLoginLimiter(time: time)
    for _ in 0..<10 { _ = limiter.note(peer) }
    try await limiter.admit(peer)
    try await limiter.admit(other)
    let admitted = Counter()
    try await withThrowingTaskGroup { group in
      for _ in 0..<3 {
        group.addTask {
          try await limiter.admit(peer)
          admitted.add()
        }
      }
      for second in 0..<3 {
        // The ones still waiting have asked the clock to be woken.
        try await settled { admitted.value == second && time.waiting == 3 - second }
        time.advance(by: .seconds(1))
      }
      try await group.waitForAll()
    }
    #expect(admitted.value == 3)
  }

  @Test func keepsNobodyWaitingLongerThanTwentySeconds() async throws {
    // Forty connections of one address guess as fast as they may; the owner there is served within 20 s.
    let time = ManualTime()
    let limiter = FailedLoginLimiter(time: time)
    for _ in 0..<10 { _ = limiter.note(peer) }
    let checks = Counter()
    let ended = Counter()
    let guessers = Task {
      await withDiscardingTaskGroup { group in
        for _ in 0..<40 {
          group.addTask {
            while !Task.isCancelled {
              do { try await limiter.admit(peer) } catch { break }
              checks.add()
              await limiter.failed(peer)
            }
            ended.add()
          }
        }
      }
    }
    // The clock moves only when everybody waits for it, so that a slow machine changes nothing.
    for _ in 0..<40 {
      try await settled { time.waiting + ended.value == 40 }
      time.advance(by: .milliseconds(500))
    }
    try await settled { time.waiting + ended.value == 40 }
    let start = time.uptime
    let before = checks.value
    let served = Mutex<Duration?>(nil)
    let owner = Task {
      try await limiter.admit(peer)
      served.withLock { $0 = time.uptime - start }
    }
    for _ in 0..<60 {
      try await settled { time.waiting + ended.value == (served.withLock { $0 } == nil ? 41 : 40) }
      time.advance(by: .milliseconds(500))
    }
    try await owner.value
    #expect(try #require(served.withLock { $0 }) <= .seconds(20))
    #expect(checks.value - before < 5 * 30)
    guessers.cancel()
    await guessers.value
  }

  @Test func forgetsTheOldestAddresses() {
    var settings = FailedLoginSettings()
    settings.addresses = 100
    let limiter = FailedLoginLimiter(settings: settings, time: ManualTime())
    for index in 0..<1000 { _ = limiter.note(.v4(UInt32(0x0a00_0000 + index))) }
    #expect(limiter.remembered <= 102)
  }

  @Test func leavesExemptNetworksAlone() async throws {
    var settings = FailedLoginSettings()
    settings.exemptNetworks = [IPNetwork(peer, prefix: 24)]
    let limiter = FailedLoginLimiter(settings: settings, time: ManualTime())
    for _ in 0..<50 { #expect(limiter.note(peer) == .zero) }
    try await limiter.admit(peer)
  }

  @Test func notesOnlyWrongCredentials() async throws {
    let time = ManualTime()
    let limiter = FailedLoginLimiter(time: time)
    #expect(try await limiter.guarded(peer) { 7 } == 7)
    await #expect(throws: LoginRefusal.busy) { try await limiter.guarded(peer) { throw LoginRefusal.busy } }
    #expect(limiter.remembered == 0)
    await #expect(throws: LoginRefusal.badCredentials) {
      try await limiter.guarded(peer) { throw LoginRefusal.badCredentials }
    }
    #expect(limiter.remembered == 1)
  }
}

/// Waits until a condition holds.
private func settled(_ condition: () -> Bool) async throws {
  for _ in 0..<6000 {
    if condition() { return }
    try await Task.sleep(for: .milliseconds(5))
  }
  throw TestFailure("waited in vain")
}
