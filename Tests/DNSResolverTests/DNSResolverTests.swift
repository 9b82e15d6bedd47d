import Basics
import Testing

@testable import DNSResolver

@Suite("DNSResolver against nsd", .enabled(if: NameServer.isInstalled), .serialized)
struct DNSResolverTests {
  private static let zone = """
    ns A 127.0.0.1
    @ MX 20 Backup.Example
    @ MX 10 mx1
    @ MX 10 mx2
    @ TXT "v=spf1 " "-all"
    mx1 A 192.0.2.1
    mx1 A 192.0.2.2
    mx1 AAAA 2001:db8::1
    mx2 A 192.0.2.3
    null MX 0 .
    alias CNAME mx1
    dangling CNAME nowhere
    loop1 CNAME loop2
    loop2 CNAME loop1
    _25._tcp.mx1 TLSA 3 1 1 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef

    """
  private static let zones = ["test": zone, "2.0.192.in-addr.arpa": "ns A 127.0.0.1\n1 PTR Mx1.Test.\n"]

  private func resolver(_ server: NameServer, _ change: (inout ResolverSettings) -> Void = { _ in }) throws
    -> DNSResolver
  {
    var settings = ResolverSettings(servers: ["127.0.0.1:\(server.port)"], timeout: .seconds(10))
    change(&settings)
    return try DNSResolver(settings: settings)
  }

  private func failure(_ question: () async throws -> some Sendable) async -> DNSFailure? {
    do {
      _ = try await question()
      return nil
    } catch {
      return error as? DNSFailure
    }
  }

  @Test("R60 R81 mail exchangers by preference, addresses of both families, texts, names, associations")
  func records() async throws {
    let server = try NameServer(zones: Self.zones)
    let resolver = try resolver(server)
    let exchangers = try await resolver.mx("test")
    #expect(exchangers.records.map(\.preference) == [10, 10, 20])
    #expect(exchangers.records.last?.host == "backup.example.test" && !exchangers.isNullMX)
    #expect(exchangers.ttl > .zero && exchangers.ttl <= .seconds(300) && !exchangers.secure)
    let addresses = try await resolver.addresses("mx1.test").records
    #expect(addresses.first == IPAddress("2001:db8::1") && Set(addresses).count == 3)
    #expect(try await resolver.addresses("mx2.test").records == [IPAddress("192.0.2.3")].compactMap { $0 })
    #expect(try await resolver.ipv4("alias.test").canonicalName == "mx1.test")
    #expect(try await resolver.txt("test").records == [Array("v=spf1 -all".utf8)])
    #expect(try await resolver.ptr(try #require(IPAddress("192.0.2.1"))).records == ["mx1.test"])
    let association = try #require(try await resolver.tlsa("mx1.test", port: 25).records.first)
    #expect(association.usage == 3 && association.selector == 1 && association.matching == 1)
    #expect(association.data.count == 32)
    #expect(try await resolver.mx("null.test").isNullMX)
  }

  @Test("failures are told apart")
  func failures() async throws {
    let server = try NameServer(zones: Self.zones)
    let resolver = try resolver(server)
    #expect(await failure { try await resolver.mx("nowhere.test") } == .nxdomain)
    #expect(await failure { try await resolver.mx("mx1.test") } == .nodata)
    #expect(await failure { try await resolver.addresses("dangling.test") } == .nxdomain)
    #expect(await failure { try await resolver.ipv4("loop1.test") } == .servfail)
    #expect(await failure { try await resolver.addresses("null.test") } == .nodata)
    for name in ["", ".", "a..test", "a b.test", String(repeating: "a", count: 64) + ".test", "x\\000.test", "ü.test"] {
      #expect(await failure { try await resolver.mx(name) } == .nxdomain, "\(name)")
    }
  }

  @Test("a silent server ends in servfail or timeout, never in a hang, and cancelling ends at once")
  func silence() async throws {
    // A port where nobody answers: the resolver's own limit applies.
    let time = ManualTime()
    let silent = try DNSResolver(
      settings: ResolverSettings(servers: ["192.0.2.250:53"], timeout: .seconds(5)), time: time)
    let asked = Task { try await silent.mx("example.test") }
    while time.waiting == 0 { try await Task.sleep(for: .milliseconds(5)) }
    time.advance(by: .seconds(5))
    let result = await asked.result
    #expect(throws: DNSFailure.timeout) { try result.get() }
    let cancelled = Task { try await silent.mx("other.test") }
    try await Task.sleep(for: .milliseconds(50))
    cancelled.cancel()
    let outcome = await cancelled.result
    #expect(throws: CancellationError.self) { try outcome.get() }
  }

  @Test("many at once, some cancelled in every phase")
  func load() async throws {
    let server = try NameServer(zones: Self.zones)
    let resolver = try resolver(server)
    await withTaskGroup(of: Void.self) { group in
      for index in 0..<500 {
        group.addTask {
          let question = Task { try await resolver.ipv4(index % 2 == 0 ? "mx1.test" : "u\(index).test") }
          if index % 3 == 0 {
            if index % 2 == 0 { try? await Task.sleep(for: .microseconds(index * 10)) }
            question.cancel()
          }
          _ = await question.result
        }
      }
    }
    #expect(try await resolver.ipv4("mx1.test").records.count == 2)
    #expect(PendingQuestions.shared.isIdle)
  }

  @Test(
    "DNSSEC: secure with the right anchor, insecure without, bogus with a wrong one", .enabled(if: NameServer.canSign))
  func security() async throws {
    let server = try NameServer(zones: Self.zones, signed: ["test"])
    let anchor = try server.anchor("test")
    let secure = try resolver(server) { $0.trustAnchors = [anchor] }
    #expect(try await secure.mx("test").secure)
    #expect(try await secure.tlsa("mx1.test", port: 25).secure)
    #expect(await failure { try await secure.mx("nowhere.test") } == .nxdomain)
    #expect(try await resolver(server).mx("test").secure == false)
    let wrong = anchor.replacingOccurrences(of: "[0-9a-f]{8}$", with: "00000000", options: .regularExpression)
    let bogus = try resolver(server) { $0.trustAnchors = [wrong] }
    let failure = await failure { try await bogus.mx("test") }
    guard case .bogus(let reason) = failure else {
      Issue.record("not bogus: \(String(describing: failure))")
      return
    }
    #expect(!reason.isEmpty)
  }

  @Test("settings that make no sense are named")
  func setup() {
    for server in ["nonsense", "127.0.0.1:0", "127.0.0.1:70000", "::1:53x", "host:53"] {
      #expect(throws: ResolverSetupError.self, "\(server)") {
        try DNSResolver(settings: ResolverSettings(servers: [server]))
      }
    }
    #expect(throws: ResolverSetupError.self) {
      try DNSResolver(settings: ResolverSettings(trustAnchors: ["no anchor"]))
    }
  }

  @Test("names of addresses")
  func reverseNames() throws {
    #expect(DNSResolver.reverseName(try #require(IPAddress("192.0.2.1"))) == "1.2.0.192.in-addr.arpa")
    #expect(
      DNSResolver.reverseName(try #require(IPAddress("2001:db8::1")))
        == "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa")
  }

  @Test("broken record data is no record")
  func recordData() {
    #expect(RecordData.mx([0]) == nil && RecordData.mx([0, 10, 5, 65]) == nil && RecordData.txt([5, 65]) == nil)
    #expect(RecordData.name([1, 65, 1, 46, 0]) == "a.\\." && RecordData.name([1, 7, 0]) == "\\007")
    #expect(RecordData.name([]) == nil && RecordData.name([64, 65]) == nil && RecordData.tlsa([1, 2]) == nil)
  }
}
