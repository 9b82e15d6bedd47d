import Basics
import MailSyntax

/// A hosted domain as the administrator sees it.
package struct DomainInfo: Sendable, Hashable {
  /// The row's number; never used again.
  package let id: Int64
  /// The name, as A-labels.
  package let name: MailDomain
  /// The offer its accounts have when they have none of their own.
  package let offer: String?
  /// Whether all its accounts are locked.
  package let suspended: Bool
  /// What is switched off for all its accounts.
  package let denied: Set<MailService>
  /// What becomes of mail for names nobody has.
  package let catchAll: CatchAll
  /// The characters that begin an extension of a local part, `+-` by default.
  package let delimiters: String
  /// How many accounts and aliases it may have, and what its mailboxes may hold together.
  package let limits: DomainLimits
  /// Names that stand for this domain.
  package let aliasDomains: [MailDomain]
  /// Accounts, postmaster included.
  package let accountCount: Int
  /// Aliases.
  package let aliasCount: Int
  /// When it was made.
  package let createdAt: Timestamp
  /// What the administrator noted.
  package let comment: String
}

/// Bounds of one domain; `nil` is no bound.
package struct DomainLimits: Sendable, Hashable {
  /// Accounts, postmaster included.
  package var accounts: Int?
  /// Aliases and forwards.
  package var aliases: Int?
  /// Octets of all its accounts' quotas together.
  package var quota: Int64?

  /// Makes limits; without arguments none.
  package init(accounts: Int? = nil, aliases: Int? = nil, quota: Int64? = nil) {
    self.accounts = accounts
    self.aliases = aliases
    self.quota = quota
  }
}

/// What becomes of mail for names nobody has in a hosted domain.
package enum CatchAll: Sendable, Hashable, CustomStringConvertible {
  /// Refused at RCPT.
  case bounce
  /// Taken and thrown away.
  case delete
  /// Goes there.
  case address(EmailAddress)

  /// As the command line takes it: `bounce`, `delete` or an address.
  package init(_ text: String) throws(AccountsError) {
    switch text.lowercased() {
    case "bounce", "bounce-no-mailbox": self = .bounce
    case "delete": self = .delete
    default:
      guard let address = try? EmailAddress(text) else {
        throw AccountsError(.usage, "catch-all is bounce, delete or an address, not \(text)")
      }
      self = .address(address)
    }
  }

  /// `bounce`, `delete` or the address.
  package var description: String {
    switch self {
    case .bounce: "bounce"
    case .delete: "delete"
    case .address(let address): "\(address)"
    }
  }
}

/// An alias or forward: a name that stands for other addresses.
package struct AliasInfo: Sendable, Hashable {
  /// The name.
  package let address: EmailAddress
  /// Where mail for it goes, in the order given.
  package let targets: [EmailAddress]
  /// What the administrator noted.
  package let comment: String
}
