import Basics

#if canImport(Glibc)
  import Glibc
#endif

/// Why an address could not be listened on, as one line.
package struct ListenError: Error, CustomStringConvertible, Sendable, Equatable {
  /// For instance `smtp: cannot listen on 0.0.0.0:25: Address already in use; ` and what to do.
  package let text: String
  /// The same line.
  package var description: String { text }

  /// What helps against an error of the kernel's.
  static func remedy(_ code: CInt?) -> String {
    switch code {
    case EADDRINUSE: "; stop the program that has it (`ss -ltnp` names it), or change \"listen\""
    case EACCES: "; ports below 1024 need root or CAP_NET_BIND_SERVICE: give it, or change \"listen\""
    case EADDRNOTAVAIL: "; this machine does not have that address: change \"listen\""
    default: ""
    }
  }
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
