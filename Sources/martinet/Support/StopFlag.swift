import Synchronization

/// Whether SIGINT or SIGTERM came, for work that ends at its own next step.
final class StopFlag: Sendable {
  private let flag = Atomic<Bool>(false)
  private let watch = Mutex<Task<Void, Never>?>(nil)

  init() {
    let task = Task { [weak self] in
      await Interruption.wait()
      if !Task.isCancelled { self?.flag.store(true, ordering: .relaxed) }
    }
    watch.withLock { $0 = task }
  }

  /// Whether one came.
  var isSet: Bool { flag.load(ordering: .relaxed) }

  /// Stops watching.
  func end() { watch.withLock { $0?.cancel() } }
}
