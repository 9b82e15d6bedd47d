import Basics
import Logging
import MailSyntax
import Wire

/// The rules of domains, accounts, offers, aliases, passwords and quotas, over the host's database.
///
/// One value per process; every method may be called from any task and never blocks it.
package final class Accounts: Sendable {
  let database: HostDatabase
  let settings: AccountSettings
  let time: any TimeSource
  let hasher: PasswordHasher
  let log: Logger

  /// Brings this room's tables up to date and makes the room.
  ///
  /// - Throws: ``HostDatabaseError`` when the file is of a newer version or cannot be used.
  package init(
    database: HostDatabase, settings: AccountSettings = AccountSettings(), time: any TimeSource, hasher: PasswordHasher,
    log: Logger
  ) throws {
    try database.migrate(AccountsSchema.room, AccountsSchema.steps)
    self.database = database
    self.settings = settings
    self.time = time
    self.hasher = hasher
    self.log = log
  }

  package func authenticate(
    login: String, password: [UInt8], service: MailService, from peer: IPAddress
  ) async throws -> Account { throw LoginRefusal.temporaryFailure }

  /// What SASL asks, for one service and client address.
  package func verifier(service: MailService, peer: IPAddress) -> AccountVerifier {
    AccountVerifier(accounts: self, service: service, peer: peer)
  }

  package func authenticateAPOP(
    login: String, challenge: String, digest: [UInt8], from peer: IPAddress
  ) async throws -> Account { throw LoginRefusal.temporaryFailure }

  package func account(id: Int64) async throws -> Account? { throw AccountsError.busy }
  package func account(address: EmailAddress) async throws -> Account? { throw AccountsError.busy }
  package func match(recipient: EmailAddress) async throws -> RecipientMatch { throw AccountsError.busy }
  package func owns(_ account: Account, address: EmailAddress) async throws -> Bool { throw AccountsError.busy }
  package func isHosted(_ domain: MailDomain) async throws -> Bool { throw AccountsError.busy }

  /// Calls back for every change of one account until the token is cancelled or gone; the callback must be short.
  package func watch(
    account id: Int64, _ onChange: @escaping @Sendable (AccountChange) -> Void
  ) -> AccountWatch { AccountWatch() }
  package func accountChanges() -> AsyncStream<AccountChange> { AsyncStream { $0.finish() } }
  /// Follows other processes' changes and writes collected last logins, until cancelled.
  package func run() async {}
  package func poke() {}

  package func addDomain(
    _ name: String, offer: String? = nil, catchAll: CatchAll = .bounce, postmaster: NewPassword, comment: String = ""
  ) async throws -> DomainInfo { throw AccountsError.busy }
  package func removeDomain(_ name: String) async throws { throw AccountsError.busy }
  package func addAccount(_ new: NewAccount) async throws -> Account { throw AccountsError.busy }
  package func setPassword(_ login: String, _ password: NewPassword) async throws { throw AccountsError.busy }
  package func removeAccount(_ login: String) async throws -> Account { throw AccountsError.busy }
}

package final class AccountWatch: Sendable { package func cancel() {} }

/// Asks the accounts room on behalf of one connection's SASL exchange.
package struct AccountVerifier: CredentialVerifier {
  let accounts: Accounts
  let service: MailService
  let peer: IPAddress
  package func verify(login: String, authorizationID: String?, password: [UInt8]) async throws -> Account {
    throw LoginRefusal.temporaryFailure
  }
  package func scramKeys(login: String) async throws -> SCRAMKeys { throw LoginRefusal.temporaryFailure }
  package func completeSCRAM(login: String, authorizationID: String?) async throws -> Account {
    throw LoginRefusal.temporaryFailure
  }
}
