import Basics

/// What others may want to count.
package enum RelayNotice: Sendable, Equatable {
  /// A POP login within the login delay.
  case throttled(account: String)
  /// A login that opened SMTP, or started its hour anew.
  case lease(account: String, net: IPNetwork)
  /// A limit that a network or account hit.
  case limit(owner: String, limit: String)
}

extension RelayAccess {
  /// Calls back for every notice; the last caller counts.
  ///
  /// - Parameter onNotice: must be short and must not wait; it may run on any thread.
  package func observe(_ onNotice: @escaping @Sendable (RelayNotice) -> Void) {
    observer.listen(onNotice)
  }

  func tell(_ notice: @autoclosure () -> RelayNotice) {
    observer.tell(notice())
  }
}
