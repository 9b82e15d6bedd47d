import Basics
import Logging

/// Asks the domain name system through libunbound: from the root or through named servers, validating when it has
/// trust anchors, with libunbound's own bounded cache.
package final class DNSResolver: Resolving {
  private let context: UnboundContext
  private let settings: ResolverSettings
  private let time: any TimeSource
  private let log: Logger

  /// Sets the resolver up; throws ``ResolverSetupError`` for a setting libunbound does not take.
  package init(
    settings: ResolverSettings, time: any TimeSource = SystemTime(), log: Logger = Logger(label: "martinet.dns")
  ) throws {
    self.settings = settings
    self.time = time
    self.log = log
    context = try UnboundContext(settings: settings)
  }

  /// Mail exchangers, by `Resolving`.
  package func mx(_ domain: String) async throws -> DNSAnswer<MXRecord> {
    try await ask(domain, .mx, RecordData.mx).sorted()
  }

  /// NS records, by `Resolving`.
  package func ns(_ domain: String) async throws -> DNSAnswer<String> {
    try await ask(domain, .ns) { RecordData.name($0[...]) }
  }

  /// A records, by `Resolving`.
  package func ipv4(_ host: String) async throws -> DNSAnswer<IPAddress> {
    try await ask(host, .a) { $0.count == 4 ? IPAddress(octets: $0) : nil }
  }

  /// AAAA records, by `Resolving`.
  package func ipv6(_ host: String) async throws -> DNSAnswer<IPAddress> {
    try await ask(host, .aaaa) { $0.count == 16 ? IPAddress(octets: $0) : nil }
  }

  /// TXT records, by `Resolving`.
  package func txt(_ name: String) async throws -> DNSAnswer<[UInt8]> { try await ask(name, .txt, RecordData.txt) }

  /// PTR records, by `Resolving`.
  package func ptr(_ address: IPAddress) async throws -> DNSAnswer<String> {
    try await ask(Self.reverseName(address), .ptr) { RecordData.name($0[...]) }
  }

  /// TLSA records, by `Resolving`.
  package func tlsa(_ host: String, port: Int) async throws -> DNSAnswer<TLSARecord> {
    try await ask("_\(port)._tcp.\(host)", .tlsa, RecordData.tlsa)
  }

  /// `1.2.0.192.in-addr.arpa` or the nibbles under `ip6.arpa` (RFC 1035 section 3.5, RFC 3596 section 2.5).
  package static func reverseName(_ address: IPAddress) -> String {
    let octets = address.octets.reversed()
    if octets.count == 4 { return octets.map(String.init).joined(separator: ".") + ".in-addr.arpa" }
    let nibbles = octets.flatMap { [$0 & 15, $0 >> 4] }
    return nibbles.map { String($0, radix: 16) }.joined(separator: ".") + ".ip6.arpa"
  }

  private func ask<Record: Sendable>(
    _ name: String, _ type: RecordType, _ decode: @Sendable ([UInt8]) -> Record?
  ) async throws -> DNSAnswer<Record> {
    let labels = name.split(separator: ".", omittingEmptySubsequences: false)
    let sound =
      name.utf8.count <= 253
      && labels.allSatisfy { label in
        (1...63).contains(label.utf8.count) && label.utf8.allSatisfy { (0x21...0x7e).contains($0) && $0 != 0x5c }
      }
    // What is no domain name cannot exist; libunbound need not see it.
    guard sound else { throw DNSFailure.nxdomain }
    let reply = try await withTimeout { [context] in try await context.ask(name + ".", type) }
    let records = reply.data.compactMap(decode)
    guard !records.isEmpty else {
      log.debug("dns answer without a sound record", metadata: ["name": "\(name)", "type": "\(type)"])
      throw reply.data.isEmpty ? DNSFailure.nodata : DNSFailure.servfail
    }
    var canonical = reply.canonicalName
    if canonical.hasSuffix(".") { canonical.removeLast() }
    return DNSAnswer(records, secure: reply.secure, ttl: .seconds(reply.ttl), canonicalName: canonical)
  }

  private func withTimeout(
    _ question: @escaping @Sendable () async throws -> UnboundContext.Reply
  ) async throws -> UnboundContext.Reply {
    try await withThrowingTaskGroup(of: UnboundContext.Reply.self) { group in
      group.addTask(operation: question)
      group.addTask { [time, settings] in
        try await time.sleep(for: settings.timeout)
        throw DNSFailure.timeout
      }
      defer { group.cancelAll() }
      guard let reply = try await group.next() else { throw DNSFailure.timeout }
      return reply
    }
  }
}
