/// One filter that is asked about messages (Sendmail's milter protocol), and what happens when it does not answer.
package struct MilterSettings: Sendable, Hashable {
  /// Where a filter listens.
  package enum Endpoint: Sendable, Hashable {
    /// A UNIX socket.
    case unix(path: String)
    /// A TCP port; the host is a name or an address.
    case inet(host: String, port: Int)
  }

  /// What becomes of a message when its filter is away, slow or out of step.
  package enum FailurePolicy: String, Sendable, CaseIterable {
    /// It passes unfiltered.
    case accept
    /// 451: the sender comes back.
    case tempfail
    /// 550.
    case reject
  }

  /// Its name in logs.
  package var name: String
  /// Where it listens.
  package var endpoint: Endpoint
  /// What its failure means.
  package var onFailure: FailurePolicy
  /// Time to connect and agree on options.
  package var connectTimeout: Duration = .seconds(10)
  /// Time for the answer to one event.
  package var commandTimeout: Duration = .seconds(30)
  /// Time for the next answer after the end of the message; each sign of progress starts it anew.
  package var messageTimeout: Duration = .seconds(300)
  /// Octets of one packet the filter may send.
  package var packetLimit = 1 << 20
  /// Octets of a body it may put in the place of the message's.
  package var bodyLimit = 64 << 20
  /// Changes it may ask for in one message.
  package var changeLimit = 10_000

  /// Describes a filter; see the properties.
  package init(name: String, endpoint: Endpoint, onFailure: FailurePolicy = .tempfail) {
    self.name = name
    self.endpoint = endpoint
    self.onFailure = onFailure
  }
}

extension MilterSettings.Endpoint: CustomStringConvertible {
  /// Reads `unix:/path`, `local:/path`, `inet:port@host` or `host:port` (IPv6 in brackets).
  package init?(_ text: String) {
    for prefix in ["unix:", "local:"] where text.hasPrefix(prefix) {
      let path = String(text.dropFirst(prefix.count))
      // sockaddr_un has room for 107 octets and a NUL.
      guard path.hasPrefix("/"), path.utf8.count <= 107 else { return nil }
      self = .unix(path: path)
      return
    }
    for prefix in ["inet:", "inet6:"] where text.hasPrefix(prefix) {
      let parts = text.dropFirst(prefix.count).split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
      if parts.count == 2 {
        guard let port = Int(parts[0]), (1...65_535).contains(port), !parts[1].isEmpty else { return nil }
        self = .inet(host: String(parts[1]), port: port)
        return
      }
      guard let endpoint = Self(String(parts[0])), case .inet = endpoint else { return nil }
      self = endpoint
      return
    }
    guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]),
      (1...65_535).contains(port)
    else { return nil }
    var host = text[..<colon]
    if host.hasPrefix("["), host.hasSuffix("]") {
      host = host.dropFirst().dropLast()
    } else if host.contains(":") {
      return nil
    }
    guard !host.isEmpty else { return nil }
    self = .inet(host: String(host), port: port)
  }

  /// The form that ``init(_:)`` reads.
  package var description: String {
    switch self {
    case .unix(let path): "unix:\(path)"
    case .inet(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }
  }
}
