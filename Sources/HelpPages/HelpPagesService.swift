import Basics
import Logging
import MailSyntax
import Synchronization
import WebPages
import Wire

/// The few pages a mail host owes its users, on the listeners `http` and `https`: why a POP3 client was cut off (R54), the
/// address the server sees (R10), how to get the right to send, and the settings mail programs look up (R58).
///
/// One request a connection, fixed pages, one form and no cookies: no more of HTTP is needed, and listeners, TLS and
/// limits are those of the mail protocols.
package final class HelpPagesService: ConnectionHandler {
  private let current: Mutex<HelpPagesSettings>
  private let isHosted: @Sendable (MailDomain) async throws -> Bool
  private let desk: UnblockDesk?
  private let tokens: FormTokens

  /// Makes the service.
  ///
  /// - Parameters:
  ///   - desk: what `/help/unblock` asks; `nil` for a host without that page.
  ///   - isHosted: whether a domain is served here; settings are told for no other.
  package init(
    settings: HelpPagesSettings, time: any TimeSource = SystemTime(), desk: UnblockDesk? = nil,
    isHosted: @escaping @Sendable (MailDomain) async throws -> Bool
  ) {
    current = Mutex(settings)
    self.isHosted = isHosted
    self.desk = desk
    tokens = FormTokens(time: time, lifetime: settings.formLifetime, capacity: settings.openForms)
  }

  /// Takes over changed settings (SIGHUP).
  package func update(_ settings: HelpPagesSettings) { current.withLock { $0 = settings } }

  /// Answers one request.
  package func serve(_ connection: Connection) async throws {
    let settings = current.withLock { $0 }
    try await settings.exchange.serve(connection) { await page(for: $0, connection, settings) }
  }

  /// `503` for a client that is turned away.
  package func refusal(_ reason: ConnectionRefusal) -> [UInt8]? { WebExchange.refusal }

  private func page(for request: Request, _ connection: Connection, _ settings: HelpPagesSettings) async -> Reply {
    switch request.path.lowercased() {
    case "/": return Reply(html: HelpPage.index(settings, peer: connection.peer))
    case "/whoami": return Reply(text: "\(connection.peer)\n")
    case "/help/pop-too-often", "/emailpoptropsouvent": return Reply(html: HelpPage.popTooOften(settings))
    case "/help/sending": return Reply(html: HelpPage.sending(settings, peer: connection.peer))
    case "/help/unblock":
      guard let desk else { return .notFound }
      return await UnblockPage(settings: settings, desk: desk, tokens: tokens).reply(to: request, connection)
    case "/mail/config-v1.1.xml", "/.well-known/autoconfig/mail/config-v1.1.xml":
      return await clientPage(request.query["emailaddress"] ?? "@\(request.autoconfigDomain)") {
        Reply(xml: Autoconfig.document($0.domain, settings))
      }
    case "/autodiscover/autodiscover.xml":
      guard request.method == "POST", let address = Autodiscover.address(in: request.body) else {
        return Reply(.bad)
      }
      return await clientPage(address) { Reply(xml: Autodiscover.document($0, settings)) }
    default: return .notFound
    }
  }

  /// A page about an address of a domain served here; local parts are not looked at, so that nobody can ask who exists.
  private func clientPage(_ text: String, _ page: (EmailAddress) -> Reply) async -> Reply {
    let complete = text.hasPrefix("@") ? "user" + text : text
    guard let address = try? EmailAddress(complete) else { return Reply(.bad) }
    do {
      guard try await isHosted(address.domain) else {
        return Reply(status: "404 Not Found", "This domain is not served here.")
      }
    } catch {
      return Reply(status: "503 Service Unavailable", "Try again later.")
    }
    return page(address)
  }
}

extension Request {
  /// `example.com` of `autoconfig.example.com`, where no address was asked for.
  fileprivate var autoconfigDomain: String {
    let prefix = "autoconfig."
    return host.hasPrefix(prefix) ? String(host.dropFirst(prefix.count)) : host
  }
}
