/// How many events fell into the last so many milliseconds, exact to the millisecond.
///
/// An event leaves the window when it is exactly as old as the window is long. Above `samples` entries events
/// close together share one entry, so that a large limit costs bounded memory.
struct SlidingWindow: Sendable {
  /// Events at one moment.
  struct Sample: Sendable, Hashable {
    /// When, in milliseconds of the monotonic clock.
    var at: Int64
    /// How many.
    var count: Int
  }

  private(set) var samples: [Sample] = []
  private(set) var total = 0
  private static let capacity = 1024

  /// Forgets what is `length` old or older.
  mutating func trim(now: Int64, length: Int64) {
    var gone = 0
    while gone < samples.count, now &- samples[gone].at >= length {
      total &-= samples[gone].count
      gone += 1
    }
    if gone > 0 { samples.removeFirst(gone) }
  }

  /// Adds events that happen now.
  mutating func add(_ count: Int, now: Int64, length: Int64) {
    guard count > 0 else { return }
    total &+= count
    if let last = samples.last {
      let near = samples.count >= Self.capacity ? max(length / 512, 1) : 0
      if now &- last.at <= near {
        samples[samples.count - 1].count &+= count
        return
      }
    }
    samples.append(Sample(at: now, count: count))
  }

  /// Milliseconds until `needed` events have left, so that as many new ones fit; 0 when they fit now.
  func wait(for needed: Int, limit: Int, now: Int64, length: Int64) -> Int64 {
    var excess = total &+ needed &- limit
    for sample in samples {
      if excess <= 0 { return 0 }
      excess -= sample.count
      if excess <= 0 { return max(0, length &- (now &- sample.at)) }
    }
    return excess <= 0 ? 0 : length
  }

  /// Forgets events before a moment: an administrator reset the counter then.
  mutating func drop(before moment: Int64) {
    let kept = samples.filter { $0.at >= moment }
    samples = kept
    total = kept.reduce(0) { $0 &+ $1.count }
  }
}
