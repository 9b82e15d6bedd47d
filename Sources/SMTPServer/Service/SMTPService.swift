import Basics
import MailSyntax
import Wire

/// One kind of SMTP listener: what a `WireServer` hands its connections to.
///
/// ```swift
/// let service = SMTPService(role: .submission, host: host)
/// try await server.listen(ListenerSpec(name: "submission", addresses: [("0.0.0.0", 587)]), handler: service)
/// ```
package final class SMTPService: ConnectionHandler {
  /// What this listener is for.
  package let role: SMTPRole
  private let host: SMTPHost

  /// Makes the service of one listener.
  package init(role: SMTPRole, host: SMTPHost) {
    self.role = role
    self.host = host
  }

  /// Serves one client until it leaves.
  package func serve(_ connection: Connection) async throws {
    let session = SMTPServerSession(role: role, host: host, connection: connection)
    try await session.run()
  }

  /// A 421 for those who are turned away.
  package func refusal(_ reason: ConnectionRefusal) -> [UInt8]? {
    switch reason {
    case .shuttingDown: Replies.shuttingDown.wire
    default: Replies.tooManyConnections.wire
    }
  }
}
