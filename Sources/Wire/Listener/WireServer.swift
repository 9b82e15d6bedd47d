import Basics
import Logging

/// All listeners of the host and the sessions behind them.
package final class WireServer: Sendable {
  /// The limits it was made with.
  package let settings: WireSettings

  /// Makes a server without listeners.
  ///
  /// - Parameters:
  ///   - tls: certificates for STARTTLS and implicit TLS; `nil` where none are configured.
  package init(settings: WireSettings = WireSettings(), tls: TLSCertificates?, time: any TimeSource, log: Logger) {
    self.settings = settings
  }

  /// Binds all addresses of a service and begins to accept; on failure none of them stays bound.
  ///
  /// - Throws: `ListenError` with one line to show.
  package func listen(_ spec: ListenerSpec, handler: any ConnectionHandler) async throws -> [BoundAddress] {
    throw ListenError(text: "not listening")
  }

  /// Stops listening, tells waiting sessions (`ConnectionError.shuttingDown`), waits for them at most `limit`, and
  /// closes what is left.
  package func drain(within limit: Duration) async {}

  /// Ends the sessions of an account; their next read throws `.ended(reason:)`.
  ///
  /// - Returns: how many there were.
  @discardableResult
  package func endSessions(account: Int64, reason: String) -> Int { 0 }

  /// Ends the sessions of a network on the named listeners (blacklist).
  @discardableResult
  package func endSessions(network: IPNetwork, listeners: Set<String>, reason: String) -> Int { 0 }

  /// The open sessions, for `martinet status`.
  package func sessions() -> [SessionInfo] { [] }

  /// Counts since start and now.
  package var counts: WireCounts { WireCounts() }
}

/// Why an address could not be listened on, as one line.
package struct ListenError: Error, CustomStringConvertible, Sendable {
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
}
