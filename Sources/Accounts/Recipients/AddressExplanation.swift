import GRDB
import MailSyntax

/// Why an address is or is not a mailbox here: the four questions every vpopmail host's staff asks (R46).
package struct AddressExplanation: Sendable, Hashable {
  /// The address asked about.
  package let address: EmailAddress
  /// The hosted domain it lies in, the real one of an alias domain; `nil` when it is not ours.
  package let domain: MailDomain?
  /// First question, `.qmail-default`: what becomes of names nobody has.
  package let catchAll: CatchAll?
  /// Second question, `vpasswd`: the account that is meant.
  package let account: Account?
  /// Fourth question, `.qmail-NAME`: the alias or forward that is meant. (The third, the directory, is the mail
  /// store's.)
  package let alias: AliasInfo?
  /// What becomes of mail for it.
  package let outcome: RecipientMatch
}

extension Accounts {
  /// Answers why mail for an address goes where it goes.
  ///
  /// - Throws: ``AccountsError`` with code `temporary` when the store cannot answer.
  package func explain(_ address: EmailAddress) async throws -> AddressExplanation {
    let candidates = settings.extensionCandidates
    return try await read { database in
      guard let domain = try DomainRecord.find(address.domain.ascii, in: database) else {
        return AddressExplanation(
          address: address, domain: nil, catchAll: nil, account: nil, alias: nil, outcome: .notHosted)
      }
      let matcher = RecipientMatcher(domain: domain, candidates: candidates, database: database)
      let name = try MailDomain(domain.name)
      var (account, alias): (Account?, AliasInfo?)
      switch try matcher.named(address) {
      case .account(let found): account = found.account
      case .alias(let found):
        alias = AliasInfo(
          address: try EmailAddress(localPart: found.localPart, domain: name), targets: try found.targets(in: database),
          comment: found.comment)
      case nil: break
      }
      return AddressExplanation(
        address: address, domain: name, catchAll: try domain.catchAllChoice(), account: account, alias: alias,
        outcome: try matcher.match(address))
    }
  }
}
