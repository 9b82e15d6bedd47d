import Basics
import MailSyntax
import Synchronization
import Wire

/// Asks the accounts room on behalf of one connection's SASL exchanges.
package final class AccountVerifier: CredentialVerifier {
  private let accounts: Accounts
  private let service: MailService
  private let peer: IPAddress
  /// The keys the running SCRAM exchange was given, to see whether they are still the account's at its end.
  private let handedOut = Mutex<SCRAMKeys?>(nil)

  init(accounts: Accounts, service: MailService, peer: IPAddress) {
    self.accounts = accounts
    self.service = service
    self.peer = peer
  }

  /// Checks a password (PLAIN, LOGIN); acting as anybody else than the login's own account is refused.
  ///
  /// - Throws: `LoginRefusal`.
  package func verify(login: String, authorizationID: String?, password: [UInt8]) async throws -> Account {
    let account = try await accounts.authenticate(login: login, password: password, service: service, from: peer)
    try check(authorizationID, account, login: login)
    return account
  }

  /// The SCRAM-SHA-256 keys of a login; made up, but always the same, when there are none.
  ///
  /// - Throws: `LoginRefusal.temporaryFailure` when the store cannot answer.
  package func scramKeys(login: String) async throws -> SCRAMKeys {
    let name = try? LoginName(login)
    let keys = try await accounts.loginRecord(name)?.record.scram
    handedOut.withLock { $0 = keys }
    return keys ?? accounts.inventedKeys(login: name?.key ?? login)
  }

  /// Ends a SCRAM exchange whose proof was right: flags, identity, and that the password is still the one proved.
  ///
  /// - Throws: `LoginRefusal`.
  package func completeSCRAM(login: String, authorizationID: String?) async throws -> Account {
    let proved = handedOut.withLock { keys in
      defer { keys = nil }
      return keys
    }
    guard let found = try await accounts.loginRecord(try? LoginName(login)), let proved, found.record.scram == proved
    else { throw LoginRefusal.badCredentials }
    try check(authorizationID, found.record.account, login: login)
    return try accounts.admit(found.record.account, service, app: nil, from: peer)
  }

  /// An authorization identity is either none or the account itself, by its address or as it logged in.
  private func check(_ authorizationID: String?, _ account: Account, login: String) throws {
    guard let authorizationID, !authorizationID.isEmpty, authorizationID != login else { return }
    guard let name = try? LoginName(authorizationID), name.key == account.key else {
      throw LoginRefusal.badCredentials
    }
  }
}

extension Accounts {
  /// What SASL asks, for one service and client address.
  package func verifier(service: MailService, peer: IPAddress) -> AccountVerifier {
    AccountVerifier(accounts: self, service: service, peer: peer)
  }

  /// Keys for a login without any: they look like real ones, and no proof fits them.
  func inventedKeys(login: String) -> SCRAMKeys {
    SCRAMKeys(
      salt: Array(secret.derived("salt", login).prefix(16)), iterations: settings.scramIterations,
      storedKey: secret.derived("stored", login), serverKey: secret.derived("server", login))
  }
}
