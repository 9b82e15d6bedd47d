import Basics

/// The section `sendmail`.
package struct SendmailSection: Sendable {
  /// Absolute path of the folder for users who may not write the data folder; `nil`: only those who may can send.
  package var drop: String?
  /// The account that a system user's mail counts for, by user name or number (R69).
  package var users: [String: String]
  /// What all other users may: `local` (mailboxes here), `any` or `refuse`.
  package var others: String
}

/// The section `log`.
package struct LogSection: Sendable {
  /// How long the events of messages are kept (30 days).
  package var retention: Duration
  /// Events kept at most.
  package var events: Int
}

extension SendmailSection {
  init(_ reader: SettingsReader, _ base: String) {
    drop = reader.string("drop").map { resolve($0, base) }
    users = [:]
    let names = reader.section("users")
    for name in names.names {
      guard let account = names.string(name) else { continue }
      if account.contains(where: { "@%".contains($0) }) {
        users[name] = account
      } else {
        names.fault(name, "must be an account, such as site@example.com", names.node(name))
      }
    }
    names.finish()
    others = reader.string("others", default: "local", oneOf: ["local", "any", "refuse"])
    reader.finish()
  }
}

extension LogSection {
  init(_ reader: SettingsReader) {
    retention = reader.duration(
      "retention", default: .seconds(30 * 86_400), in: .seconds(3600)...(.seconds(3650 * 86_400)))
    events = reader.integer("events", default: 10_000_000, in: 1000...1_000_000_000)
    reader.finish()
  }
}
