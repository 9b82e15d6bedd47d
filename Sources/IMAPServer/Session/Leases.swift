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
      try await service.relay.openLease(
        account: account, peer: connection.peer, service: .imap, tls: connection.tls != nil)
    } catch let refusal as LeaseRefusal {
      connection.log.info("account changed during login", metadata: ["reason": "\(refusal)"])
      throw refusal.reason == "password-changed"
        ? LoginRefusal.badCredentials : LoginRefusal.serviceDenied(text: "This account may not be used at the moment")
    } catch {
      connection.log.warning("open-smtp lease not opened", metadata: ["error": "\(error)"])
    }
  }

  /// Touches the lease when it is due.
  ///
  /// - Returns: the time until it will be due.
  func touchLease() async throws -> Duration {
    guard let known = user else { return settings.leaseInterval }
    let left = known.leaseDue - service.time.uptime
    guard left <= .zero else { return left }
    do {
      try await service.relay.touchLease(
        account: known.account, peer: connection.peer, service: .imap, tls: connection.tls != nil)
    } catch {
      connection.log.warning("open-smtp lease not touched", metadata: ["error": "\(error)"])
    }
    user?.leaseDue = service.time.uptime + settings.leaseInterval
    return settings.leaseInterval
  }
}
