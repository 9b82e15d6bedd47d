import MailStore

/// What an import prints.
enum MailImportOutput {
  static func result(_ outcome: ImportOutcome, account: String, isDryRun: Bool) -> CommandResult {
    var table = Table("FOLDER", "MESSAGES", "NEW", "KNOWN", "REFUSED", "UIDVALIDITY", "UIDS", "KEPT-UIDS", "KEPT-UIDLS")
    for folder in outcome.folders {
      table.add(
        folder.name.path, "\(folder.messages)", "\(folder.added)", "\(folder.known)", "\(folder.refused)",
        folder.uidValidity > 0 ? "\(folder.uidValidity)" : "-", word(folder.uids),
        isDryRun ? "-" : "\(folder.keptUIDs)",
        isDryRun || !folder.name.isInbox ? "-" : "\(folder.keptUniqueIDs)")
    }
    let reflagged = outcome.folders.reduce(0) { $0 + $1.reflagged }
    let gone = outcome.folders.reduce(0) { $0 + $1.gone }
    let expunged = outcome.folders.reduce(0) { $0 + $1.expunged }
    var text = table.text
    text += "\n\(isDryRun ? "would add" : "added") \(outcome.messages) messages, \(outcome.bytes) octets"
    text += "; POP3 unique ids: \(outcome.uniqueIDs)"
    if reflagged > 0 { text += "; flags changed on \(reflagged)" }
    if gone > 0 { text += "; \(gone) gone at the source, \(expunged) of them removed" }
    return CommandResult(
      [
        "account": .string(account), "dry_run": .bool(isDryRun), "messages": JSONValue(outcome.messages),
        "bytes": .integer(outcome.bytes), "fits_quota": .bool(outcome.fitsQuota), "uidl": .string(outcome.uniqueIDs),
        "folders": .array(outcome.folders.map(json)),
      ], text: text, warnings: outcome.warnings, status: outcome.isPartial ? .refused : .done)
  }

  private static func json(_ folder: ImportedFolder) -> JSONValue {
    [
      "name": .string(folder.name.path), "messages": JSONValue(folder.messages), "new": JSONValue(folder.added),
      "bytes": .integer(folder.addedBytes), "known": JSONValue(folder.known), "refused": JSONValue(folder.refused),
      "flags_changed": JSONValue(folder.reflagged), "gone": JSONValue(folder.gone),
      "expunged": JSONValue(folder.expunged), "uidvalidity": JSONValue(Int(folder.uidValidity)),
      "uids": .string(folder.uids.rawValue), "kept_uids": JSONValue(folder.keptUIDs),
      "kept_uidls": JSONValue(folder.keptUniqueIDs),
    ]
  }

  /// Why UIDs are as they are.
  private static func word(_ uids: ImportedFolder.UIDs) -> String {
    switch uids {
    case .kept: "kept"
    case .partlyKept: "partly kept"
    case .unknown: "new (no list)"
    case .own: "new (has its own)"
    case .spent: "new (taken before)"
    case .unusable: "new (list unusable)"
    }
  }
}
