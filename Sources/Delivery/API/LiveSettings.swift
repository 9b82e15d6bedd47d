import Synchronization

/// Settings that may be exchanged while the server runs (SIGHUP); whoever works by them asks each time.
final class LiveSettings: Sendable {
  private let current: Mutex<DeliverySettings>

  init(_ settings: DeliverySettings) { current = Mutex(settings) }

  /// The settings now.
  var value: DeliverySettings { current.withLock { $0 } }

  func update(_ settings: DeliverySettings) { current.withLock { $0 = settings } }
}
