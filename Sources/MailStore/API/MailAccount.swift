/// What a mailbox may hold; `nil` means without limit.
package struct QuotaLimit: Hashable, Sendable {
  /// Octets of mail as stored.
  package var bytes: Int64?
  /// Number of messages.
  package var messages: Int?

  /// Makes a limit; both parts are unlimited by default.
  package init(bytes: Int64? = nil, messages: Int? = nil) {
    self.bytes = bytes
    self.messages = messages
  }

  /// No limit at all.
  package static let unlimited = QuotaLimit()

  /// Whether neither part limits anything.
  package var isUnlimited: Bool { bytes == nil && messages == nil }
}

/// One mailbox owner as this room knows it: where the mail lies and how much it may be.
package struct MailAccount: Hashable, Sendable {
  /// `user@domain`, lower-cased: for logs and placeholders in the welcome message.
  package let key: String
  /// Absolute directory of the account, for instance `/var/lib/martinet/mail/example.test/alice`.
  package let directory: String
  /// The limit that deliveries, appends and copies obey.
  package var quota: QuotaLimit

  /// Makes an account value; nothing is read or checked.
  package init(key: String, directory: String, quota: QuotaLimit = .unlimited) {
    self.key = key
    self.directory = directory
    self.quota = quota
  }
}

/// How much of a quota is taken.
package struct QuotaUse: Hashable, Sendable {
  /// Octets of mail as stored in files.
  package var bytes: Int64
  /// Number of messages.
  package var messages: Int

  /// Makes a use value.
  package init(bytes: Int64 = 0, messages: Int = 0) {
    self.bytes = bytes
    self.messages = messages
  }

  /// Whether so much more would still lie within the limit.
  package func fits(addingBytes: Int64, messages count: Int, within limit: QuotaLimit) -> Bool {
    if let most = limit.bytes, bytes.addingReportingOverflow(addingBytes).partialValue > most { return false }
    if let most = limit.messages, messages + count > most { return false }
    return true
  }
}
