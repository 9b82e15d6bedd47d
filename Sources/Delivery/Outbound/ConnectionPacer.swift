import Synchronization

/// Spreads new connections to one destination: so many a second and no more, whoever asks for them.
final class ConnectionPacer: Sendable {
  /// The latest starts by destination, on the monotonic clock; some lie ahead.
  private let starts = Mutex<[String: [Duration]]>([:])
  /// Destinations remembered before those of the last second are sorted out.
  private static let capacity = 10_000

  /// Takes the next place.
  ///
  /// - Parameter rate: connections in any one second; 0 for any number.
  /// - Returns: how long to wait before connecting.
  func reserve(_ key: String, rate: Int, now: Duration) -> Duration {
    guard rate > 0 else { return .zero }
    return starts.withLock { starts in
      if starts.count > Self.capacity { starts = starts.filter { now - ($0.value.last ?? .zero) < .seconds(1) } }
      var recent = (starts[key] ?? []).filter { now - $0 < .seconds(1) }
      let start = recent.count < rate ? now : max(now, recent[recent.count - rate] + .seconds(1))
      recent.append(start)
      starts[key] = recent
      return start - now
    }
  }
}
