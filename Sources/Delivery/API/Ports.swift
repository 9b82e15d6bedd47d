import Accounts
import Basics
import MailStore
import MailSyntax
import SMTPClient

/// Who is who: what delivery asks of `Accounts`.
package protocol RecipientDirectory: Sendable {
  /// What an address stands for.
  func match(recipient: EmailAddress) async throws -> RecipientMatch
  /// Whether mail for a domain belongs here.
  func isHosted(_ domain: MailDomain) async throws -> Bool
}

extension Accounts: RecipientDirectory {}

/// Where local copies go: what delivery asks of `MailStore`.
package protocol LocalMailboxes: Sendable {
  /// Puts a message durably into a folder; throws `StoreError`.
  func deliver(
    _ content: MessageContent, prefix: [UInt8], to account: MailAccount, folder: MailboxName, flags: MessageFlags,
    internalDate: Timestamp?
  ) async throws -> DeliveredMessage
  /// Whether so many octets fit the quota now.
  func fits(_ account: MailAccount, bytes: Int) async throws -> Bool
}

extension MailStore: LocalMailboxes {}

/// Opens sessions with other servers: what delivery asks of `SMTPClient`.
package protocol MailTransport: Sendable {
  /// A session that is ready for transactions.
  func session(with endpoint: SMTPEndpoint) async throws(SMTPFailure) -> any MailSession
}

/// A session with another server.
package protocol MailSession: Sendable {
  /// What the server announced.
  var extensions: RemoteExtensions { get }
  /// TLS version and cipher; `nil` in clear.
  var tls: String? { get }
  /// Whether another transaction may follow.
  var isReusable: Bool { get }
  /// Sends one message; every recipient gets its outcome.
  func send(_ message: OutgoingMessage) async -> TransactionResult
  /// Ends the session politely.
  func quit() async
  /// Ends the session at once.
  func close()
}

extension SMTPSession: MailSession {}

extension SMTPClient: MailTransport {
  /// A session that is ready for transactions.
  package func session(with endpoint: SMTPEndpoint) async throws(SMTPFailure) -> any MailSession {
    try await connect(to: endpoint)
  }
}
