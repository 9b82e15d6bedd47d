import Accounts
import Basics
import Logging
import MailStore
import RelayAccess
import Wire

/// The POP3 server (RFC 1939 and what came after it): one value serves all connections of its listeners.
package final class POP3Service: ConnectionHandler {
  /// Every number and switch.
  package let settings: POP3Settings
  let accounts: Accounts
  let relay: RelayAccess
  let store: MailStore
  let limiter: FailedLoginLimiter
  let time: any TimeSource
  let mailAccount: @Sendable (Account) -> MailAccount

  /// Builds the service on the rooms below.
  ///
  /// - Parameter mailAccount: where an account's mail lies; the composition root knows the mail root.
  package init(
    accounts: Accounts, relay: RelayAccess, store: MailStore, limiter: FailedLoginLimiter, settings: POP3Settings,
    time: any TimeSource, mailAccount: @escaping @Sendable (Account) -> MailAccount
  ) {
    self.accounts = accounts
    self.relay = relay
    self.store = store
    self.limiter = limiter
    self.settings = settings
    self.time = time
    self.mailAccount = mailAccount
  }

  /// Serves one connection until its end.
  package func serve(_ connection: Connection) async throws {
    try await POP3Session(self, connection).run()
  }

  /// What a client is told that is turned away.
  package func refusal(_ reason: ConnectionRefusal) -> [UInt8]? {
    switch reason {
    case .tooManyFromAddress, .tooManyPendingFromAddress:
      Array("-ERR [SYS/TEMP] too many connections from your address\r\n".utf8)
    case .tooManyInAll: Array("-ERR [SYS/TEMP] too many connections, try again later\r\n".utf8)
    case .shuttingDown: Array("-ERR [SYS/TEMP] shutting down\r\n".utf8)
    }
  }
}
