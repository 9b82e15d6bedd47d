import GRDB
import MailSyntax

extension Accounts {
  /// Whether a domain, or the domain it stands for, is kept here.
  ///
  /// - Throws: ``AccountsError`` with code `temporary` when the store cannot answer.
  package func isHosted(_ domain: MailDomain) async throws -> Bool {
    let name = domain.ascii
    return try await directory.isHosted(name) { try await read { try DomainRecord.find(name, in: $0) != nil } }
  }

  /// What becomes of a recipient.
  ///
  /// The exact account or alias comes first, then the local part without its extension, then the domain's catch-all. A
  /// `%` means nothing.
  ///
  /// - Throws: ``AccountsError`` with code `temporary` when the store cannot answer.
  package func match(recipient: EmailAddress) async throws -> RecipientMatch {
    let candidates = settings.extensionCandidates
    return try await directory.match(recipient) {
      try await read { database in
        guard let domain = try DomainRecord.find(recipient.domain.ascii, in: database) else { return .notHosted }
        return try RecipientMatcher(domain: domain, candidates: candidates, database: database).match(recipient)
      }
    }
  }

  /// Whether an account may use an address as its own (R23): its address, an alias that leads to it, either with an
  /// extension or in an alias domain.
  ///
  /// - Throws: ``AccountsError`` with code `temporary` when the store cannot answer.
  package func owns(_ account: Account, address: EmailAddress) async throws -> Bool {
    let candidates = settings.extensionCandidates
    return try await directory.owns(DirectoryCache.Owner(account: account.id, address: address)) {
      try await read { database in
        guard let domain = try DomainRecord.find(address.domain.ascii, in: database) else { return false }
        let matcher = RecipientMatcher(domain: domain, candidates: candidates, database: database)
        switch try matcher.named(address) {
        case .account(let found): return found.account.id == account.id
        case .alias(let alias): return try matcher.leads(alias, to: account)
        case nil: return false
        }
      }
    }
  }
}

/// Finds who is meant by a local part of one hosted domain, inside one read.
struct RecipientMatcher {
  /// A name somebody has.
  enum Named {
    case account(AccountRecord)
    case alias(AliasRecord)
  }
  let domain: DomainRecord
  let candidates: Int
  let database: Database

  func match(_ recipient: EmailAddress) throws -> RecipientMatch {
    switch try named(recipient) {
    case .account(let found):
      // Mail to postmaster is taken even for a locked domain (RFC 5321 section 4.5.1).
      if found.account.suspended, !found.account.isPostmaster { return .suspended(found.account) }
      return .mailbox(found.account)
    case .alias(let alias):
      if let locked = try lockedDomain() { return locked }
      return .forward(try alias.targets(in: database), alias: recipient)
    case nil:
      return try catchAll(recipient)
    }
  }

  /// The account or alias of a local part, exact, else without its extension: the longest base first.
  func named(_ address: EmailAddress) throws -> Named? {
    let local = address.localPart.lowercased()
    if let exact = try lookup(local) { return exact }
    var bases: [Substring] = []
    for index in local.indices where domain.delimiters.contains(local[index]) && index > local.startIndex {
      bases.append(local[..<index])
    }
    // `+` may not be part of the base of `alice+x-y`, so the shortest bases are kept when there are too many.
    for base in bases.prefix(candidates).reversed() {
      if let found = try lookup(String(base)) { return found }
    }
    return nil
  }

  /// Whether one of an alias's targets is this account.
  func leads(_ alias: AliasRecord, to account: Account) throws -> Bool {
    for target in try alias.targets(in: database) {
      guard let home = try DomainRecord.find(target.domain.ascii, in: database), home.id == account.domainID else {
        continue
      }
      let matcher = RecipientMatcher(domain: home, candidates: candidates, database: database)
      if case .account(let found)? = try matcher.named(target), found.account.id == account.id { return true }
    }
    return false
  }

  private func lookup(_ local: String) throws -> Named? {
    let key = "\(local)@\(domain.name)"
    if let account = try AccountRecord.find(key: key, in: database) { return .account(account) }
    return try AliasRecord.find(key: key, in: database).map { .alias($0) }
  }

  private func catchAll(_ recipient: EmailAddress) throws -> RecipientMatch {
    switch try domain.catchAllChoice() {
    case .bounce: return .noMailbox
    case .delete: return try lockedDomain() ?? .discard
    case .address(let target):
      if let locked = try lockedDomain() { return locked }
      // A catch-all whose own target is missing would send the message round for ever.
      if try DomainRecord.find(target.domain.ascii, in: database)?.id == domain.id, try named(target) == nil {
        return .noMailbox
      }
      return .forward([target], alias: recipient)
    }
  }

  private func lockedDomain() throws -> RecipientMatch? {
    guard domain.suspended else { return nil }
    let key = "\(postmasterName)@\(domain.name)"
    return try AccountRecord.find(key: key, in: database).map { .suspended($0.account) } ?? .noMailbox
  }
}
