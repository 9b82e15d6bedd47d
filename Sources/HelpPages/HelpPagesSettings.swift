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

  /// Where `/help/unblock` is read over HTTPS; `nil` without such a listener.
  package var unblockURL: String?
  /// Time for a request with a password in it, which is answered late when it is wrong.
  package var loginTimeout: Duration = .seconds(40)
  /// How long a form may be filled in.
  package var formLifetime: Duration = .seconds(3600)
  /// Forms handed out and not sent yet.
  package var openForms = 4096

  /// Makes settings with the default bounds.
  package init(hostname: String, clients: ClientSettings) {
    self.hostname = hostname
    self.clients = clients
  }
}
