import Basics

/// Small facts that IMAP keeps about a folder or an account and no index can be rebuilt from: metadata entries
/// (RFC 5464), rights (RFC 4314).
///
/// Each kind is one file beside the mail: in the folder's own directory, so that it is renamed and removed with it, or,
/// for the account itself, beside the Maildir. Values may hold any octets.
package enum AttributeKind: String, Hashable, Sendable {
  /// Entries of METADATA; names are the store's caller's.
  case metadata
  /// Of an account: private entries of METADATA that it keeps about others' mailboxes.
  case guestMetadata = "guest-metadata"
  /// Identifiers and their rights.
  case rights = "acl"
  /// Of an account: who has given it rights to some mailbox; what they are stands there.
  case shares

  fileprivate var fileName: String { "martinet-\(rawValue)" }
}

/// Bounds of one file of attributes.
package struct AttributeLimits: Sendable {
  /// Names in one file.
  package var entries: Int
  /// Octets of all names and values in one file.
  package var octets: Int

  /// Makes bounds.
  package init(entries: Int, octets: Int) {
    self.entries = entries
    self.octets = octets
  }
}

extension MailStore {
  /// The attributes of a folder, or of the account for no folder.
  ///
  /// - Throws: `noSuchFolder`, `temporary`.
  package func attributes(
    _ kind: AttributeKind, of account: MailAccount, folder: MailboxName?
  ) async throws -> [String: [UInt8]] {
    let store = try registry.account(account.directory)
    return try await host.onFiles { try AttributeFile(try store.attributePath(kind, folder)).read() }
  }

  /// Changes attributes, all or none, durably; `nil` removes one.
  ///
  /// - Throws: `noSuchFolder`; `limit` when a bound would be passed.
  package func setAttributes(
    _ kind: AttributeKind, of account: MailAccount, folder: MailboxName?, _ changes: [String: [UInt8]?],
    limits: AttributeLimits
  ) async throws {
    let store = try registry.account(account.directory)
    try await store.setAttributes(kind, folder, changes, limits)
  }
}

extension AccountStore {
  nonisolated fileprivate func attributePath(_ kind: AttributeKind, _ folder: MailboxName?) throws -> String {
    guard let folder else { return "\(directory)/\(kind.fileName)" }
    let path = try path(folder)
    guard FileSystem.exists(path + "/cur") else {
      if folder.isInbox {
        try prepareMaildir(key: nil)
        return "\(path)/\(kind.fileName)"
      }
      throw StoreError(.noSuchFolder, "there is no folder \(folder)")
    }
    return "\(path)/\(kind.fileName)"
  }

  /// One after the other, so that no change is lost.
  fileprivate func setAttributes(
    _ kind: AttributeKind, _ folder: MailboxName?, _ changes: [String: [UInt8]?], _ limits: AttributeLimits
  ) throws {
    guard !isClosed else { throw StoreError(.closed, "the account is closed") }
    try prepareMaildir(key: nil)
    let file = AttributeFile(try attributePath(kind, folder))
    var entries = try file.read()
    let before = entries
    for (name, value) in changes { entries[name] = value }
    guard entries != before else { return }
    let octets = entries.reduce(0) { $0 + $1.key.utf8.count + $1.value.count }
    guard entries.count <= max(limits.entries, before.count), octets <= limits.octets else {
      throw StoreError(.limit, "too many or too large attributes")
    }
    try file.write(entries)
    if kind == .metadata { accountEvents.post(.metadata(folder, entries: changes.keys.sorted())) }
  }
}

/// `name count LF value LF`, one after the other, by name.
private struct AttributeFile {
  let path: String
  private static let largest = 16 << 20

  init(_ path: String) { self.path = path }

  /// All that makes sense in the file; a broken tail is passed over.
  func read() throws -> [String: [UInt8]] {
    guard let bytes = try FileSystem.contents(path, limit: Self.largest) else { return [:] }
    var result: [String: [UInt8]] = [:]
    var rest = bytes[...]
    while let end = rest.firstIndex(of: 0x0a) {
      let head = rest[..<end]
      guard let cut = head.lastIndex(of: 0x20), let count = Int(String(decoding: head[(cut + 1)...], as: UTF8.self)),
        count >= 0, count < rest.endIndex - end
      else { break }
      let start = end + 1
      result[String(decoding: head[..<cut], as: UTF8.self)] = Array(rest[start..<start + count])
      rest = rest[min(rest.endIndex, start + count + 1)...]
    }
    return result
  }

  func write(_ entries: [String: [UInt8]]) throws {
    var bytes: [UInt8] = []
    for (name, value) in entries.sorted(by: { $0.key < $1.key }) {
      bytes.append(contentsOf: "\(name) \(value.count)\n".utf8)
      bytes.append(contentsOf: value)
      bytes.append(0x0a)
    }
    try FileSystem.replace(path, with: bytes, durable: true)
  }
}
