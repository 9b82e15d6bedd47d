import Basics

/// The questions a mail host asks the domain name system.
///
/// Names are A-labels without the final dot (`MailDomain.ascii`). Every question throws ``DNSFailure``, or
/// `CancellationError` when its task is cancelled. ``DNSResolver`` asks the network, ``StaticResolver`` a table.
///
/// ```swift
/// let exchangers = try await resolver.mx("example.test").records
/// ```
package protocol Resolving: Sendable {
  /// The mail exchangers by rising preference, equal ones shuffled; see ``DNSAnswer/isNullMX``.
  func mx(_ domain: String) async throws -> DNSAnswer<MXRecord>
  /// The name servers of a zone; `nodata` for a domain inside another zone.
  func ns(_ domain: String) async throws -> DNSAnswer<String>
  /// The IPv4 addresses of a host.
  func ipv4(_ host: String) async throws -> DNSAnswer<IPAddress>
  /// The IPv6 addresses of a host.
  func ipv6(_ host: String) async throws -> DNSAnswer<IPAddress>
  /// The text records; the strings of one record are joined (RFC 7208 section 3.3).
  func txt(_ name: String) async throws -> DNSAnswer<[UInt8]>
  /// The names of an address.
  func ptr(_ address: IPAddress) async throws -> DNSAnswer<String>
  /// The certificate associations of a service: `_25._tcp.mx.example.test` for port 25.
  func tlsa(_ host: String, port: Int) async throws -> DNSAnswer<TLSARecord>
}

extension Resolving {
  /// A name system that knows no zones.
  package func ns(_ domain: String) async throws -> DNSAnswer<String> { throw DNSFailure.nodata }

  /// All addresses of a host, IPv6 first, both families asked at once.
  ///
  /// A family that fails is passed over when the other one has addresses. When neither has, a temporary failure wins
  /// over `nodata`, so that nobody is refused for good because half of the question went unanswered.
  package func addresses(_ host: String) async throws -> DNSAnswer<IPAddress> {
    async let six = outcome { try await ipv6(host) }
    async let four = outcome { try await ipv4(host) }
    let outcomes = try await [six, four]
    let answers = outcomes.compactMap { try? $0.get() }
    guard let first = answers.first else {
      let failures = outcomes.compactMap { outcome -> DNSFailure? in
        if case .failure(let failure) = outcome { return failure }
        return nil
      }
      throw failures.first { $0.isTemporary } ?? failures.first { $0 == .nxdomain } ?? .nodata
    }
    return DNSAnswer(
      answers.flatMap(\.records), secure: answers.allSatisfy(\.secure), ttl: answers.map(\.ttl).min() ?? first.ttl,
      canonicalName: first.canonicalName)
  }

  private func outcome(
    _ question: () async throws -> DNSAnswer<IPAddress>
  ) async throws -> Result<DNSAnswer<IPAddress>, DNSFailure> {
    do {
      return .success(try await question())
    } catch let failure as DNSFailure {
      return .failure(failure)
    }
  }
}
