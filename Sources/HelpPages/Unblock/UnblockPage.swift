import Basics
import WebPages
import Wire

/// `/help/unblock`: a customer whose network is blacklisted proves who he is by his mailbox's password, and takes it off
/// the list himself.
struct UnblockPage {
  let settings: HelpPagesSettings
  let desk: UnblockDesk
  let tokens: FormTokens

  /// Answers one request for the page.
  func reply(to request: Request, _ connection: Connection) async -> Reply {
    let peer = connection.peer
    guard connection.tls != nil || peer.isLoopback else { return insecure() }
    guard request.method == "POST" else { return await show(peer) }
    guard isOwn(request), let form = request.form, tokens.take(form["token"] ?? "", from: peer) else {
      return await show(peer, "Formulaire expiré, recommencez. · The form is too old, please try again.")
    }
    guard let login = form["login"], let password = form["password"], !login.isEmpty, !password.isEmpty else {
      return await show(peer, "Identifiant et mot de passe. · Login and password, please.")
    }
    // A wrong password is answered late, and the limit for ordinary pages is short.
    connection.setDeadline(in: settings.loginTimeout)
    return await answer(desk.lift(login, Array(password.utf8), peer), peer)
  }

  /// Browsers say which page a form came from; ours comes from this host.
  private func isOwn(_ request: Request) -> Bool {
    guard let origin = request.origin else { return true }
    return origin.lowercased().split(separator: "/").last.map(String.init) == request.authority
  }

  private func insecure() -> Reply {
    let link = settings.unblockURL.map { "<a href=\"\($0.escaped)\">\($0.escaped)</a>" } ?? "HTTPS"
    var reply = Reply(
      html: HelpPage.page(
        Self.title, "<p>Un mot de passe ne se donne qu'en HTTPS. · A password is given over HTTPS only: \(link)</p>"))
    reply.status = "403 Forbidden"
    return reply
  }

  private func answer(_ outcome: UnblockDesk.Outcome, _ peer: IPAddress) async -> Reply {
    switch outcome {
    case .lifted(let net):
      return page("<p><b>\(net.escaped)</b> peut de nouveau envoyer du courrier. · may send mail again.</p>")
    case .notListed:
      return page("<p>Aucun de vos réseaux n'est bloqué. · None of your networks is blocked.</p>")
    case .tooSoon(let moment):
      return page(
        """
        <p>Cela a déjà été fait ; à nouveau possible à partir de \(moment.escaped), sinon par l'administrateur. · This was
        done before. It can be done again from \(moment.escaped) on; until then an administrator can.</p>
        """)
    case .administratorOnly:
      return page(
        "<p>Seul l'administrateur peut lever ce blocage. · Only an administrator can lift this: "
          + "postmaster@\(settings.hostname.escaped).</p>")
    case .wrongLogin: return await show(peer, "Identifiant ou mot de passe incorrect. · Wrong login or password.")
    case .denied(let text): return await show(peer, text)
    case .tryLater: return await show(peer, "Réessayez plus tard. · Try again later.")
    }
  }

  private func show(_ peer: IPAddress, _ message: String? = nil) async -> Reply {
    let note = message.map { "<p><b>\($0.escaped)</b></p>" } ?? ""
    switch try? await desk.standing(peer) {
    case nil: return page("<p>Réessayez plus tard. · Try again later.</p>")
    case .free:
      return page(
        note + """
          <p>Votre adresse <b>\(peer.description.escaped)</b> n'est pas bloquée ; si une autre des vôtres l'est,
          identifiez-vous. · Your address is not blocked; if another one of yours is, log in.</p>
          """ + form(peer))
    case .listed(let reason, let until):
      let end = until ?? "l'intervention de l'administrateur · an administrator lifts it"
      return page(
        note + """
          <p>Depuis <b>\(peer.description.escaped)</b>, l'envoi de courrier est bloqué jusqu'à · sending mail is blocked until
          <b>\(end.escaped)</b>: \(reason.escaped).</p>
          <p>Arrêtez d'abord le programme qui a trop envoyé : chaque nouvel excès bloque plus longtemps. · First stop the
          program that sent too much: each further overrun blocks for longer.</p>
          """ + form(peer))
    }
  }

  private func form(_ peer: IPAddress) -> String {
    """
    <form method="post" action="/help/unblock" autocomplete="off">
    <input type="hidden" name="token" value="\(tokens.make(for: peer).escaped)">
    <p><label>Adresse de messagerie · Mailbox<br><input name="login" size="40" maxlength="320" required></label></p>
    <p><label>Mot de passe · Password<br><input name="password" type="password" size="40" maxlength="256" required></label></p>
    <p><button>Débloquer · Unblock</button></p>
    </form>
    """
  }

  private static let title = "Envoi bloqué · Sending blocked"

  private func page(_ body: String) -> Reply {
    var reply = Reply(html: HelpPage.page(Self.title, body))
    reply.extra = ["Referrer-Policy: same-origin"]
    return reply
  }
}
