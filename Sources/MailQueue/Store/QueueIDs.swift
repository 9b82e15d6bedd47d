import Basics
import GRDB
import Synchronization

/// Hands out ids that are never used twice, across restarts and processes, like Postfix's `A6ADC402D4`.
///
/// A counter of 40 bits advances by blocks reserved in the database; a block starts no lower than the wall clock's
/// place (4096 ids a second), so that a lost database does not lead back to old ids. The counter is scrambled by a
/// one-to-one function, which keeps ids apart at a glance.
final class QueueIDs: Sendable {
  static let blockSize: UInt64 = 4096
  private static let mask: UInt64 = (1 << 40) - 1

  private struct State {
    var next: UInt64 = 0
    var end: UInt64 = 0
    var refilling = false
    var spare: Range<UInt64>?

    /// A number, when there is one, and whether a spare block should be fetched.
    mutating func take() -> (UInt64?, Bool) {
      if next == end, let spare {
        (next, end) = (spare.lowerBound, spare.upperBound)
        self.spare = nil
      }
      let refill = spare == nil && !refilling && end - next < QueueIDs.blockSize / 2
      if refill { refilling = true }
      guard next < end else { return (nil, refill) }
      defer { next += 1 }
      return (next, refill)
    }

    mutating func add(_ start: UInt64) {
      if spare == nil { spare = start..<(start + QueueIDs.blockSize) }
    }
  }
  private let state = Mutex(State())
  private let reserve: @Sendable () throws -> UInt64
  private let refillLater: @Sendable (@escaping @Sendable () -> Void) -> Void

  /// - Parameters:
  ///   - reserve: reserves a block and gives its start; blocks the caller.
  ///   - refillLater: runs a closure on a thread that may block.
  init(
    reserve: @escaping @Sendable () throws -> UInt64,
    refillLater: @escaping @Sendable (@escaping @Sendable () -> Void) -> Void
  ) {
    self.reserve = reserve
    self.refillLater = refillLater
  }

  /// Reserves the first block ahead of need; tools that only list the queue never write.
  ///
  /// Without room on the disk the queue can still be read; the first id to be given tries again.
  func prepare() {
    guard let start = try? reserve() else { return }
    state.withLock { $0.add(start) }
  }

  func next() -> String {
    while true {
      let (number, refill) = state.withLock { $0.take() }
      if refill { refillLater { [weak self] in self?.refill() } }
      if let number { return Self.text(number) }
      // The spare block is not there yet. Should the database be full or busy, any other place of the counter does:
      // a file is never replaced, so that an id that came twice would only cost its sender another try.
      let start = (try? reserve()) ?? UInt64.random(in: 0...Self.mask)
      state.withLock { $0.add(start) }
    }
  }

  private func refill() {
    let start = try? reserve()
    state.withLock { state in
      state.refilling = false
      if let start { state.add(start) }
    }
  }

  /// Reserves the next block in the database.
  static func reserve(_ pool: DatabasePool, now: Timestamp) throws -> UInt64 {
    try pool.write { db in
      let stored = try Int64.fetchOne(db, sql: "SELECT value FROM counter WHERE name = 'id'") ?? 0
      let byClock = UInt64(clamping: now.seconds) &* blockSize
      let start = max(UInt64(clamping: stored), byClock)
      try db.execute(
        sql: """
          INSERT INTO counter (name, value) VALUES ('id', ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value
          """, arguments: [Int64(clamping: start + blockSize)])
      return start
    }
  }

  /// Ten digits for a counter value; different for all values that are less than 2⁴⁰ apart.
  static func text(_ number: UInt64) -> String {
    // An odd factor and xor-shifts are each one-to-one on 40 bits.
    var value = number & mask
    value = (value &* 0x5D_2A6F_3C9B) & mask
    value ^= value >> 21
    value = (value &* 0x91_E3C5_8B27) & mask
    value ^= value >> 19
    let digits = String(value, radix: 16, uppercase: true)
    return String(repeating: "0", count: 10 - digits.count) + digits
  }
}
