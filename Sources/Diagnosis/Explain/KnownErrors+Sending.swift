extension KnownError {
  /// Every error that is explained.
  package static let catalogue = sending + limits + receiving

  private static let sending: [KnownError] = [
    KnownError(
      "no-connection", "Sorry, I wasn't able to establish an SMTP connection. (#4.4.1)",
      marks: [["able to establish an smtp connection"], ["connection refused"], ["connection timed out", "smtp"]],
      cause: Bilingual(
        """
        The server of the recipient's domain did not answer on port 25: it is down, a firewall is in between, \
        or your provider blocks port 25 going out.
        """,
        """
        Le serveur du domaine destinataire n'a pas répondu sur le port 25 : il est arrêté, un pare-feu \
        l'isole, ou votre fournisseur bloque le port 25 en sortie.
        """),
      remedy: Bilingual(
        """
        Wait: the message is tried again for 24 hours. If it happens with every domain: martinet doctor ports; \
        where port 25 is blocked, set queue.smarthost.
        """,
        """
        Patienter : l'envoi est retenté pendant 24 heures. Si tous les domaines sont touchés : martinet doctor \
        ports ; si le port 25 est bloqué, régler queue.smarthost.
        """)),
    KnownError(
      "expired", "I'm not going to try again; this message has been in the queue too long.",
      marks: [["this message has been in the queue too long"], ["not going to try again"]],
      cause: Bilingual(
        """
        The message could not be handed over for 24 hours; the sentence before this one says why the last \
        attempt failed.
        """,
        """
        Le message n'a pas pu être remis pendant 24 heures ; la phrase qui précède dit pourquoi le dernier \
        essai a échoué.
        """),
      remedy: Bilingual(
        """
        Look at the first sentence, mend that, and send again. The address may be right: check with the \
        recipient by another way.
        """,
        """
        Lire la première phrase, corriger cette cause et renvoyer le message. L'adresse est peut-être bonne : \
        vérifier auprès du destinataire par un autre moyen.
        """)),
    KnownError(
      "relay-denied", "Sorry, that domain isn't allowed to be relayed thru this MTA (#5.7.1)",
      marks: [
        ["isn't allowed to be relayed thru this mta"], ["isn't in my list of allowed rcpthosts"], ["relaying denied"],
        ["relay access denied"],
      ],
      cause: Bilingual(
        """
        You send to another domain without having shown who you are: neither SMTP AUTH nor a POP or IMAP login \
        from this address within the last hour.
        """,
        """
        Vous écrivez vers un autre domaine sans vous être identifié : ni SMTP AUTH, ni connexion POP ou IMAP \
        depuis cette adresse dans l'heure écoulée.
        """),
      remedy: Bilingual(
        """
        Turn on authentication for the outgoing server (port 587, login user@domain, the mailbox's password), \
        or fetch your mail first. The refusal's second line names the address the server saw.
        """,
        """
        Activer l'authentification du serveur sortant (port 587, identifiant utilisateur@domaine, mot de passe \
        de la boîte), ou relever d'abord le courrier. La seconde ligne du refus indique l'adresse vue par le \
        serveur.
        """)),
    KnownError(
      "tls-not-available", "TLS not available: connect failed: error:00000000:lib(0):func(0):reason(0)",
      marks: [["tls not available"], ["tls", "connect failed", "error:"], ["ssl routines"]],
      cause: Bilingual(
        """
        The other server offered encryption and the handshake failed: a broken certificate, old protocol \
        versions, or a certificate and key on our side that cannot be read.
        """,
        """
        L'autre serveur proposait le chiffrement et la négociation a échoué : certificat défectueux, version \
        de protocole trop ancienne, ou certificat et clé illisibles de notre côté.
        """),
      remedy: Bilingual(
        """
        martinet doctor tls checks our certificate, key and file rights. If they are sound, the other side \
        must mend its own.
        """,
        """
        martinet doctor tls vérifie notre certificat, la clé et les droits des fichiers. S'ils sont bons, \
        c'est à l'autre serveur de corriger le sien.
        """)),
    KnownError(
      "dane", "TLS not available: connect failed: DANE: the certificate of mx.example.com matches no TLSA record",
      marks: [["dane:", "tlsa"], ["matches no tlsa record"]],
      cause: Bilingual(
        """
        The destination publishes, proven by DNSSEC, which certificate its server has, and the server showed \
        another one: it was renewed without its record, or somebody stands between.
        """,
        """
        Le destinataire publie, sous DNSSEC, le certificat de son serveur, et le serveur en a montré un autre : \
        renouvelé sans mise à jour de l'enregistrement, ou quelqu'un s'interpose.
        """),
      remedy: Bilingual(
        """
        The mail waits and is tried again; tell the destination's administrators. To send all the same, at \
        your risk, give the domain a route of its own in queue.routes.
        """,
        """
        Le message attend et sera réessayé ; prévenir les administrateurs du destinataire. Pour l'envoyer \
        malgré tout, à vos risques, donner une route au domaine dans queue.routes.
        """)),
    KnownError(
      "dnssec", "Name service error for mx.example.com: DNSSEC validation failed: signature expired",
      marks: [["dnssec validation failed"]],
      cause: Bilingual(
        """
        The name's signatures are wrong or have run out: the zone is badly kept, somebody forges answers, or \
        our clock or the way to the name servers is at fault.
        """,
        """
        Les signatures du nom sont fausses ou expirées : zone mal tenue, réponses falsifiées, ou notre horloge \
        ou l'accès aux serveurs de noms en défaut.
        """),
      remedy: Bilingual(
        """
        When many domains are concerned, check the clock and the resolver (dns.servers, dns.trust-anchor; \
        none switches validation off). When it is one, its administrators must mend the zone.
        """,
        """
        Si beaucoup de domaines sont touchés, vérifier l'horloge et le résolveur (dns.servers, \
        dns.trust-anchor ; none désactive la validation). Si c'en est un seul, c'est à lui de corriger sa zone.
        """)),
    KnownError(
      "badmailfrom", "554 sorry, your envelope sender is in my badmailfrom list",
      marks: [["in my badmailfrom list"], ["badmailfrom"]],
      cause: Bilingual(
        "The server you write to has put your sender address or domain on its own list of refused senders.",
        "Le serveur destinataire a inscrit votre adresse ou votre domaine dans sa liste d'expéditeurs refusés."),
      remedy: Bilingual(
        """
        Ask the recipient's postmaster to take you off it, from another address. On this host the list is \
        smtp.badmailfrom.
        """,
        """
        Demander au postmaster du destinataire, depuis une autre adresse, d'en être retiré. Sur ce serveur, la \
        liste est smtp.badmailfrom.
        """)),
    KnownError(
      "user-unknown", "while talking to HOST: >>> RCPT TO:<ADDRESS> <<< 550 MAILBOX NOT FOUND … User unknown",
      marks: [
        ["mailbox not found"], ["user unknown"], ["does not like recipient"], ["no such user"],
        ["recipient address rejected"],
      ],
      cause: Bilingual(
        """
        The recipient's own server says that this mailbox does not exist there. The report names that server, \
        the command and its reply.
        """,
        """
        Le serveur du destinataire affirme que cette boîte n'existe pas chez lui. Le rapport cite ce serveur, \
        la commande et sa réponse.
        """),
      remedy: Bilingual(
        "Check the spelling of the address; ask the recipient. Nothing can be done on the sending side.",
        """
        Vérifier l'orthographe de l'adresse ; interroger le destinataire. Rien ne peut être fait du côté de \
        l'expéditeur.
        """)),
    KnownError(
      "no-data-record", ": Name service error for HOST: Host found but no data record of requested type",
      marks: [["host found but no data record of requested type"], ["name service error for"]],
      cause: Bilingual(
        "The domain's MX points to a host name that has no address (A or AAAA) in the DNS.",
        "L'enregistrement MX du domaine désigne un nom d'hôte sans adresse (A ou AAAA) dans le DNS."),
      remedy: Bilingual(
        """
        The domain's owner must give that host an address or change the MX. For domains of this host: martinet \
        doctor dns.
        """,
        """
        Le propriétaire du domaine doit donner une adresse à cet hôte ou changer le MX. Pour les domaines de \
        ce serveur : martinet doctor dns.
        """)),
    KnownError(
      "host-unknown", "Sorry, I couldn't find any host named X. (#5.1.2)",
      marks: [
        ["couldn't find any host"], ["host not found"], ["host or domain name not found"], ["(#5.1.2)"],
        ["couldn't find a mail exchanger"],
      ],
      cause: Bilingual(
        "The domain behind the @ does not exist in the DNS, or a host is used before it stands in its zone.",
        "Le domaine après le @ n'existe pas dans le DNS, ou un hôte est utilisé avant d'être inscrit dans sa zone."),
      remedy: Bilingual(
        """
        Check the spelling. For your own domain create the records first: martinet domain dns DOMAIN prints \
        them, martinet doctor dns says which are missing.
        """,
        """
        Vérifier l'orthographe. Pour votre domaine, créer d'abord les enregistrements : martinet domain dns \
        DOMAINE les affiche, martinet doctor dns indique ceux qui manquent.
        """)),
    KnownError(
      "sender-domain", "Non-existing DNS_MX: MAIL FROM:",
      marks: [
        ["non-existing dns_mx"], ["bad sender's system address"], ["sender address rejected", "domain not found"],
      ],
      cause: Bilingual(
        """
        The domain of the sender address has neither MX nor address. Often a blank stands behind the address \
        in the mail program's settings, or the domain is misspelt.
        """,
        """
        Le domaine de l'adresse d'expéditeur n'a ni MX ni adresse. Souvent un espace traîne après l'adresse \
        dans les réglages du logiciel, ou le domaine est mal orthographié.
        """),
      remedy: Bilingual(
        "Type the sender address anew in the account settings, without a blank at its end.",
        "Ressaisir l'adresse d'expéditeur dans les réglages du compte, sans espace à la fin.")),
    KnownError(
      "not-owned", "553 5.7.1 ADDRESS not owned by user LOGIN",
      marks: [["not owned by user"]],
      cause: Bilingual(
        "The sender address (or the From line) does not belong to the account that logged in.",
        "L'adresse d'expéditeur (ou la ligne From) n'appartient pas au compte identifié."),
      remedy: Bilingual(
        """
        Send with the account's own address, or let the administrator add the address as an alias: martinet \
        alias add ADDRESS ACCOUNT.
        """,
        """
        Envoyer avec l'adresse du compte, ou faire ajouter l'adresse comme alias : martinet alias add ADRESSE \
        COMPTE.
        """)),
    KnownError(
      "auth-required", "530 5.7.0 Authentication required",
      marks: [["530 5.7.0"], ["authentication required"]],
      cause: Bilingual(
        "Ports 587 and 465 are for customers: they want a login before MAIL.",
        "Les ports 587 et 465 sont réservés aux clients : il faut s'identifier avant d'envoyer."),
      remedy: Bilingual(
        "Turn on authentication for the outgoing server with the mailbox's own login and password.",
        "Activer l'authentification du serveur sortant avec l'identifiant et le mot de passe de la boîte.")),
    KnownError(
      "dnsbl", "554 5.7.1 Service unavailable; client host blocked using …",
      marks: [["blocked using"], ["spamhaus"], ["listed in", "bl."], ["dnsbl"]],
      cause: Bilingual(
        """
        The address mail is sent from is on a public blacklist, often because a neighbour on it sent spam, or \
        since it is a dynamic one.
        """,
        """
        L'adresse d'envoi figure sur une liste noire publique, souvent à cause d'un voisin qui a envoyé du \
        spam, ou parce qu'elle est dynamique.
        """),
      remedy: Bilingual(
        """
        martinet doctor dnsbl names the lists; mend the cause, then ask each list for removal. Meanwhile send \
        through a smarthost.
        """,
        """
        martinet doctor dnsbl nomme les listes ; corriger la cause, puis demander le retrait à chaque liste. \
        En attendant, passer par un smarthost.
        """)),
    KnownError(
      "loop", "554 too many hops, this message is looping (#5.4.6)",
      marks: [
        ["this message is looping"], ["too many hops"], ["isn't in my control/locals file"], ["mail loop"],
        ["loops back to myself"],
      ],
      cause: Bilingual(
        """
        A forward leads back to where the mail came from, or a domain's MX points here and the domain is not \
        hosted here.
        """,
        """
        Une redirection ramène le message à son point de départ, ou le MX d'un domaine pointe ici sans que le \
        domaine y soit hébergé.
        """),
      remedy: Bilingual(
        """
        martinet address explain ADDRESS shows where mail goes; remove the circle, or add the domain: martinet \
        domain add DOMAIN.
        """,
        """
        martinet address explain ADRESSE montre le chemin ; supprimer la boucle, ou ajouter le domaine : \
        martinet domain add DOMAINE.
        """)),
  ]
}
