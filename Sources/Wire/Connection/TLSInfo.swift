/// What is known about a connection's TLS session.
package struct TLSInfo: Sendable, Equatable {
  /// `TLSv1.2` or `TLSv1.3`, as `Received:` headers write it.
  package let version: String
  /// The host name the client asked for (SNI, RFC 6066 section 3), lower-cased.
  package let serverName: String?
  /// The channel binding `tls-server-end-point` (RFC 5929 section 4); empty where it is undefined for our certificate.
  package let serverEndPoint: [UInt8]

  /// Makes the facts; tests of SASL need no handshake.
  package init(version: String, serverName: String?, serverEndPoint: [UInt8]) {
    self.version = version
    self.serverName = serverName
    self.serverEndPoint = serverEndPoint
  }
}
