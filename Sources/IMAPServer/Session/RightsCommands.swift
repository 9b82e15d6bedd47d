import Accounts
import MailStore
import MailSyntax

/// SETACL, DELETEACL, GETACL, LISTRIGHTS and MYRIGHTS (RFC 4314).
extension IMAPSession {
  func runRightsCommand(_ command: RightsCommand, tag: [UInt8]) async throws {
    switch command {
    case .set(let mailbox, let identifier, let change): try await setRights(mailbox, identifier, change)
    case .delete(let mailbox, let identifier):
      try await setRights(mailbox, identifier, RightsChange(mode: .replace, rights: []), isRemoval: true)
    case .get(let mailbox): try await writeRights(mailbox)
    case .list(let mailbox, let identifier): try await listRights(mailbox, identifier)
    case .mine(let mailbox):
      let place = try await place(mailbox, .lookup)
      out.text("* MYRIGHTS ")
      writeMailbox(place.shown)
      out.space()
      out.raw(place.rights.letters)
      out.endLine()
    }
    tagged(tag, "OK", nil, "Completed")
  }

  private func setRights(
    _ mailbox: [UInt8], _ identifier: [UInt8], _ change: RightsChange, isRemoval: Bool = false
  ) async throws {
    let place = try await place(mailbox, .administer)
    let key = try loginKey(identifier)
    guard key != place.mail.key else { throw Refusal.no(.cannot, "The owner of a mailbox has all rights, always") }
    let known = isRemoval ? nil : try await account(key)
    let all = try await service.store.attributes(.rights, of: place.mail, folder: place.name)
    let old = all[key].flatMap { GrantedRights($0) }
    // Rights of an account that is gone are not its successor's.
    let before = old.flatMap { known == nil || $0.account == known?.id ? $0.rights : nil } ?? []
    let after = change.applied(to: before)
    var value: [UInt8]?
    if let known, !after.isEmpty {
      value = GrantedRights(rights: after, account: known.id).octets
      // First where it is found, then what is found: a right that cannot be seen does no harm.
      try await service.store.setAttributes(
        .shares, of: service.mailAccount(known), folder: nil, [place.mail.key: []], limits: rightsLimits)
    }
    do {
      try await service.store.setAttributes(
        .rights, of: place.mail, folder: place.name, [key: value], limits: rightsLimits)
    } catch let error as StoreError where error.code == .limit {
      throw Refusal.no(.limit, "Too many users have rights to this mailbox")
    }
  }

  private func writeRights(_ mailbox: [UInt8]) async throws {
    let place = try await place(mailbox, .administer)
    out.text("* ACL ")
    writeMailbox(place.shown)
    writeEntry(place.mail.key, .all)
    for (key, value) in try await service.store.attributes(.rights, of: place.mail, folder: place.name)
      .sorted(by: { $0.key < $1.key })
    {
      if let granted = GrantedRights(value) { writeEntry(key, granted.rights) }
    }
    out.endLine()
  }

  private func writeEntry(_ key: String, _ rights: Rights) {
    out.space()
    out.aString(Array(key.utf8))
    out.space()
    out.raw(rights.letters)
  }

  /// What may be given to somebody: each right by itself, and nothing comes unasked (RFC 4314 section 3.7).
  private func listRights(_ mailbox: [UInt8], _ identifier: [UInt8]) async throws {
    let place = try await place(mailbox, .administer)
    let key = try loginKey(identifier)
    out.text("* LISTRIGHTS ")
    writeMailbox(place.shown)
    out.space()
    out.aString(Array(key.utf8))
    if key == place.mail.key {
      out.space()
      out.raw(Rights.all.letters)
    } else {
      _ = try await account(key)
      out.text(" \"\" l r s w i p k x t e a c d")
    }
    out.endLine()
  }

  var rightsLimits: AttributeLimits { AttributeLimits(entries: limits.rightsEntries, octets: 1 << 20) }

  private func loginKey(_ identifier: [UInt8]) throws -> String {
    guard let text = String(validating: identifier, as: UTF8.self), let login = try? LoginName(text) else {
      throw Refusal.no(.cannot, "Rights are given to logins of this host, such as user@example.org")
    }
    return login.key
  }

  private func account(_ key: String) async throws -> Account {
    guard let login = try? LoginName(key), let account = try await service.accounts.account(address: login.address)
    else { throw Refusal.no(.cannot, "There is no such login on this host") }
    return account
  }
}

/// Rights as they are kept: letters, and the number of the account they were given to.
struct GrantedRights {
  var rights: Rights
  var account: Int64

  init(rights: Rights, account: Int64) {
    self.rights = rights
    self.account = account
  }

  init?(_ octets: [UInt8]) {
    let parts = octets.split(separator: UInt8(ascii: " "))
    guard parts.count == 2, let rights = Rights(letters: parts[0]),
      let account = Int64(String(decoding: parts[1], as: UTF8.self))
    else { return nil }
    self.init(rights: rights, account: account)
  }

  var octets: [UInt8] { Array("\(rights.ownLetters) \(account)".utf8) }
}
