import Basics
import Synchronization

/// What is counted in sliding windows.
enum RateKind: String, Sendable, CaseIterable {
  /// Messages accepted at MAIL (R3).
  case messages
  /// Messages to or from domains that are not validated (R4).
  case unvalidated
  /// Messages of an account whose offer has a bound for the hour.
  case offerMessages = "messages-per-hour"
  /// Messages relayed under a lease.
  case leaseMessages = "lease-messages"
  /// Recipients relayed to under a lease.
  case leaseRecipients = "lease-recipients"
  /// Overruns of size or recipients.
  case strikes
  /// Wrong passwords.
  case failedLogins = "failed-logins"
  /// Accounts of one network that were stopped.
  case stoppedAccounts = "stopped-accounts"

  /// How long an event counts.
  func window(_ settings: RelaySettings) -> Duration {
    switch self {
    case .messages, .unvalidated: settings.limits.window
    case .leaseMessages: .seconds(60)
    case .offerMessages, .leaseRecipients, .stoppedAccounts: .seconds(3600)
    case .strikes: settings.limits.strikeWindow
    case .failedLogins: settings.openSMTP.pauseWindow
    }
  }
}

/// Whose events are counted.
struct RateKey: Hashable, Sendable {
  let kind: RateKind
  /// The network's text, or `#` and the account's id, or both for a lease.
  let owner: String

  init(_ kind: RateKind, net: IPNetwork) {
    self.kind = kind
    owner = net.description
  }

  init(_ kind: RateKind, accountID: Int64) {
    self.kind = kind
    owner = "#\(accountID)"
  }

  init(_ kind: RateKind, lease: Lease) {
    self.kind = kind
    owner = "\(lease.net)#\(lease.accountID)"
  }

  /// Reads the form that `text` writes.
  init?(text: String) {
    let parts = text.split(separator: " ", maxSplits: 1)
    guard parts.count == 2, let kind = RateKind(rawValue: String(parts[0])) else { return nil }
    self.kind = kind
    owner = String(parts[1])
  }

  /// `messages 192.0.2.7`.
  var text: String { "\(kind.rawValue) \(owner)" }
}

/// One limit that an event must stay under.
struct RateLimit: Sendable {
  let key: RateKey
  let limit: Int
  let window: Duration
}

/// A window as it is written down: the kind's key and the moments by the wall clock.
struct SavedRate: Sendable {
  let key: RateKey
  let samples: [SlidingWindow.Sample]
}

/// The sliding windows of all networks and accounts, exact to the millisecond, bounded in number.
final class RateCounters: Sendable {
  private struct State {
    var windows: [RateKey: SlidingWindow] = [:]
    var dirty: Set<RateKey> = []
  }
  private let state = Mutex(State())
  private let capacity: Int

  init(capacity: Int) { self.capacity = max(16, capacity) }

  /// Counts an event in all windows, or in none when one of them is full.
  ///
  /// - Returns: the limit that is reached; `nil` when the event was counted.
  func charge(_ limits: [RateLimit], count: Int, uptime: Duration) -> RateLimit? {
    let now = uptime.wholeMilliseconds
    return state.withLock { state in
      for limit in limits {
        let length = limit.window.wholeMilliseconds
        state.windows[limit.key]?.trim(now: now, length: length)
        let total = state.windows[limit.key]?.total ?? 0
        if total &+ count > limit.limit { return limit }
      }
      for limit in limits {
        state.windows[limit.key, default: SlidingWindow()].add(
          count, now: now, length: limit.window.wholeMilliseconds)
        state.dirty.insert(limit.key)
      }
      if state.windows.count > capacity { Self.shrink(&state, to: capacity - capacity / 8) }
      return nil
    }
  }

  /// Counts events without a limit and gives how many are in the window with them.
  func count(_ key: RateKey, window: Duration, uptime: Duration) -> Int {
    _ = charge([RateLimit(key: key, limit: .max, window: window)], count: 1, uptime: uptime)
    return total(key, window: window, uptime: uptime)
  }

  /// How long until one more event fits under a limit.
  func wait(for limit: RateLimit, uptime: Duration) -> Duration {
    let now = uptime.wholeMilliseconds
    return state.withLock { state in
      let wait = state.windows[limit.key]?.wait(
        for: 1, limit: limit.limit, now: now, length: limit.window.wholeMilliseconds)
      return .milliseconds(wait ?? 0)
    }
  }

  /// Events in the window now.
  func total(_ key: RateKey, window: Duration, uptime: Duration) -> Int {
    let now = uptime.wholeMilliseconds
    return state.withLock { state in
      state.windows[key]?.trim(now: now, length: window.wholeMilliseconds)
      return state.windows[key]?.total ?? 0
    }
  }

  /// Forgets what a network or account did before a moment of the monotonic clock.
  func reset(owner: String, before uptime: Duration) {
    let moment = uptime.wholeMilliseconds
    state.withLock { state in
      for kind in RateKind.allCases {
        guard let key = RateKey(text: "\(kind.rawValue) \(owner)"), state.windows[key] != nil else { continue }
        state.windows[key]?.drop(before: moment)
        state.dirty.insert(key)
      }
    }
  }

  /// Takes the windows that changed since they were last written, in moments of the wall clock.
  func takeChanges(now: Timestamp, uptime: Duration, windows: (RateKind) -> Duration) -> [SavedRate] {
    let shift = now.milliseconds &- uptime.wholeMilliseconds
    return state.withLock { state in
      defer { state.dirty = [] }
      return state.dirty.compactMap { key in
        let length = windows(key.kind).wholeMilliseconds
        state.windows[key]?.trim(now: uptime.wholeMilliseconds, length: length)
        guard let window = state.windows[key] else { return nil }
        if window.total == 0 { state.windows[key] = nil }
        return SavedRate(key: key, samples: Self.coarse(window.samples, shift: shift, step: max(1, length / 120)))
      }
    }
  }

  /// Marks windows that could not be written.
  func restoreDirty(_ saved: [SavedRate]) {
    state.withLock { state in
      for rate in saved where state.windows[rate.key] != nil { state.dirty.insert(rate.key) }
    }
  }

  /// Reads back what an earlier process wrote.
  func restore(_ saved: [SavedRate], now: Timestamp, uptime: Duration) {
    let shift = now.milliseconds &- uptime.wholeMilliseconds
    state.withLock { state in
      for rate in saved.prefix(capacity) {
        var window = SlidingWindow()
        for sample in rate.samples where sample.at <= now.milliseconds {
          window.add(sample.count, now: sample.at &- shift, length: 0)
        }
        if window.total > 0 { state.windows[rate.key] = window }
      }
    }
  }

  /// Windows remembered.
  var count: Int { state.withLock { $0.windows.count } }

  private static func coarse(_ samples: [SlidingWindow.Sample], shift: Int64, step: Int64) -> [SlidingWindow.Sample] {
    var result: [SlidingWindow.Sample] = []
    for sample in samples {
      let at = sample.at &+ shift
      if let last = result.last, samples.count > 120, at - last.at < step {
        result[result.count - 1].count &+= sample.count
      } else {
        result.append(SlidingWindow.Sample(at: at, count: sample.count))
      }
    }
    return result
  }

  /// Drops the windows that moved longest ago.
  private static func shrink(_ state: inout State, to size: Int) {
    let oldest = state.windows.sorted { ($0.value.samples.last?.at ?? .min) < ($1.value.samples.last?.at ?? .min) }
    for (key, _) in oldest.prefix(max(0, state.windows.count - size)) {
      state.windows[key] = nil
      state.dirty.remove(key)
    }
  }
}
