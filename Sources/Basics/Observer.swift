import Synchronization

/// One place where somebody may listen for notices.
package final class Observer<Notice: Sendable>: Sendable {
  // A closure kept as a bare value under a lock is wrapped once more each time it is taken out: after some ten thousand
  // notices the chain of wrappers overruns the stack. A reference to it stays what it is.
  private final class Listener: Sendable {
    let call: @Sendable (Notice) -> Void

    init(_ call: @escaping @Sendable (Notice) -> Void) { self.call = call }
  }
  private let listener = Mutex<Listener?>(nil)

  /// Nobody listens yet.
  package init() {}

  /// Calls back for every notice from now on; the last caller counts.
  ///
  /// - Parameter onNotice: must be short and must not wait; it may run on any thread.
  package func listen(_ onNotice: @escaping @Sendable (Notice) -> Void) {
    let new = Listener(onNotice)
    listener.withLock { $0 = new }
  }

  /// Tells the listener; the notice is only made when there is one.
  package func tell(_ notice: @autoclosure () -> Notice) {
    guard let listener = listener.withLock({ $0 }) else { return }
    listener.call(notice())
  }
}
