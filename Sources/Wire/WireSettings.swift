import Basics

/// Every limit and time of the room, with its default.
package struct WireSettings: Sendable {
  /// Length of the kernel's queue of connections that were not accepted yet.
  package var backlog: Int32 = 1024
  /// Connections open at once in all (`connections`); further ones are refused.
  package var connections = 20_000
  /// Connections open at once from one /32 or /64 (`connections-per-address`).
  package var connectionsPerAddress = 50
  /// Connections in all that have not logged in, on listeners that expect a login.
  package var pendingConnections = 4_000
  /// Connections from one /32 or /64 that have not logged in, on listeners that expect a login.
  package var pendingPerAddress = 40
  /// Networks that neither the per-address limits nor the login slowdown touch (`exempt-networks`).
  package var exemptNetworks: [IPNetwork] = []
  /// Time within which a TLS handshake, or a PROXY header, has to be complete.
  package var handshakeTimeout: Duration = .seconds(30)
  /// Time from connecting within which a session that expects a login has to log in.
  package var timeBeforeLogin: Duration = .seconds(180)
  /// Time without any progress after which a client that does not read is cut off.
  package var writeTimeout: Duration = .seconds(300)
  /// Octets of replies that are collected before they are sent although more may follow.
  package var flushThreshold = 64 * 1024
  /// Octets that are read ahead of the session.
  package var readAhead = 16 * 1024
  /// Octets a session may leave unconsumed before the connection is given up.
  package var unconsumedLimit = 512 * 1024
  /// Octets of an overlong line that are swallowed before the connection is given up.
  package var swallowLimit = 4 * 1024 * 1024
  /// Size of one read from a file, and of one write to a TLS connection, in octets.
  package var fileChunk = 128 * 1024
  /// Time the client has to take the last replies of a session.
  package var farewellTimeout: Duration = .seconds(30)
  /// Time a closing connection goes on reading, so that the last reply is not lost to a reset.
  package var lingerTimeout: Duration = .seconds(2)
  /// How hard COMPRESS=DEFLATE tries, 1 (fast) through 9.
  package var compressionLevel: Int32 = 4
  /// Octets a compressed connection inflates at once; no limit of a session is passed by more than this.
  package var inflateChunk = 16 * 1024
  /// Silence after which a compressed connection gives back the memory of its compressor.
  package var compressionNap: Duration = .seconds(3)
  /// Whether a connection's task runs on its own event loop; `false`: on the default executor.
  package var tasksOnEventLoops = true

  /// The defaults.
  package init() {}
}
