/// Why the store refused or failed; `text` may be shown to an administrator, `code` decides the protocol's answer.
package struct StoreError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The kinds of failure a protocol answers differently.
  package enum Code: String, Hashable, Sendable {
    /// The quota does not allow it: 552 5.2.2, `[OVERQUOTA]`.
    case overQuota
    /// Full disk, busy database, too many open files: try later (4xx, `[UNAVAILABLE]`).
    case temporary
    /// There is no such folder: `[NONEXISTENT]`, `[TRYCREATE]` for APPEND and COPY.
    case noSuchFolder
    /// A folder of that name is there already: `[ALREADYEXISTS]`.
    case folderExists
    /// The name cannot be a folder's name: `[CANNOT]`.
    case badName
    /// INBOX cannot be deleted, a folder cannot be renamed below itself: `[CANNOT]`.
    case notAllowed
    /// A named limit is reached (folders, keywords, depth): `[LIMIT]`.
    case limit
    /// The message is gone: `[EXPUNGEISSUED]`.
    case noSuchMessage
    /// The mailbox was deleted or its index was replaced while the session had it open; the session must end or reselect.
    case gone
    /// The store is shutting down.
    case closed
  }

  /// The kind of failure.
  package let code: Code
  /// What happened, for logs and administrators.
  package let text: String

  /// Makes an error.
  package init(_ code: Code, _ text: String) {
    self.code = code
    self.text = text
  }

  /// `code: text`.
  package var description: String { "\(code.rawValue): \(text)" }
}
