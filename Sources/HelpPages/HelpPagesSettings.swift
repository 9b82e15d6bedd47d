import Configuration
import WebPages

/// What the pages say and the bounds of the requests for them.
package struct HelpPagesSettings: Sendable {
  /// The host's name.
  package var hostname: String
  /// What mail programs are told.
  package var clients: ClientSettings
  /// Methods and bounds of a request; bodies are Autodiscover's question and the form.
  package var exchange = WebExchange(methods: ["GET", "HEAD", "POST"])

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
