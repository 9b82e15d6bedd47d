import Accounts
import Basics
import Logging
import MailStore
import RelayAccess
import Wire

/// The IMAP side of the house, for the listeners `imap` and `imaps`: a session per connection.
package final class IMAPService: ConnectionHandler {
  let accounts: Accounts
  let relay: RelayAccess
  let store: MailStore
  let limiter: FailedLoginLimiter
  let time: any TimeSource
  let mailAccount: @Sendable (Account) -> MailAccount
  /// The numbers it works by.
  package let settings: IMAPSettings

  /// Makes the service.
  ///
  /// - Parameters:
  ///   - limiter: shared with the other protocols, so that a guesser gains nothing by changing ports.
  ///   - mailAccount: where an account's mail lies.
  package init(
    accounts: Accounts, relay: RelayAccess, store: MailStore, settings: IMAPSettings, limiter: FailedLoginLimiter,
    time: any TimeSource, mailAccount: @escaping @Sendable (Account) -> MailAccount
  ) {
    self.accounts = accounts
    self.relay = relay
    self.store = store
    self.settings = settings
    self.limiter = limiter
    self.time = time
    self.mailAccount = mailAccount
    AppendSpool.sweep(settings.spoolDirectory)
  }

  /// Serves one client until it logs out, leaves, or has to go.
  package func serve(_ connection: Connection) async throws {
    let session = IMAPSession(connection: connection, service: self)
    defer { session.accountWatch?.cancel() }
    try await session.run()
  }

  /// `* BYE` and why, for a client that is turned away.
  package func refusal(_ reason: ConnectionRefusal) -> [UInt8]? {
    let text =
      switch reason {
      case .tooManyFromAddress, .tooManyPendingFromAddress: "Too many connections from your address"
      case .tooManyInAll: "Too many connections, try again later"
      case .shuttingDown: "Server is shutting down"
      }
    return Array("* BYE [UNAVAILABLE] \(text)\r\n".utf8)
  }
}
