import Basics

/// One address to connect to, and how.
package struct SMTPEndpoint: Sendable {
  /// The host as the queue knows it (an MX target, a smarthost): named in results, sent as SNI.
  package var host: String
  /// The address to connect to.
  package var address: IPAddress
  /// The port: 25, or a smarthost's.
  package var port: Int
  /// The local address to send from; `nil` lets the system choose.
  package var source: IPAddress?
  /// The name given in EHLO: our host name, or the one configured for the sending domain.
  package var helo: String
  /// Whether and how the session is encrypted.
  package var tls: TLSPolicy
  /// Which certificates are accepted.
  package var verification: TLSVerification
  /// Login at a smarthost; `nil` for mail sent by MX.
  package var credentials: SMTPCredentials?
  /// Whether the peer speaks LMTP (RFC 2033): LHLO, and one reply per recipient after the data.
  package var isLMTP: Bool

  /// Describes a destination; the defaults are those of delivery by MX.
  package init(
    host: String, address: IPAddress, port: Int = 25, source: IPAddress? = nil, helo: String,
    tls: TLSPolicy = .opportunistic, verification: TLSVerification = .none, credentials: SMTPCredentials? = nil,
    isLMTP: Bool = false
  ) {
    self.host = host
    self.address = address
    self.port = port
    self.source = source
    self.helo = helo
    self.tls = tls
    self.verification = verification
    self.credentials = credentials
    self.isLMTP = isLMTP
  }
}

/// What a session does about encryption.
package enum TLSPolicy: String, Sendable {
  /// Never: also the second try after a failed opportunistic handshake.
  case off
  /// STARTTLS when offered. A failed handshake ends the connection; the caller decides whether to come back in clear.
  case opportunistic
  /// STARTTLS must be offered and must succeed.
  case required
  /// TLS before the greeting (RFC 8314, port 465).
  case implicit
}

/// Which certificates a TLS session accepts.
package enum TLSVerification: Sendable {
  /// Any: opportunistic TLS protects against listeners only (RFC 7435).
  case none
  /// One that chains to the system's roots and covers this name.
  case name(String)
  /// What the name system says, proven by DNSSEC (RFC 7672); goes with ``TLSPolicy/required``.
  case dane(DANEPolicy)

  /// Whether a session under it is with the server that is meant.
  package var isAuthenticating: Bool {
    switch self {
    case .none: false
    case .name: true
    case .dane(let policy): policy.isAuthenticating
    }
  }
}

/// Login and password for a smarthost.
package struct SMTPCredentials: Sendable {
  /// The login name.
  package var login: String
  /// The password; never logged.
  package var password: String
  /// Whether the password may travel over a connection without TLS.
  package var allowClear: Bool

  /// Makes credentials that are only sent under TLS unless `allowClear` is set.
  package init(login: String, password: String, allowClear: Bool = false) {
    self.login = login
    self.password = password
    self.allowClear = allowClear
  }
}
