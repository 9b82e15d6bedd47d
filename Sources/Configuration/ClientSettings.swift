/// What a mail program has to be told to use this host (R58): servers in the order of preference.
package struct ClientSettings: Sendable, Equatable {
  /// How a connection is secured.
  package enum Security: String, Sendable {
    /// TLS from the first octet.
    case tls
    /// STARTTLS or STLS.
    case startTLS = "starttls"
    /// None; only where the configuration lets passwords cross without TLS and no certificate is set.
    case none
  }

  /// One server.
  package struct Server: Sendable, Equatable {
    /// `imap`, `pop3` or `smtp`.
    package var type: String
    /// Name to connect to: the one the certificate is for (R33).
    package var host: String
    /// Port.
    package var port: Int
    /// How the connection is secured.
    package var security: Security
  }

  /// Servers to read from: IMAP before POP3, TLS before STARTTLS.
  package var incoming: [Server]
  /// Servers to send by, in the same order.
  package var outgoing: [Server]
  /// The least time between two POP3 checks (R54).
  package var pollingInterval: Duration

  /// Derives them from the listeners of the configuration.
  package init(_ configuration: Configuration) {
    let hasTLS = configuration.tls.primary != nil
    func servers(_ services: [(ListenerService, String)]) -> [Server] {
      services.compactMap { service, type in
        guard let port = configuration.listeners.first(where: { $0.service == service })?.addresses.first?.port else {
          return nil
        }
        if service.implicitTLS, !hasTLS { return nil }
        let security: Security = service.implicitTLS ? .tls : hasTLS ? .startTLS : .none
        return Server(type: type, host: configuration.hostname, port: port, security: security)
      }
    }
    incoming = servers([(.imaps, "imap"), (.imap, "imap"), (.pop3s, "pop3"), (.pop3, "pop3")])
    outgoing = servers([(.submissions, "smtp"), (.submission, "smtp"), (.smtpAlt, "smtp")])
    pollingInterval = configuration.pop3.loginDelay
  }
}
