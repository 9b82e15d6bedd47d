import Accounts
import MailStore
import MailSyntax

/// Where a mailbox that a client names really is, and what this user may do there.
struct MailboxPlace: Sendable {
  /// Whose mail it is.
  var mail: MailAccount
  /// The name among the owner's mailboxes.
  var name: MailboxName
  /// The name as this client uses it.
  var shown: MailboxName
  var rights: Rights
  /// Whether it is the user's own.
  var isOwn: Bool
}

/// Other users' mailboxes, under `Other Users/login/name` (RFC 2342, RFC 4314).
extension IMAPSession {
  static let othersRoot = "Other Users"

  /// The place a name means.
  ///
  /// - Parameters:
  ///   - rights: what will be done there.
  /// - Throws: `Refusal` with NOPERM for a mailbox this user may see but not use so, with NONEXISTENT for all others:
  ///   what is hidden and what is not there cannot be told apart.
  func place(_ octets: [UInt8], _ rights: Rights) async throws -> MailboxPlace {
    try await place(try mailboxName(octets), rights)
  }

  func place(_ shown: MailboxName, _ rights: Rights) async throws -> MailboxPlace {
    let known = try currentUser()
    guard isOthers(shown) else {
      return MailboxPlace(mail: known.mail, name: shown, shown: shown, rights: .all, isOwn: true)
    }
    let missing = Refusal.no(.nonExistent, "Mailbox does not exist")
    guard let place = try await others(shown, known), place.rights.contains(.lookup) || place.rights.contains(rights)
    else { throw missing }
    guard place.rights.contains(rights) else {
      throw Refusal.no(.noPermission, "The owner of this mailbox has not given you the right to do that")
    }
    return place
  }

  /// The place a name means, for what any one of some rights allows.
  func placeWithAny(_ octets: [UInt8], of rights: Rights) async throws -> MailboxPlace {
    let shown = try mailboxName(octets)
    let known = try currentUser()
    guard isOthers(shown) else { return try await place(shown, []) }
    guard let place = try await others(shown, known), !place.rights.isDisjoint(with: rights) else {
      throw Refusal.no(.nonExistent, "Mailbox does not exist")
    }
    return place
  }

  /// What becomes of the selected mailbox when its owner has changed the rights.
  ///
  /// - Returns: `false` when it may be read no more; the session ends.
  func refreshRights() async throws -> Bool {
    guard let current = selected, !current.isOwn else { return true }
    do {
      selected?.rights = try await place(current.name, .read).rights
      return true
    } catch is Refusal {
      bye(nil, "The owner of the selected mailbox has taken the right to read it away")
      return false
    }
  }

  /// Whether a name lies in the namespace of other users.
  func isOthers(_ name: MailboxName) -> Bool {
    name.path == Self.othersRoot || name.path.hasPrefix(Self.othersRoot + "/")
  }

  /// The mailbox of another user, whatever may be done with it; `nil` when it cannot be one.
  private func others(_ shown: MailboxName, _ known: User) async throws -> MailboxPlace? {
    let levels = shown.levels
    guard levels.count >= 3, let login = try? LoginName(levels[1]), login.key != known.account.key,
      let name = try? MailboxName(levels.dropFirst(2).joined(separator: "/")),
      let owner = try await service.accounts.account(address: login.address), !owner.suspended
    else { return nil }
    let mail = service.mailAccount(owner)
    guard let rights = try await rights(of: known.account, from: owner, mail, name) else { return nil }
    let shown = try MailboxName("\(Self.othersRoot)/\(owner.key)/\(name.path)")
    return MailboxPlace(mail: mail, name: name, shown: shown, rights: rights, isOwn: false)
  }

  /// The rights an account was given; `nil` without such a mailbox.
  private func rights(
    of account: Account, from owner: Account, _ mail: MailAccount, _ name: MailboxName
  ) async throws -> Rights? {
    do {
      let list = AccessList(try await service.store.attributes(.rights, of: mail, folder: name))
      return list.rights(of: account, from: owner)
    } catch let error as StoreError where error.code == .noSuchFolder || error.code == .badName {
      return nil
    }
  }

  /// The accounts that have given rights to this one, or to all of its domain.
  private func sharers(_ known: User) async throws -> [Account] {
    var result: [Int64: Account] = [:]
    for (owner, _) in try await service.store.attributes(.shares, of: known.mail, folder: nil) {
      guard let login = try? LoginName(owner) else { continue }
      if let account = try await service.accounts.account(address: login.address) { result[account.id] = account }
    }
    let domain = known.account.domainID
    for account in try await service.accounts.sharing(withDomain: domain, limit: limits.sharers) {
      result[account.id] = account
    }
    result[known.account.id] = nil
    return result.values.filter { !$0.suspended }
  }

  /// The mailboxes others let this user see, with the levels above them, for LIST.
  func othersFolders(_ known: User, subscribed: Set<MailboxName>) async throws -> [FolderInfo] {
    var result: [MailboxName: FolderInfo] = [:]
    func add(_ name: MailboxName, exists: Bool) {
      guard result[name]?.exists != true else { return }
      result[name] = FolderInfo(
        name: name, specialUse: nil, isSubscribed: subscribed.contains(name), hasChildren: false, isSelectable: exists,
        exists: exists)
    }
    for account in try await sharers(known) {
      let mail = service.mailAccount(account)
      for info in try await service.store.folders(mail) where info.exists && info.isSelectable {
        let rights = try await rights(of: known.account, from: account, mail, info.name) ?? []
        guard rights.contains(.lookup),
          let shown = try? MailboxName("\(Self.othersRoot)/\(account.key)/\(info.name.path)")
        else { continue }
        add(shown, exists: true)
        var above = shown.parent
        while let level = above {
          add(level, exists: false)
          above = level.parent
        }
      }
    }
    for name in result.keys {
      if let parent = name.parent { result[parent]?.hasChildren = true }
    }
    return result.values.sorted { $0.name.path < $1.name.path }
  }
}

extension Rights {
  /// The system flags that may be changed (RFC 4314 section 4).
  var flags: MessageFlags {
    var flags: MessageFlags = []
    if contains(.seen) { flags.insert(.seen) }
    if contains(.deleteMessages) { flags.insert(.deleted) }
    if contains(.write) { flags.formUnion([.answered, .flagged, .draft]) }
    return flags
  }

  /// Whether every flag may be changed.
  var allowsAllFlags: Bool { contains([.seen, .write, .deleteMessages]) }
}
