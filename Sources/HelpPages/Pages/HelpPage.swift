import Basics
import Configuration
import WebPages

/// The pages people read, in French and English.
enum HelpPage {
  static func index(_ settings: HelpPagesSettings, peer: IPAddress) -> String {
    page(
      settings.hostname,
      """
      <p>\(settings.hostname.escaped) is a mail host. The address it sees you at:
      <b>\(peer.description.escaped)</b> (<a href="/whoami">as plain text</a>).</p>
      <ul>
      <li><a href="/help/pop-too-often">Relevé trop fréquent · Mail fetched too often</a></li>
      <li><a href="/help/sending">Envoyer du courrier · Sending mail</a></li>
      <li><a href="/help/unblock">Envoi bloqué · Sending blocked</a></li>
      </ul>
      <h2>Réglages · Settings</h2>
      \(table(settings.clients))
      """)
  }

  /// Row 54: one check per 60 s at most, five minutes advised; row 56: nothing is lost.
  static func popTooOften(_ settings: HelpPagesSettings) -> String {
    let interval = settings.clients.pollingInterval.components.seconds
    return page(
      "Relevé trop fréquent · Mail fetched too often",
      """
      <p lang="fr">Votre logiciel a relevé cette boîte par POP3 moins de \(interval) secondes après le relevé précédent&nbsp;:
      le serveur a mis fin à la connexion. Aucun message n'est perdu et votre mot de passe n'est pas en cause. Réglez le
      relevé automatique sur 5&nbsp;minutes, ou passez à IMAP, où l'arrivée d'un message est signalée aussitôt.</p>
      <p lang="en">Your mail program fetched this mailbox over POP3 within \(interval) seconds of the time before, and the
      server closed the connection. No mail is lost and your password is not the cause. Set the program to check every 5
      minutes, or use IMAP, which tells of new mail at once.</p>
      <p lang="en">Two programs or devices on one mailbox, or a program that checks twice at its start, count together.</p>
      """)
  }

  /// Rows 30 and 41: the two ways to the right to send.
  static func sending(_ settings: HelpPagesSettings, peer: IPAddress) -> String {
    page(
      "Envoyer du courrier · Sending mail",
      """
      <p lang="en">The server sees you at <b>\(peer.description.escaped)</b>. <i>Sorry, that domain isn't allowed to be
      relayed thru this MTA (#5.7.1)</i> says that mail to other hosts is not accepted from there yet. Either let your
      program log in to the outgoing server with the login and password of your mailbox (SMTP AUTH), or fetch your mail by
      POP3 or IMAP first: that opens sending for your address for a while.</p>
      <p lang="fr">Ce message signifie que l'envoi vers d'autres serveurs n'est pas encore ouvert pour votre adresse. Activez
      l'authentification SMTP avec l'identifiant et le mot de passe de la boîte, ou relevez d'abord votre courrier par POP3
      ou IMAP&nbsp;: l'envoi est alors ouvert pour votre adresse pendant un certain temps.</p>
      \(table(settings.clients))
      """)
  }

  private static func table(_ clients: ClientSettings) -> String {
    let rows = (clients.incoming + clients.outgoing).map { server in
      let security =
        switch server.security {
        case .tls: "SSL/TLS"
        case .startTLS: "STARTTLS"
        case .none: "–"
        }
      return "<tr><td>\(server.type.uppercased())</td><td>\(server.host.escaped)</td><td>\(server.port)</td>"
        + "<td>\(security)</td></tr>"
    }
    return "<table><tr><th></th><th>Serveur · Server</th><th>Port</th><th>Sécurité · Security</th></tr>"
      + rows.joined(separator: "\n")
      + "</table>\n<p>Identifiant · Login: <code>user@domain</code> = <code>user%domain</code></p>"
  }

  static func page(_ title: String, _ body: String) -> String {
    """
    <!doctype html>
    <html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
    <title>\(title.escaped)</title>
    <style>body{font:16px/1.5 sans-serif;max-width:42em;margin:2em auto;padding:0 1em}td,th{padding:.2em 1em .2em 0;\
    text-align:left}</style></head>
    <body><h1>\(title.escaped)</h1>
    \(body)
    </body></html>

    """
  }
}
