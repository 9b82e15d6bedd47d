import Basics
import NIOCore
import NIOPosix
import Synchronization

/// A session with one server, ready for transactions.
///
/// Not for use by several tasks at once. While `isReusable` is true after a transaction, the next may follow at once.
package final class SMTPSession: Sendable {
  /// What the server announced in reply to EHLO, after TLS when there is TLS.
  package let extensions: RemoteExtensions
  /// The protocol version when the session is encrypted, for logs: `TLSv1.3`.
  package let tls: String?

  let dialogue: Dialogue
  let files: NIOThreadPool
  private let isBroken = Mutex(false)

  init(dialogue: Dialogue, extensions: RemoteExtensions, tls: String?, files: NIOThreadPool) {
    self.dialogue = dialogue
    self.extensions = extensions
    self.tls = tls
    self.files = files
  }

  /// Whether the connection can take another transaction.
  package var isReusable: Bool { !isBroken.withLock { $0 } && dialogue.stream.isActive }

  /// How many recipients fit in one transaction with this server.
  package var recipientLimit: Int {
    min(dialogue.settings.recipientsPerTransaction, extensions.recipientLimit ?? .max)
  }

  /// Sends one message; never throws, every recipient gets its outcome.
  ///
  /// Recipients beyond `recipientLimit` are offered in further transactions on the same connection.
  package func send(_ message: OutgoingMessage) async -> TransactionResult {
    var result = TransactionResult(recipients: [], passedDSN: extensions.dsn)
    var rest = message.recipients[...]
    while !rest.isEmpty {
      var part = message
      part.recipients = Array(rest.prefix(max(1, recipientLimit)))
      rest = rest.dropFirst(part.recipients.count)
      let transaction = Transaction(session: self, message: part)
      result.recipients += await transaction.run()
    }
    return result
  }

  /// Tests with RSET whether an idle connection still lives.
  package func reset() async throws(SMTPFailure) {
    let reply = try await dialogue.command("RSET", stage: .hello, within: dialogue.settings.commandTimeout)
    guard reply.isPositive else {
      markBroken()
      throw dialogue.refusal(reply, stage: .hello, command: "RSET", isPermanent: false)
    }
  }

  /// Says QUIT, waits a moment for the reply, and closes.
  package func quit() async {
    if isReusable {
      _ = try? await dialogue.command("QUIT", stage: .hello, within: dialogue.settings.quitTimeout)
    }
    close()
  }

  /// Closes at once.
  package func close() {
    markBroken()
    dialogue.stream.close()
  }

  /// Notes that replies and commands are out of step or the connection is gone.
  func markBroken() { isBroken.withLock { $0 = true } }
}
