/// A language the replies can be in (RFC 6856 section 3).
enum POP3Language: String, CaseIterable, Sendable {
  case english = "en"
  case french = "fr"

  /// What `LANG` lists: the tag and the language's own name for itself.
  var listing: String {
    switch self {
    case .english: "en English"
    case .french: "fr Fran\u{e7}ais"
    }
  }

  /// The language of a tag or of its primary part: `fr-CA` is served in French; `*` and `i-default` in English.
  init?(tag: String) {
    let lower = tag.lowercased()
    if lower == "*" || lower == "i-default" {
      self = .english
      return
    }
    guard let primary = lower.split(separator: "-").first, let known = Self(rawValue: String(primary)) else {
      return nil
    }
    self = known
  }
}

/// What the server says, apart from response codes, numbers and listings.
enum POP3Text: Sendable {
  case goodbye, authorizationFailed, userFirst, authorizationFirst, unimplemented, notThatMany, alreadyDeleted
  case countedFromOne, alreadyAuthorized, tlsFirst, tlsOn, noTLS, beginTLS, inUse, temporary, tooLong, tooMany
  case cancelled, badEncoding, noMechanism, nameWelcome, capabilities, gone, notRemoved, utf8On, notNow, badLanguage
  case languages, shuttingDown, needsUTF8, apopOff, busy, mechanisms
  case form(String)
  case deleted(Int)
  case octets(Int)
  case maildrop(messages: Int, octets: Int)
  case tooManyFailures(seconds: Int64)

  /// The words, in a language.
  func words(_ language: POP3Language) -> String {
    switch language {
    case .english: english
    case .french: french
    }
  }

  private var english: String {
    switch self {
    case .goodbye: "goodbye"
    case .authorizationFailed: "authorization failed"
    case .userFirst: "USER first"
    case .authorizationFirst: "authorization first"
    case .unimplemented: "unimplemented"
    case .notThatMany: "not that many messages"
    case .alreadyDeleted: "already deleted"
    case .countedFromOne: "messages are counted from 1"
    case .alreadyAuthorized: "already authorized"
    case .tlsFirst: "no password without TLS, use STLS or port 995"
    case .tlsOn: "TLS is on already"
    case .noTLS: "TLS is not available"
    case .beginTLS: "begin TLS"
    case .inUse: "another POP3 session has this mailbox"
    case .temporary: "the mailbox cannot be opened now, try again later"
    case .tooLong: "line too long"
    case .tooMany: "too many mistakes"
    case .cancelled: "authentication cancelled"
    case .badEncoding: "authentication exchange not understood"
    case .noMechanism: "mechanism not available"
    case .nameWelcome: "send PASS"
    case .capabilities: "capabilities follow"
    case .gone: "the message was removed by another session"
    case .notRemoved: "the deleted messages could not be removed"
    case .utf8On: "UTF8 enabled"
    case .notNow: "not in this state"
    case .badLanguage: "invalid language"
    case .languages: "languages follow"
    case .shuttingDown: "the server shuts down"
    case .needsUTF8: "the message needs UTF8"
    case .apopOff: "APOP is not available"
    case .busy: "too many logins at once, try again later"
    case .mechanisms: "mechanisms follow"
    case .form(let form): "usage: \(form)"
    case .deleted(let number): "message \(number) deleted"
    case .octets(let size): "\(size) octets"
    case .maildrop(let messages, let octets): "\(messages) messages (\(octets) octets)"
    case .tooManyFailures(let seconds): "too many failed logins, try again in \(seconds) s"
    }
  }

  private var french: String {
    switch self {
    case .goodbye: "au revoir"
    case .authorizationFailed: "authentification refus\u{e9}e"
    case .userFirst: "USER d'abord"
    case .authorizationFirst: "authentification d'abord"
    case .unimplemented: "commande inconnue"
    case .notThatMany: "il n'y a pas tant de messages"
    case .alreadyDeleted: "d\u{e9}j\u{e0} effac\u{e9}"
    case .countedFromOne: "les messages se comptent \u{e0} partir de 1"
    case .alreadyAuthorized: "d\u{e9}j\u{e0} authentifi\u{e9}"
    case .tlsFirst: "pas de mot de passe sans TLS, utilisez STLS ou le port 995"
    case .tlsOn: "TLS est d\u{e9}j\u{e0} actif"
    case .noTLS: "TLS n'est pas disponible"
    case .beginTLS: "commencez TLS"
    case .inUse: "une autre session POP3 tient cette bo\u{ee}te"
    case .temporary: "la bo\u{ee}te ne peut \u{ea}tre ouverte, r\u{e9}essayez plus tard"
    case .tooLong: "ligne trop longue"
    case .tooMany: "trop d'erreurs"
    case .cancelled: "authentification annul\u{e9}e"
    case .badEncoding: "\u{e9}change d'authentification incompris"
    case .noMechanism: "m\u{e9}canisme non disponible"
    case .nameWelcome: "envoyez PASS"
    case .capabilities: "voici les capacit\u{e9}s"
    case .gone: "le message a \u{e9}t\u{e9} retir\u{e9} par une autre session"
    case .notRemoved: "les messages effac\u{e9}s n'ont pu \u{ea}tre retir\u{e9}s"
    case .utf8On: "UTF8 activ\u{e9}"
    case .notNow: "pas dans cet \u{e9}tat"
    case .badLanguage: "langue inconnue"
    case .languages: "voici les langues"
    case .shuttingDown: "le serveur s'arr\u{ea}te"
    case .needsUTF8: "le message demande UTF8"
    case .apopOff: "APOP n'est pas disponible"
    case .busy: "trop de connexions \u{e0} la fois, r\u{e9}essayez plus tard"
    case .mechanisms: "voici les m\u{e9}canismes"
    case .form(let form): "usage : \(form)"
    case .deleted(let number): "message \(number) effac\u{e9}"
    case .octets(let size): "\(size) octets"
    case .maildrop(let messages, let octets): "\(messages) messages (\(octets) octets)"
    case .tooManyFailures(let seconds): "trop d'\u{e9}checs, r\u{e9}essayez dans \(seconds) s"
    }
  }
}

/// What a program, rather than its user, reads of a refusal (RFC 2449 section 8, RFC 3206, RFC 6856 section 6).
enum POP3Code: String, Sendable {
  case auth = "AUTH"
  case inUse = "IN-USE"
  case loginDelay = "LOGIN-DELAY"
  case temporary = "SYS/TEMP"
  case permanent = "SYS/PERM"
  case utf8 = "UTF8"
}
