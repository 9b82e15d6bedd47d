import Basics
import DNSResolver
import SMTPClient

/// Finds what the name system says about the certificates of mail exchangers (RFC 7672 section 2).
struct DANEFinder: Sendable {
  let resolver: any Resolving
  let port: Int

  /// What was found for one host.
  enum Finding: Sendable {
    /// Nothing that is proven: the host is used as by settings.
    case nothing
    /// Records that are proven.
    case policy(DANEPolicy)
    /// Nobody can say, and an attacker may be why: the host must not be used now (section 2.1.2).
    case unanswered(String, DNSFailure)
  }

  /// Asks about a host whose addresses were found.
  ///
  /// - Parameters:
  ///   - nextHop: the recipient's domain, where DNSSEC proves that the host is its exchanger.
  func find(_ host: String, _ addresses: DNSAnswer<IPAddress>, nextHop: String?) async throws -> Finding {
    // A host in a zone without signatures has no records that could be proven (section 2.2.2).
    guard addresses.secure else { return .nothing }
    let end = addresses.canonicalName
    for name in end.isEmpty || end == host ? [host] : [end, host] {
      do {
        let records = try await resolver.tlsa(name, port: port)
        guard records.secure else { continue }
        return .policy(DANEPolicy(Array(records.records.prefix(Self.mostRecords)), baseDomain: name, nextHop: nextHop))
      } catch let failure as DNSFailure {
        if failure.isTemporary { return .unanswered("_\(port)._tcp.\(name)", failure) }
      }
    }
    return .nothing
  }

  /// Records of one host that are looked at.
  private static let mostRecords = 32
}
