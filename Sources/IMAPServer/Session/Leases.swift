import Accounts
import Basics
import Logging
import RelayAccess
import Wire

/// The session's part in OPEN-SMTP: a login opens a lease, an open session keeps it alive.
extension IMAPSession {
  /// Opens the lease; a failing database is logged and does not keep anybody from reading mail.
  ///
  /// - Throws: `LoginRefusal` when the account changed between the check of its password and this.
  func openLease(_ account: Account) async throws {
    do {
      _ = try await service.relay.openLease(
        account: account, peer: connection.peer, service: .imap, tls: connection.tls != nil)
    } catch let refusal as LeaseRefusal {
      connection.log.info("account changed during login", metadata: ["reason": "\(refusal)"])
      throw refusal.reason == "password-changed"
        ? LoginRefusal.badCredentials : LoginRefusal.serviceDenied(text: "This account may not be used at the moment")
    } catch {
      warn("open-smtp lease not opened", error)
    }
  }

  /// The time until the lease is to be touched; zero or less: now.
  func timeToTouchLease() -> Duration {
    guard let user else { return settings.leaseInterval }
    return user.leaseDue - service.time.uptime
  }

  /// Touches the lease, in a task of its own.
  ///
  /// - Returns: the time until it is to be touched again.
  func touchLeaseApart() async throws -> Duration {
    try await connection.apart { await self.touchLease() }
    return timeToTouchLease()
  }

  private func touchLease() async {
    guard let account = user?.account else { return }
    do {
      try await service.relay.touchLease(
        account: account, peer: connection.peer, service: .imap, tls: connection.tls != nil)
    } catch {
      warn("open-smtp lease not touched", error)
    }
    user?.leaseDue = service.time.uptime + settings.leaseInterval
  }

  /// Logs a failure that the client need not hear of.
  ///
  /// Not inlined: what builds the line would stay in async frames.
  @inline(never)
  func warn(_ text: Logger.Message, _ error: any Error) {
    connection.log.warning(text, metadata: ["error": "\(error)"])
  }
}
