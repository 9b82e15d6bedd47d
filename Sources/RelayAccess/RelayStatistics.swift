import Synchronization

/// What the room counted since the process started, for `status` and reports.
package final class RelayStatistics: Sendable {
  /// One kind of event.
  package enum Event: String, Sendable, CaseIterable {
    case opened, refreshed, revoked, paused
    case allowedByAuth = "allowed-by-auth"
    case allowedByLease = "allowed-by-lease"
    case denied
    case deniedJustExpired = "denied-just-expired"
    case throttled
    case rateRefused = "rate-refused"
    case blacklisted, silenced
  }
  private let counts = Mutex<[Event: Int]>([:])

  func add(_ event: Event, _ count: Int = 1) { counts.withLock { $0[event, default: 0] &+= count } }

  /// The count of one event.
  package subscript(event: Event) -> Int { counts.withLock { $0[event] ?? 0 } }

  /// All counts by name.
  package var all: [String: Int] {
    counts.withLock { counts in
      Dictionary(uniqueKeysWithValues: Event.allCases.map { ($0.rawValue, counts[$0] ?? 0) })
    }
  }
}
