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

  /// Turns away blacklisted clients and strangers at LMTP before any octet, TLS included (R9).
  package func meet(_ connection: Connection) async throws -> Bool {
    if role == .lmtp, !host.settings.lmtpNetworks.contains(where: { $0.contains(connection.peer) }) {
      connection.log.notice("LMTP from a network that is not listed")
      return false
    }
    let networks = host.settings.allowFrom[role]
    let isServed = networks?.contains { $0.contains(connection.peer) } ?? true
    let greeting =
      isServed
      ? await host.rights.greeting(for: connection.peer) : await host.rights.turningAway(connection.peer)
    let cause = isServed ? "blacklisted" : "network not served"
    switch greeting {
    case .welcome:
      return true
    case .silence(let duration, let seat):
      connection.log.notice("\(cause): silence")
      await stayMute(connection, for: duration)
      withExtendedLifetime(seat) {}
    case .close:
      connection.log.notice("\(cause): closed")
    case .refuse(let reply):
      // Before TLS there is no way to say it on 465.
      if role != .submissions { connection.write(reply.wire) }
      try await connection.flush()
    }
    return false
  }

  /// Holds the connection without a word until the time is over or the client goes.
  private func stayMute(_ connection: Connection, for duration: Duration) async {
    let end = host.time.uptime + duration
    var isOpen = true
    while isOpen {
      let rest = end - host.time.uptime
      guard rest > .zero else { return }
      do {
        isOpen = try await connection.consume(timeout: rest) { $0.count }
      } catch {
        return
      }
    }
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
