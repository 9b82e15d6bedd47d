import Basics
import Synchronization

/// What became of mail to one destination, not written down yet.
struct DestinationOutcome: Sendable {
  let domain: String
  var first: Timestamp
  var last: Timestamp
  var accepted = 0
  var failed = 0
}

/// Outcomes that wait to be written, bounded; what does not fit is not counted.
final class DestinationOutcomes: Sendable {
  private let waiting = Mutex<[String: DestinationOutcome]>([:])

  func add(_ domain: String, accepted: Int, failed: Int, now: Timestamp, capacity: Int) {
    waiting.withLock { waiting in
      guard waiting[domain] != nil || waiting.count < capacity else { return }
      var outcome = waiting[domain] ?? DestinationOutcome(domain: domain, first: now, last: now)
      outcome.last = max(outcome.last, now)
      outcome.accepted &+= accepted
      outcome.failed &+= failed
      waiting[domain] = outcome
    }
  }

  /// Takes everything that waits.
  func take() -> [DestinationOutcome] {
    waiting.withLock { waiting in
      defer { waiting = [:] }
      return Array(waiting.values)
    }
  }

  /// Puts back what could not be written.
  func restore(_ outcomes: [DestinationOutcome], capacity: Int) {
    for outcome in outcomes {
      add(
        outcome.domain, accepted: outcome.accepted, failed: outcome.failed, now: outcome.last, capacity: capacity)
    }
  }
}
