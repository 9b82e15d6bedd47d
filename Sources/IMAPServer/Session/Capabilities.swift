import Wire

/// What is announced, and when (RFC 3501 section 6.1.1). Nothing stands here that is not whole.
extension IMAPSession {
  /// Known to a client that has not logged in.
  private static let common = ["IMAP4rev1", "IMAP4rev2", "LITERAL+", "SASL-IR", "ID", "ENABLE"]

  /// What a logged-in client may use.
  private static let extensions = [
    "IDLE", "NAMESPACE", "UNSELECT", "UIDPLUS", "MOVE", "SPECIAL-USE", "CHILDREN", "QUOTA", "QUOTA=RES-STORAGE",
    "QUOTA=RES-MESSAGE", "WITHIN", "ESEARCH", "SEARCHRES", "LIST-EXTENDED", "LIST-STATUS", "STATUS=SIZE", "CONDSTORE",
    "QRESYNC", "SORT", "SORT=DISPLAY", "ESORT", "THREAD=ORDEREDSUBJECT", "THREAD=REFERENCES", "THREAD=REFS",
    "MULTIAPPEND",
    "CREATE-SPECIAL-USE", "BINARY", "UTF8=ACCEPT", "OBJECTID", "SAVEDATE", "PREVIEW", "REPLACE", "CATENATE", "PARTIAL",
    "METADATA", "LIST-METADATA", "LIST-MYRIGHTS", "MULTISEARCH",
    "CONTEXT=SEARCH", "CONTEXT=SORT", "NOTIFY", "ACL", "RIGHTS=kxte",
    "UIDONLY", "UIDBATCHES", "INPROGRESS", "UNAUTHENTICATE", "LANGUAGE", "I18NLEVEL=1",
  ]

  func capabilities() -> [String] {
    if user != nil {
      let compression = connection.isCompressed ? [] : ["COMPRESS=DEFLATE"]
      let bounds = ["APPENDLIMIT=\(limits.appendSize)", limits.messageLimitCapability]
      return Self.common + Self.extensions + compression + bounds
    }
    var result = Self.common
    if connection.canStartTLS { result.append("STARTTLS") }
    if connection.tls == nil, !settings.plaintextLogin { result.append("LOGINDISABLED") }
    let mechanisms = SASLMechanisms(tls: connection.tls, plaintextLogin: settings.plaintextLogin)
    return result + mechanisms.names.map { "AUTH=\($0)" }
  }

  /// As a response code.
  var capabilityCode: ResponseCode { .withText("CAPABILITY \(capabilities().joined(separator: " "))") }

  func capability(_ tag: [UInt8]) async throws {
    out.text("* CAPABILITY ")
    out.raw(capabilities().joined(separator: " "))
    out.endLine()
    tagged(tag, "OK", nil, "CAPABILITY completed")
  }

  /// ENABLE (RFC 5161): what is unknown is passed over.
  func enable(_ names: [String], _ tag: [UInt8]) async throws {
    var done: [String] = []
    for name in names {
      switch name {
      case "CONDSTORE" where !enabled.condStore:
        enableCondStore()
        done.append(name)
      case "QRESYNC" where !enabled.quickResync:
        // RFC 7162 section 3.2.3: QRESYNC brings CONDSTORE along.
        enableCondStore()
        enabled.quickResync = true
        done.append(name)
      case "UTF8=ACCEPT" where !enabled.utf8:
        enabled.utf8 = true
        done.append(name)
      case "UIDONLY" where !enabled.uidOnly:
        enabled.uidOnly = true
        done.append(name)
      case "IMAP4REV2" where !enabled.rev2:
        enabled.rev2 = true
        done.append("IMAP4rev2")
      default: break
      }
    }
    out.text("* ENABLED")
    for name in done {
      out.space()
      out.raw(name)
    }
    out.endLine()
    tagged(tag, "OK", nil, "ENABLE completed")
  }

  /// Makes MODSEQ part of what this client hears; the first time it learns where the selected mailbox stands
  /// (RFC 7162 section 3.1).
  func enableCondStore() {
    guard !enabled.condStore else { return }
    enabled.condStore = true
    guard let snapshot = selected?.view.snapshot else { return }
    untagged("OK", .withText("HIGHESTMODSEQ \(snapshot.highestModSeq)"), "Highest mod-sequence")
  }

  /// ID (RFC 2971): who asks is written to the log, in bounds.
  func identify(_ parameters: [IDParameter], _ tag: [UInt8]) {
    if !parameters.isEmpty {
      let text = parameters.prefix(10).map { parameter in
        let value = String(decoding: (parameter.value ?? []).prefix(80), as: UTF8.self)
        return "\(String(decoding: parameter.key.prefix(30), as: UTF8.self))=\(value)"
      }
      connection.log.info("client", metadata: ["id": "\(text.joined(separator: ", "))"])
    }
    out.text("* ID (\"name\" \"Martinet\")\r\n")
    tagged(tag, "OK", nil, "ID completed")
  }
}
