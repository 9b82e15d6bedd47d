import Basics
import Synchronization

/// A name system made of tables, for tests: what is not in a table does not exist.
///
/// ```swift
/// let resolver = StaticResolver()
/// resolver.setMX("example.test", [(10, "mx.example.test")])
/// resolver.setAddresses("mx.example.test", ["192.0.2.25"])
/// resolver.fail("slow.test", .timeout)
/// ```
package final class StaticResolver: Resolving {
  private struct State {
    var mx: [String: DNSAnswer<MXRecord>] = [:]
    var addresses: [String: [IPAddress]] = [:]
    var secureHosts: Set<String> = []
    var txt: [String: DNSAnswer<[UInt8]>] = [:]
    var ptr: [IPAddress: DNSAnswer<String>] = [:]
    var tlsa: [String: DNSAnswer<TLSARecord>] = [:]
    var failures: [String: DNSFailure] = [:]
    var questions: [String] = []
  }
  private let state = Mutex(State())

  /// Makes an empty name system.
  package init() {}

  /// Sets the exchangers of a domain; an empty host is the null MX.
  package func setMX(_ domain: String, _ records: [(Int, String)], secure: Bool = false) {
    let records = records.map { MXRecord(preference: UInt16(clamping: $0.0), host: $0.1) }
    state.withLock { $0.mx[domain] = DNSAnswer(records, secure: secure, canonicalName: domain) }
  }

  /// Sets the addresses of a host, both families; texts that are no addresses are left out.
  package func setAddresses(_ host: String, _ addresses: [String], secure: Bool = false) {
    state.withLock { state in
      state.addresses[host] = addresses.compactMap { IPAddress($0) }
      if secure { state.secureHosts.insert(host) } else { state.secureHosts.remove(host) }
    }
  }

  /// Sets the text records of a name.
  package func setTXT(_ name: String, _ texts: [String], secure: Bool = false) {
    state.withLock { $0.txt[name] = DNSAnswer(texts.map { Array($0.utf8) }, secure: secure, canonicalName: name) }
  }

  /// Sets the names of an address.
  package func setPTR(_ address: IPAddress, _ names: [String]) {
    state.withLock { $0.ptr[address] = DNSAnswer(names) }
  }

  /// Sets the certificate associations of a host's port.
  package func setTLSA(_ host: String, port: Int, _ records: [TLSARecord], secure: Bool = true) {
    state.withLock { $0.tlsa["\(host):\(port)"] = DNSAnswer(records, secure: secure) }
  }

  /// Makes every question about a name fail, or succeed again with `nil`.
  package func fail(_ name: String, _ failure: DNSFailure?) { state.withLock { $0.failures[name] = failure } }

  /// The questions asked so far, as `MX example.test`.
  package var questions: [String] { state.withLock { $0.questions } }

  /// Mail exchangers, by `Resolving`.
  package func mx(_ domain: String) async throws -> DNSAnswer<MXRecord> {
    try answer("MX", domain) { $0.mx[domain] }.sorted()
  }

  /// A records, by `Resolving`.
  package func ipv4(_ host: String) async throws -> DNSAnswer<IPAddress> {
    try answer("A", host) { state in Self.family(state, host, bits: 32) }
  }

  /// AAAA records, by `Resolving`.
  package func ipv6(_ host: String) async throws -> DNSAnswer<IPAddress> {
    try answer("AAAA", host) { state in Self.family(state, host, bits: 128) }
  }

  /// TXT records, by `Resolving`.
  package func txt(_ name: String) async throws -> DNSAnswer<[UInt8]> { try answer("TXT", name) { $0.txt[name] } }

  /// PTR records, by `Resolving`.
  package func ptr(_ address: IPAddress) async throws -> DNSAnswer<String> {
    try answer("PTR", "\(address)") { $0.ptr[address] }
  }

  /// TLSA records, by `Resolving`.
  package func tlsa(_ host: String, port: Int) async throws -> DNSAnswer<TLSARecord> {
    try answer("TLSA", "_\(port)._tcp.\(host)") { $0.tlsa["\(host):\(port)"] }
  }

  private static func family(_ state: State, _ host: String, bits: Int) -> DNSAnswer<IPAddress>? {
    let fitting = (state.addresses[host] ?? []).filter { $0.bitWidth == bits }
    return fitting.isEmpty ? nil : DNSAnswer(fitting, secure: state.secureHosts.contains(host), canonicalName: host)
  }

  private func answer<Record>(
    _ type: String, _ name: String, _ find: (State) -> DNSAnswer<Record>?
  ) throws -> DNSAnswer<Record> {
    try state.withLock { state in
      if state.questions.count < 10_000 { state.questions.append("\(type) \(name)") }
      if let failure = state.failures[name] { throw failure }
      if let answer = find(state), !answer.records.isEmpty { return answer }
      let known = state.mx[name] != nil || state.addresses[name] != nil || state.txt[name] != nil
      throw known ? DNSFailure.nodata : DNSFailure.nxdomain
    }
  }
}
