import Accounts
import Basics
import HelpPages
import RelayAccess
import Wire

extension UnblockDesk {
  /// The page's desk over a host's accounts and its blacklist.
  static func host(_ rooms: HostRooms, limiter: FailedLoginLimiter) -> UnblockDesk {
    UnblockDesk { peer in
      guard let entry = try await rooms.relay.blacklistEntry(peer) else { return .free }
      return .listed(reason: entry.reason, until: entry.expires?.rfc3339)
    } lift: { login, password, peer in
      do {
        let account = try await limiter.guarded(peer) { try await mailbox(rooms, login, password, peer) }
        switch try await rooms.relay.liftBySelf(account, peer: peer) {
        case .lifted(let net): return .lifted("\(net)")
        case .notListed: return .notListed
        case .tooSoon(let moment): return .tooSoon(moment.rfc3339)
        case .administratorOnly: return .administratorOnly
        }
      } catch LoginRefusal.badCredentials {
        try? await rooms.relay.loginFailed(peer: peer)
        return .wrongLogin
      } catch LoginRefusal.serviceDenied(let text) {
        return .denied(text)
      } catch {
        return .tryLater
      }
    }
  }

  /// Who may read his mail by either road is who he says.
  private static func mailbox(
    _ rooms: HostRooms, _ login: String, _ password: [UInt8], _ peer: IPAddress
  ) async throws -> Account {
    do {
      return try await rooms.accounts.authenticate(login: login, password: password, service: .imap, from: peer)
    } catch LoginRefusal.serviceDenied {
      return try await rooms.accounts.authenticate(login: login, password: password, service: .pop, from: peer)
    }
  }
}
