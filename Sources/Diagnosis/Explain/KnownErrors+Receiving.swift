extension KnownError {
  static let receiving: [KnownError] = [
    KnownError(
      "no-mailbox", "Sorry, no mailbox here by that name. vpopmail (#5.1.1)",
      marks: [["no mailbox here by that name"], ["vpopmail (#5.1.1)"]],
      cause: Bilingual(
        "No account and no alias has this name, and the domain has no catch-all.",
        "Aucun compte ni alias ne porte ce nom, et le domaine n'a pas d'adresse fourre-tout (catch-all)."),
      remedy: Bilingual(
        """
        martinet address explain ADDRESS walks the four checks (catch-all, account, directory, alias). Then \
        add what is missing: account add, alias add, or catchall set.
        """,
        """
        martinet address explain ADRESSE parcourt les quatre vérifications (catch-all, compte, répertoire, \
        alias). Ajouter ensuite ce qui manque : account add, alias add ou catchall set.
        """)),
    KnownError(
      "over-quota", "552 5.2.2 user is over quota (#5.2.2)",
      marks: [["over quota"], ["mailbox is full"], ["mailbox full"], ["(#5.2.2)"]],
      cause: Bilingual(
        "The recipient's mailbox has no room left.",
        "La boîte du destinataire n'a plus de place."),
      remedy: Bilingual(
        """
        The owner deletes mail and empties the Trash; the administrator can raise it: martinet quota set \
        ACCOUNT 50M.
        """,
        """
        Le titulaire supprime des messages et vide la corbeille ; l'administrateur peut augmenter : martinet \
        quota set COMPTE 50M.
        """)),
    KnownError(
      "locked", "account is locked (#5.2.1)",
      marks: [["account is locked"], ["(#5.2.1)"]],
      cause: Bilingual("The administrator has suspended this account.", "L'administrateur a suspendu ce compte."),
      remedy: Bilingual(
        "martinet account set ACCOUNT --suspended off", "martinet account set COMPTE --suspended off")),
    KnownError(
      "too-often", "-ERR [LOGIN-DELAY] mail check too frequent, minimum interval 60 seconds",
      marks: [["login-delay"], ["mail check too frequent"], ["emailpoptropsouvent"], ["minimum interval", "seconds"]],
      cause: Bilingual(
        "The mail program asks for POP mail more often than every 60 seconds; the password is right.",
        "Le logiciel relève le courrier POP plus souvent que toutes les 60 secondes ; le mot de passe est bon."),
      remedy: Bilingual(
        "Set the interval to 5 minutes. IMAP has no such limit.",
        "Régler l'intervalle sur 5 minutes. IMAP n'a pas cette limite.")),
    KnownError(
      "connection-ended", "Votre serveur a mis fin à la connexion de manière inattendue",
      marks: [
        ["mis fin à la connexion"], ["unexpectedly terminated the connection"], ["0x800ccc0f"],
        ["connection was terminated", "unexpected"],
      ],
      cause: Bilingual(
        """
        Usually the same as checking too often: the server cut the POP session. Nothing is lost, nobody is \
        locked out.
        """,
        """
        Le plus souvent une relève trop fréquente : le serveur a coupé la session POP. Rien n'est perdu, \
        personne n'est bloqué.
        """),
      remedy: Bilingual(
        """
        Wait a minute, and set the interval to 5 minutes. If it stays, check firewall and antivirus between \
        you and the server.
        """,
        """
        Attendre une minute et régler l'intervalle sur 5 minutes. Si cela persiste, vérifier pare-feu et \
        antivirus entre vous et le serveur.
        """)),
    KnownError(
      "login", "-ERR authorization failed",
      marks: [
        ["authorization failed"], ["authentication failed"], ["535 5.7.8"], ["authenticationfailed"], ["0x800ccc92"],
      ],
      cause: Bilingual(
        """
        Login or password is wrong. The login is the whole address: user@domain, or user%domain where a \
        program does not take @.
        """,
        """
        Identifiant ou mot de passe incorrect. L'identifiant est l'adresse entière : utilisateur@domaine, ou \
        utilisateur%domaine si le logiciel refuse @.
        """),
      remedy: Bilingual(
        "Type both anew. The administrator sets another: martinet account passwd ACCOUNT.",
        "Ressaisir les deux. L'administrateur en fixe un autre : martinet account passwd COMPTE.")),
    KnownError(
      "certificate-name", "The name on the security certificate does not match the name of the site",
      marks: [
        ["certificate", "does not match"], ["certificate", "name", "mismatch"], ["certificat", "ne correspond pas"],
        ["hostname mismatch"], ["err_cert_common_name"],
      ],
      cause: Bilingual(
        "The mail program uses a name of the server (smtp.yourdomain) that its certificate does not cover.",
        "Le logiciel utilise un nom du serveur (smtp.votredomaine) que son certificat ne couvre pas."),
      remedy: Bilingual(
        """
        Use the server's own name, which martinet client-settings ADDRESS prints, or add a certificate for the \
        other: martinet tls names lists what is covered.
        """,
        """
        Utiliser le nom propre du serveur, affiché par martinet client-settings ADRESSE, ou ajouter un \
        certificat : martinet tls names liste les noms couverts.
        """)),
    KnownError(
      "postmaster", "postmaster account cannot be deleted",
      marks: [["postmaster account cannot be deleted"], ["postmaster", "cannot be deleted"]],
      cause: Bilingual(
        "Every domain must have a postmaster (RFC 5321); his account is neither deleted nor suspended.",
        "Tout domaine doit avoir un postmaster (RFC 5321) ; son compte ne peut être ni supprimé ni suspendu."),
      remedy: Bilingual(
        "Remove the whole domain, or let postmaster's mail be read by somebody else.",
        "Supprimer le domaine entier, ou faire lire le courrier du postmaster par quelqu'un d'autre.")),
    KnownError(
      "no-answer", "The SMTP server accepts the connection and says nothing",
      marks: [["no answer"], ["timed out", "greeting"], ["220", "never"], ["pas de réponse"], ["0x800ccc19"]],
      cause: Bilingual(
        """
        The network is blacklisted after an overrun, or not allowed here: SMTP stays silent while POP and IMAP \
        go on.
        """,
        """
        Le réseau est en liste noire après un dépassement, ou n'est pas autorisé : SMTP reste muet, POP et \
        IMAP continuent.
        """),
      remedy: Bilingual(
        """
        martinet blacklist explain IP tells cause and end; martinet blacklist lift IP ends it. A notice lies \
        in the account's INBOX; customers may lift their own network once a day on /help/unblock.
        """,
        """
        martinet blacklist explain IP donne la cause et la fin ; martinet blacklist lift IP la lève. Un avis \
        se trouve dans la boîte du compte ; le client peut lever le blocage de son réseau une fois par jour \
        sur /help/unblock.
        """)),
  ]
}
