import Configuration

/// What the pages say and the bounds of the requests for them.
package struct HelpPagesSettings: Sendable {
  /// The host's name.
  package var hostname: String
  /// What mail programs are told.
  package var clients: ClientSettings
  /// Octets of the request line.
  package var lineLimit = 4096
  /// Header lines of a request.
  package var headerLimit = 100
  /// Octets of a request's body (Autodiscover's question).
  package var bodyLimit = 16 * 1024
  /// Time for the whole request.
  package var requestTimeout: Duration = .seconds(10)

  /// Makes settings with the default bounds.
  package init(hostname: String, clients: ClientSettings) {
    self.hostname = hostname
    self.clients = clients
  }
}
