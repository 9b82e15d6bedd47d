import Synchronization

/// Counts the octets that the views of one account take, for the store's bound.
///
/// Each view notes its own: counting all of them anew at each would cost an account of ten thousand folders the square.
final class ViewMemory: Sendable {
  private let count = Atomic<Int>(0)
  private let host: StoreHost

  init(host: StoreHost) { self.host = host }

  /// Octets the account's views take.
  var octets: Int { count.load(ordering: .relaxed) }

  func change(by octets: Int) {
    count.wrappingAdd(octets, ordering: .relaxed)
    host.viewBytes.wrappingAdd(octets, ordering: .relaxed)
  }
}
