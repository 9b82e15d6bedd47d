import Basics

/// One service's addresses and how connections to them begin.
package struct ListenerSpec: Sendable {
  /// Name in logs and decisions: `smtp`, `submission`, `imaps` and so on.
  package var name: String
  /// Where to listen; port 0 takes a free one.
  package var addresses: [(host: String, port: Int)]
  /// TLS from the first octet on (465, 993, 995).
  package var implicitTLS: Bool
  /// Networks whose connections must begin with a PROXY header, version 1 or 2, and that alone may send one.
  package var proxyNetworks: [IPNetwork]
  /// Networks that may connect, others get no octet; empty: all.
  package var allowedNetworks: [IPNetwork]
  /// Whether sessions are expected to log in: the limits on those that have not, and the time before login, apply.
  package var expectsLogin: Bool

  /// Makes a description; see the properties.
  package init(
    name: String, addresses: [(host: String, port: Int)], implicitTLS: Bool = false, proxyNetworks: [IPNetwork] = [],
    allowedNetworks: [IPNetwork] = [], expectsLogin: Bool = true
  ) {
    self.name = name
    self.addresses = addresses
    self.implicitTLS = implicitTLS
    self.proxyNetworks = proxyNetworks
    self.allowedNetworks = allowedNetworks
    self.expectsLogin = expectsLogin
  }
}

/// Where a listener is bound.
package struct BoundAddress: Sendable, Hashable {
  /// The listener's name.
  package let listener: String
  /// The local address.
  package let address: IPAddress
  /// The local port, also when 0 was asked for.
  package let port: Int
}

/// Why a connection is turned away before its session starts.
package enum ConnectionRefusal: Sendable, Hashable {
  /// `connections-per-address` are open from this address.
  case tooManyFromAddress
  /// Too many connections from this address have not logged in.
  case tooManyPendingFromAddress
  /// The server's total is reached, of all connections or of those that have not logged in.
  case tooManyInAll
  /// The server shuts down.
  case shuttingDown
}

/// A protocol server: one value serves all connections of its listeners.
package protocol ConnectionHandler: Sendable {
  /// Says whether a connection is served at all, before TLS and before any octet is sent; may hold it for a while.
  ///
  /// Without an implementation all are. `false`: the connection is closed as it is.
  func meet(_ connection: Connection) async throws -> Bool
  /// Serves one connection until its end; the caller flushes and closes. Runs on the connection's event loop.
  ///
  /// Errors of type `ConnectionError` are ordinary ends; others are logged as failures of the session.
  func serve(_ connection: Connection) async throws
  /// What a client is told that is turned away, as whole lines; `nil`: nothing.
  func refusal(_ reason: ConnectionRefusal) -> [UInt8]?
}

extension ConnectionHandler {
  /// Serves everyone.
  package func meet(_ connection: Connection) async throws -> Bool { true }
}
