import Basics

/// Why an address could not be listened on, as one line.
package struct ListenError: Error, CustomStringConvertible, Sendable, Equatable {
  /// For instance `smtp: cannot listen on 0.0.0.0:25: Permission denied`.
  package let text: String
  /// The same line.
  package var description: String { text }
}

/// One open session.
package struct SessionInfo: Sendable {
  /// `Connection.id`.
  package let id: String
  /// The listener's name.
  package let listener: String
  /// The client's address.
  package let peer: IPAddress
  /// When it was accepted.
  package let since: Timestamp
  /// The account, once it has logged in.
  package let account: Int64?
  /// Whether TLS is on.
  package let tls: Bool
}

/// Numbers for `martinet status`.
package struct WireCounts: Sendable, Equatable {
  /// Sessions open now, by listener.
  package var open: [String: Int] = [:]
  /// Connections accepted since start.
  package var accepted = 0
  /// Connections turned away since start.
  package var refused = 0
  /// TLS handshakes done since start.
  package var handshakes = 0
  /// TLS handshakes failed since start.
  package var failedHandshakes = 0

  /// All zero.
  package init() {}
}
