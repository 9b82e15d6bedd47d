import Basics
import Synchronization

/// Sender domains that were found to exist a short while ago: most mail comes from few domains, and each question costs
/// two names and a timer.
///
/// Only good answers are kept; whoever mends a domain is believed at once.
final class SenderDomainMemory: Sendable {
  private let expiries = Mutex<[String: Duration]>([:])
  private let time: any TimeSource
  /// Names kept at most.
  private static let capacity = 8192

  init(time: any TimeSource) { self.time = time }

  /// Whether the domain was seen, and not too long ago.
  func isKnown(_ domain: String) -> Bool {
    guard let expiry = expiries.withLock({ $0[domain] }) else { return false }
    return time.uptime < expiry
  }

  /// Notes that the domain exists, for so long.
  func note(_ domain: String, for lifetime: Duration) {
    guard lifetime > .zero else { return }
    let now = time.uptime
    expiries.withLock { expiries in
      if expiries.count >= Self.capacity {
        expiries = expiries.filter { now < $0.value }
        if expiries.count >= Self.capacity { expiries = [:] }
      }
      expiries[domain] = now + lifetime
    }
  }
}
