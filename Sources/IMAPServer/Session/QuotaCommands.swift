import MailStore

/// GETQUOTA and GETQUOTAROOT (RFC 2087, RFC 9208): one root per account, whose name is the login.
extension IMAPSession {
  private func rootName(_ known: User) -> [UInt8] { Array(known.account.key.utf8) }

  func getQuota(_ root: [UInt8], _ tag: [UInt8]) async throws {
    let known = try await freshUser()
    guard root == rootName(known) || root.isEmpty else { throw Refusal.no(.nonExistent, "No such quota root") }
    try await writeQuota(root, known.mail)
    tagged(tag, "OK", nil, "GETQUOTA completed")
  }

  func getQuotaRoot(_ octets: [UInt8], _ tag: [UInt8]) async throws {
    _ = try await freshUser()
    let place = try await place(octets, .read)
    _ = try await service.store.status(place.mail, name: place.name)
    let root = Array(place.mail.key.utf8)
    out.text("* QUOTAROOT ")
    writeMailbox(place.shown)
    out.space()
    out.aString(root)
    out.endLine()
    try await writeQuota(root, place.mail)
    tagged(tag, "OK", nil, "GETQUOTAROOT completed")
  }

  /// `* QUOTA root (STORAGE use limit MESSAGE use limit)`, storage in units of 1024 octets.
  private func writeQuota(_ root: [UInt8], _ mail: MailAccount) async throws {
    let use = try await service.store.quotaUse(mail)
    out.text("* QUOTA ")
    out.aString(root)
    out.text(" (")
    if let limit = mail.quota.bytes {
      out.text("STORAGE ")
      out.number(Int(clamping: (max(0, use.bytes) + 1023) / 1024))
      out.space()
      out.number(Int(clamping: (limit + 1023) / 1024))
    }
    if let limit = mail.quota.messages {
      out.text(mail.quota.bytes == nil ? "MESSAGE " : " MESSAGE ")
      out.number(use.messages)
      out.space()
      out.number(limit)
    }
    out.text(")\r\n")
  }

  /// The user with quota and rights as they are now.
  func freshUser() async throws -> User {
    var known = try currentUser()
    if let account = try? await service.accounts.account(id: known.account.id) {
      known.account = account
      known.mail = service.mailAccount(account)
      user?.account = account
      user?.mail = known.mail
    }
    return known
  }
}
