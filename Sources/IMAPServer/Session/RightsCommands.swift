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
      let place = try await placeWithAny(mailbox, of: [.lookup, .read, .insert, .create, .deleteMailbox, .administer])
      _ = try await entries(place)
      writeOwnRights(place)
    }
    tagged(tag, "OK", nil, "Completed")
  }

  /// What LIST RETURN (MYRIGHTS) says of a mailbox; nothing when its rights were taken away meanwhile (RFC 8440).
  func writeOwnRights(_ name: MailboxName) async throws {
    do { writeOwnRights(try await place(name, .lookup)) } catch is Refusal {}
  }

  private func writeOwnRights(_ place: MailboxPlace) {
    out.text("* MYRIGHTS ")
    writeMailbox(place.shown)
    out.space()
    out.raw(place.rights.letters)
    out.endLine()
  }

  private func setRights(
    _ mailbox: [UInt8], _ identifier: [UInt8], _ change: RightsChange, isRemoval: Bool = false
  ) async throws {
    let place = try await place(mailbox, .administer)
    let who = try accessIdentifier(identifier)
    guard who.login != place.mail.key else {
      throw Refusal.no(.cannot, "The owner of a mailbox has all rights, always")
    }
    var known: Account?
    if !isRemoval, let login = who.login { known = try await account(login) }
    let number = known?.id ?? 0
    let list = AccessList(try await service.store.attributes(.rights, of: place.mail, folder: place.name))
    // Rights of an account that is gone are not its successor's.
    let before = list.entry(who.name).flatMap { isRemoval || $0.account == number ? $0.rights : nil } ?? []
    let after = change.applied(to: before)
    var value: [UInt8]?
    if !isRemoval, !after.isEmpty {
      value = GrantedRights(rights: after, account: number).octets
      // First where it is found, then what is found: a right that cannot be seen does no harm.
      if !who.isNegative { try await announce(place, to: known) }
    }
    do {
      try await service.store.setAttributes(
        .rights, of: place.mail, folder: place.name, [who.name: value], limits: rightsLimits)
    } catch let error as StoreError where error.code == .limit {
      throw Refusal.no(.limit, "Too many users have rights to this mailbox")
    }
  }

  /// Sees to it that LIST looks at the owner's mailboxes: for one account, or for all of the owner's domain.
  private func announce(_ place: MailboxPlace, to account: Account?) async throws {
    if let account {
      return try await service.store.setAttributes(
        .shares, of: service.mailAccount(account), folder: nil, [place.mail.key: []], limits: rightsLimits)
    }
    try await service.accounts.noteSharing(withDomainBy: try await self.account(place.mail.key).id)
  }

  private func writeRights(_ mailbox: [UInt8]) async throws {
    let place = try await place(mailbox, .administer)
    let entries = try await entries(place)
    out.text("* ACL ")
    writeMailbox(place.shown)
    writeEntry(place.mail.key, .all)
    for (key, value) in entries.sorted(by: { $0.key < $1.key }) {
      if let granted = GrantedRights(value) { writeEntry(key, granted.rights) }
    }
    out.endLine()
  }

  /// The access list of a mailbox that exists.
  private func entries(_ place: MailboxPlace) async throws -> [String: [UInt8]] {
    try await service.store.attributes(.rights, of: place.mail, folder: place.name)
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
    let who = try accessIdentifier(identifier)
    if let login = who.login { _ = try await account(login) }
    _ = try await entries(place)
    out.text("* LISTRIGHTS ")
    writeMailbox(place.shown)
    out.space()
    out.aString(Array(who.name.utf8))
    if who.login == place.mail.key {
      out.space()
      out.raw(Rights.all.letters)
    } else {
      out.text(" \"\" l r s w i p k x t e a c d")
    }
    out.endLine()
  }

  var rightsLimits: AttributeLimits { AttributeLimits(entries: limits.rightsEntries, octets: 1 << 20) }

  private func accessIdentifier(_ octets: [UInt8]) throws -> AccessIdentifier {
    guard let who = AccessIdentifier(octets, login: { text in (try? LoginName(text))?.key }) else {
      throw Refusal.no(.cannot, "Rights are given to logins of this host, such as user@example.org, and to anyone")
    }
    return who
  }

  private func account(_ key: String) async throws -> Account {
    guard let login = try? LoginName(key), let account = try await service.accounts.account(address: login.address)
    else { throw Refusal.no(.cannot, "There is no such login on this host") }
    return account
  }
}
