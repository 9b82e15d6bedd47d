/// The services that may listen, with the port each has on a host of its own.
package enum ListenerService: String, CaseIterable, Sendable {
  /// Mail from other servers, and relay for those who have the right.
  case smtp
  /// The substitute for a blocked port 25 or 587 (R66).
  case smtpAlt = "smtp-alt"
  /// Submission with STARTTLS (RFC 6409).
  case submission
  /// Submission with implicit TLS (RFC 8314).
  case submissions
  /// POP3 with STLS.
  case pop3
  /// POP3 with implicit TLS.
  case pop3s
  /// IMAP with STARTTLS.
  case imap
  /// IMAP with implicit TLS.
  case imaps
  /// LMTP for another MTA in front (RFC 2033).
  case lmtp
  /// Help pages and the settings mail programs look up (R54, R58).
  case http
  /// The same with TLS.
  case https

  /// The registered (or, for 2525 and LMTP, customary) port.
  package var standardPort: Int {
    switch self {
    case .smtp: 25
    case .smtpAlt: 2525
    case .submission: 587
    case .submissions: 465
    case .pop3: 110
    case .pop3s: 995
    case .imap: 143
    case .imaps: 993
    case .lmtp: 24
    case .http: 80
    case .https: 443
    }
  }

  /// Whether TLS starts with the first octet.
  package var implicitTLS: Bool { self == .submissions || self == .pop3s || self == .imaps || self == .https }
}

/// One service and its addresses.
package struct ListenerSetting: Sendable {
  /// The service.
  package var service: ListenerService
  /// Host (an IP address; `[::]` without brackets) and port.
  package var addresses: [HostPort]
  /// Line of the service in the file, for errors at bind time.
  package var line: Int
}

/// An IP address or host name and a port.
package struct HostPort: Hashable, Sendable, CustomStringConvertible {
  /// Address or name, IPv6 without brackets.
  package var host: String
  /// Port, 0 only where the system may choose one.
  package var port: Int

  /// Makes a pair.
  package init(host: String, port: Int) {
    self.host = host
    self.port = port
  }

  /// Parses `192.0.2.1:25`, `[::1]:25`, `mail.example.com:25`; a missing port becomes `defaultPort`.
  package init?(_ text: String, defaultPort: Int? = nil) {
    var host = Substring(text)
    var portText: Substring?
    if host.hasPrefix("["), let close = host.lastIndex(of: "]") {
      let rest = host[host.index(after: close)...]
      host = host[host.index(after: host.startIndex)..<close]
      if rest.hasPrefix(":") { portText = rest.dropFirst() } else if !rest.isEmpty { return nil }
    } else if let colon = host.lastIndex(of: ":"), host.firstIndex(of: ":") == colon {
      portText = host[host.index(after: colon)...]
      host = host[..<colon]
    }
    guard !host.isEmpty, host.utf8.count <= 255, !host.contains(" ") else { return nil }
    if let portText {
      guard let port = Int(portText), (0...65_535).contains(port) else { return nil }
      self.init(host: String(host), port: port)
    } else if let defaultPort {
      self.init(host: String(host), port: defaultPort)
    } else {
      return nil
    }
  }

  /// `192.0.2.1:25` or `[::1]:25`.
  package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}

extension Configuration {
  /// The ports on which clients and other servers bring mail, in rising order.
  package var smtpPorts: [Int] {
    let services: Set<ListenerService> = [.smtp, .smtpAlt, .submission, .submissions]
    return Set(listeners.filter { services.contains($0.service) }.flatMap { $0.addresses.map(\.port) }).sorted()
  }
}
