import Basics
import GRDB
import MailSyntax

/// Which leases a listing or a revocation means.
package enum LeaseFilter: Sendable, Hashable {
  /// Every lease.
  case all
  /// Those that cover an address.
  case address(IPAddress)
  /// Those of an account.
  case account(EmailAddress)
  /// Those of a domain's accounts.
  case domain(MailDomain)

  /// The condition on rows; an address is narrowed further by its caller.
  var condition: (sql: String, arguments: StatementArguments) {
    switch self {
    case .all, .address: ("1", [])
    case .account(let address): ("account = ?", [address.key])
    case .domain(let domain): ("substr(account, -length(?1)) = ?1", ["@" + domain.ascii])
    }
  }

  /// Whether a lease is meant.
  func includes(_ lease: Lease) -> Bool {
    if case .address(let address) = self { return lease.net.contains(address) }
    return true
  }
}

/// A list that other programs read.
package enum LeaseExport: String, Sendable, CaseIterable {
  /// Rules for ucspi-tcp's `tcprules`, as vpopmail wrote them.
  case tcprules
  /// A table for Postfix's `check_client_access cidr:`.
  case postfix
  /// A list for Exim's `net-iplsearch`.
  case exim
}

/// The answer of `open-smtp check`.
package struct LeaseCheck: Sendable {
  /// Whether a recipient elsewhere would be accepted.
  package let isAllowed: Bool
  /// `open-smtp`, or the reason of the refusal.
  package let reason: String
  /// The account that would be charged.
  package let account: String?
  /// The lease that allows it.
  package let lease: Lease?
  /// The network that stands for the address.
  package let net: IPNetwork
  /// The reply a client would read, on one line; `nil` when allowed.
  package let reply: String?
}
