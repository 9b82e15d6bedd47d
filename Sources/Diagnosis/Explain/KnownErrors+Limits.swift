extension KnownError {
  /// What a sender meets who sends too much, too large or to too many.
  static let limits: [KnownError] = [
    KnownError(
      "rate", "450 4.7.1 rate limit exceeded (100 per minute)",
      marks: [["rate limit exceeded"]],
      cause: Bilingual(
        """
        More messages a minute than allowed: 100, or 10 to or from domains that are not validated. The network \
        is then blacklisted for a while and its SMTP connections get no answer.
        """,
        """
        Trop de messages par minute : 100, ou 10 vers ou depuis des domaines non validés. Le réseau est alors \
        mis en liste noire et ses connexions SMTP restent sans réponse.
        """),
      remedy: Bilingual(
        """
        Send slower; use a dedicated service for mass mail; validate your domain: martinet domain verify. \
        Administrators see and lift it: martinet blacklist explain IP, blacklist lift IP.
        """,
        """
        Envoyer plus lentement ; confier les envois en masse à un service dédié ; valider le domaine : \
        martinet domain verify. L'administrateur consulte et lève : martinet blacklist explain IP, blacklist \
        lift IP.
        """)),
    KnownError(
      "hour", "450 4.7.1 hourly limit of offer NAME reached (50 messages per hour), try again in 12 min",
      marks: [["hourly limit of offer"]],
      cause: Bilingual(
        "The account has sent as many messages in the last hour as its offer allows. Nothing is blacklisted by it.",
        "Le compte a envoyé dans la dernière heure autant de messages que son offre le permet. Rien n'est bloqué."),
      remedy: Bilingual(
        """
        Wait as long as the text says; mail programs and servers try again by themselves. Administrators raise it: \
        martinet offer set NAME --messages-per-hour N, and see it with martinet account info.
        """,
        """
        Attendre le temps indiqué ; les programmes et serveurs réessaient d'eux-mêmes. L'administrateur l'augmente : \
        martinet offer set NOM --messages-per-hour N, et le consulte avec martinet account info.
        """)),
    KnownError(
      "too-big", "552 5.3.4 sorry, that message size exceeds my databytes limit (#5.3.4)",
      marks: [["exceeds my databytes limit"], ["message size exceeds"]],
      cause: Bilingual(
        "The message with its attachments is larger than the server takes (10 MB).",
        "Le message avec ses pièces jointes dépasse la taille acceptée par le serveur (10 Mo)."),
      remedy: Bilingual(
        "Send smaller attachments, or a link to the file. Attachments grow by a third when they are encoded.",
        """
        Envoyer des pièces plus petites, ou un lien vers le fichier. Le codage agrandit les pièces jointes \
        d'un tiers.
        """)),
    KnownError(
      "recipients", "452 4.5.3 too many recipients",
      marks: [["too many recipients"]],
      cause: Bilingual(
        "More than 100 recipients in one message; the first 100 were taken.",
        "Plus de 100 destinataires dans un seul message ; les 100 premiers ont été acceptés."),
      remedy: Bilingual(
        "Send in parts, or use a mailing list.", "Envoyer en plusieurs fois, ou utiliser une liste de diffusion.")),
  ]
}
