import GRDB

/// Why a verb was not done; the text is for the administrator and is vpopmail's where vpopmail has one.
package struct AccountsError: Error, Hashable, CustomStringConvertible {
  /// The kind of refusal, which decides the command line's exit code.
  package enum Code: String, Sendable, Hashable {
    /// A rule forbids it.
    case refused
    /// A value makes no sense.
    case usage
    /// The domain, account, alias or offer does not exist.
    case notFound = "not-found"
    /// The name is taken.
    case exists
    /// It would pass a limit of the offer, the domain or the configuration.
    case overLimit = "over-limit"
    /// The database cannot answer at the moment; nothing is known about the question.
    case temporary
  }
  /// The kind of refusal.
  package let code: Code
  /// One line.
  package let text: String
  /// The text.
  package var description: String { text }

  /// Makes an error.
  package init(_ code: Code, _ text: String) {
    self.code = code
    self.text = text
  }

  static let domainExists = AccountsError(.exists, "Domain already exists")
  static let invalidDomain = AccountsError(.usage, "Invalid domain name")
  static let noSuchDomain = AccountsError(.notFound, "Domain does not exist")
  static let userExists = AccountsError(.exists, "Username exists")
  static let noSuchUser = AccountsError(.notFound, "User does not exist")
  static let illegalUser = AccountsError(.usage, "Illegal username")
  static let postmasterStays = AccountsError(.refused, "postmaster account cannot be deleted")
  static let postmasterServes = AccountsError(.refused, "postmaster account cannot be deleted or suspended")
  static let noSuchAlias = AccountsError(.notFound, "Alias does not exist")
  static let noSuchOffer = AccountsError(.notFound, "Offer does not exist")
  static let offerExists = AccountsError(.exists, "Offer already exists")
  static let catchAllStays = AccountsError(.refused, "can't delete catchall account")
  static let busy = AccountsError(.temporary, "too many passwords are being checked, try again later")

  /// Turns whatever a store closure threw into one of ours: triggers' texts into refusals, the database's own troubles
  /// into ``Code/temporary`` (never into "wrong password" or "no such user").
  init(wrapping error: any Error) {
    if let known = error as? AccountsError {
      self = known
    } else if let fault = error as? DatabaseError {
      self.init(fault)
    } else {
      self.init(.temporary, "\(error)")
    }
  }

  private init(_ fault: DatabaseError) {
    let message = fault.message ?? "\(fault.resultCode)"
    switch fault.extendedResultCode {
    case .SQLITE_CONSTRAINT_TRIGGER:
      let known: [AccountsError] = [.domainExists, .userExists, .postmasterStays, .postmasterServes]
      self = known.first { $0.text == message } ?? AccountsError(.refused, message)
    case .SQLITE_CONSTRAINT_UNIQUE, .SQLITE_CONSTRAINT_PRIMARYKEY:
      self.init(.exists, "exists already (\(message))")
    case .SQLITE_CONSTRAINT_FOREIGNKEY:
      self.init(.refused, "still in use")
    case .SQLITE_CONSTRAINT_CHECK:
      self.init(.usage, "impossible value (\(message))")
    default:
      self.init(.temporary, "accounts.db: \(message)")
    }
  }
}
