/// A folder's name as the house uses it: UTF-8, levels separated by `/`, INBOX in capitals.
package struct MailboxName: Hashable, Sendable, CustomStringConvertible {
  /// The whole name, for instance `INBOX` or `Projects/2026`.
  package let path: String

  private init(checked path: String) { self.path = path }

  /// The primary mailbox.
  package static let inbox = MailboxName(checked: "INBOX")

  /// Checks and normalises a name: no empty level, no control characters, INBOX folded to capitals.
  ///
  /// Length and depth on disk are checked by the store, which knows the limits.
  /// - Throws: `StoreError` with code `badName`.
  package init(_ text: some StringProtocol) throws(StoreError) {
    guard !text.isEmpty, text.utf8.count <= 4096 else { throw StoreError(.badName, "empty or too long") }
    for scalar in text.unicodeScalars
    where scalar.value < 0x20 || (0x7f...0x9f).contains(scalar.value) || scalar.value == 0x2028
      || scalar.value == 0x2029 || scalar.value == 0xfffd
    {
      throw StoreError(.badName, "control character")
    }
    var levels = text.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).map {
      String(decoding: $0, as: UTF8.self)
    }
    guard !levels.contains("") else { throw StoreError(.badName, "empty level") }
    if levels[0].utf8.count == 5, levels[0].uppercased() == "INBOX" { levels[0] = "INBOX" }
    path = levels.joined(separator: "/")
  }

  /// Whether this is INBOX itself.
  package var isInbox: Bool { path == "INBOX" }

  /// The levels from the top.
  package var levels: [String] {
    path.utf8.split(separator: UInt8(ascii: "/")).map { String(decoding: $0, as: UTF8.self) }
  }

  /// The name one level up, or `nil` at the top.
  package var parent: MailboxName? {
    guard let cut = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return nil }
    return MailboxName(checked: String(decoding: path.utf8[..<cut], as: UTF8.self))
  }

  /// Whether the name lies below another.
  package func isBelow(_ other: MailboxName) -> Bool {
    path.utf8.count > other.path.utf8.count && path.utf8.starts(with: other.path.utf8)
      && path.utf8[path.utf8.index(path.utf8.startIndex, offsetBy: other.path.utf8.count)] == UInt8(ascii: "/")
  }

  /// Whether the name lies below one of several, however many those are.
  package func isBelow(anyOf others: Set<MailboxName>) -> Bool {
    guard !others.isEmpty else { return false }
    var above = parent
    while let level = above {
      if others.contains(level) { return true }
      above = level.parent
    }
    return false
  }

  /// The name with `old` at its head replaced by `new`; the name itself when it neither is nor lies below `old`.
  package func moving(_ old: MailboxName, to new: MailboxName) -> MailboxName {
    if self == old { return new }
    guard isBelow(old) else { return self }
    let rest = String(decoding: path.utf8.dropFirst(old.path.utf8.count), as: UTF8.self)
    return MailboxName(checked: new.path + rest)
  }

  /// The path.
  package var description: String { path }
}
