import Basics

/// What ETRN is answered with (RFC 1985 section 5.3).
package enum ETRNOutcome: Sendable, Equatable {
  /// 250: queuing started.
  case started
  /// 251: nothing waits.
  case nothingWaiting
  /// 252: messages wait and are being sent.
  case pendingStarted
  /// 253: so many messages wait and are being sent.
  case pending(Int)
  /// 458: cannot be done now.
  case unable
  /// 459: this node may not be asked for, with the reason.
  case notAllowed(String)
}

/// Starts the queue for a domain on a client's request; the queue then connects to the domain's MX, never back (R19).
package protocol RemoteQueueStarter: Sendable {
  /// Decides whether this client may ask for that node, and starts its queue.
  func start(_ node: ETRNNode, peer: IPAddress, sender: Sender?) async -> ETRNOutcome
}

/// Allows ETRN for nobody: what a host without secondary-MX customers wants.
package struct NoRemoteQueues: RemoteQueueStarter {
  /// Makes the starter; it has no state.
  package init() {}
  /// Refuses.
  package func start(_ node: ETRNNode, peer: IPAddress, sender: Sender?) async -> ETRNOutcome {
    .notAllowed("not on this server's list")
  }
}
