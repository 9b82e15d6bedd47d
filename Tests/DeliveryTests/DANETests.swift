import Basics
import DNSResolver
import MailLog
import MailSyntax
import SMTPClient
import Testing

@testable import Delivery

@Suite("DANE and REQUIRETLS on the way out")
struct DANETests {
  private let record = TLSARecord(usage: 3, selector: 1, matching: 1, data: [UInt8](repeating: 1, count: 32))

  private func route(
    _ resolver: StaticResolver, requireTLS: Bool = false, _ change: (inout DeliverySettings) -> Void = { _ in }
  )
    async throws -> [SMTPEndpoint]
  {
    var settings = DeliverySettings(hostname: "mail.example.test")
    change(&settings)
    let finder = RouteFinder(resolver: resolver, live: LiveSettings(settings), own: OwnAddresses())
    let identity = SendingIdentity(hello: "mail.example.test", sources: [])
    switch try await finder.route("one.test", as: identity, requireTLS: requireTLS) {
    case .endpoints(let endpoints): return endpoints
    case .failure(let text): throw text
    }
  }

  private func resolver(secure: Bool = true) -> StaticResolver {
    let resolver = StaticResolver()
    resolver.setMX("one.test", [(10, "a.one.test"), (20, "b.one.test")], secure: secure)
    resolver.setAddresses("a.one.test", ["192.0.2.1"], secure: true)
    resolver.setAddresses("b.one.test", ["192.0.2.2"])
    return resolver
  }

  private func policy(_ endpoint: SMTPEndpoint?) -> DANEPolicy? {
    if case .dane(let policy) = endpoint?.verification { return policy }
    return nil
  }

  @Test("RFC 7672 2.2: proven records demand TLS; hosts without any are used as by settings")
  func applies() async throws {
    let resolver = resolver()
    resolver.setTLSA("a.one.test", port: 25, [record])
    resolver.setTLSA("b.one.test", port: 25, [record])
    let endpoints = try await route(resolver)
    #expect(endpoints.map(\.tls) == [.required, .opportunistic])
    #expect(policy(endpoints.first)?.isAuthenticating == true && policy(endpoints.last) == nil)
    #expect(policy(endpoints.first) == DANEPolicy([record], baseDomain: "a.one.test", nextHop: "one.test"))
    #expect(!resolver.questions.contains("TLSA _25._tcp.b.one.test"), "its zone has no signatures")
    #expect(try await route(resolver) { $0.dane = false }.allSatisfy { $0.tls == .opportunistic })
    #expect(try await route(resolver) { $0.tls = .off }.allSatisfy { $0.tls == .off })
    let forgeable = self.resolver(secure: false)
    forgeable.setTLSA("a.one.test", port: 25, [record])
    let first = try await route(forgeable).first
    #expect(policy(first) == DANEPolicy([record], baseDomain: "a.one.test", nextHop: nil))
  }

  @Test("RFC 7672 2.1: records nobody proves mean nothing, useless ones TLS with any certificate")
  func unprovenAndUseless() async throws {
    let resolver = resolver()
    resolver.setTLSA("a.one.test", port: 25, [record], secure: false)
    #expect(try await route(resolver).first?.tls == .opportunistic)
    resolver.setTLSA("a.one.test", port: 25, [TLSARecord(usage: 1, selector: 1, matching: 1, data: record.data)])
    let useless = try #require(try await route(resolver).first)
    #expect(useless.tls == .required && policy(useless)?.isAuthenticating == false)
    let strict = try #require(try await route(resolver, requireTLS: true).first)
    guard case .name("a.one.test") = strict.verification else { Issue.record("no name"); return }
    resolver.setTLSA("a.one.test", port: 25, [record])
    #expect(policy(try await route(resolver, requireTLS: true).first)?.isAuthenticating == true)
  }

  @Test("RFC 7672 2.1.2: a host whose records cannot be had is not used now, another one may be")
  func unanswered() async throws {
    for failure in [DNSFailure.servfail, .timeout, .bogus("signature missing")] {
      let resolver = resolver()
      resolver.fail("_25._tcp.a.one.test", failure)
      #expect(try await route(resolver).map(\.host) == ["b.one.test"])
      resolver.setMX("one.test", [(10, "a.one.test")], secure: true)
      let text = await #expect(throws: AttemptText.self) { try await route(resolver) }
      #expect(text?.isPermanent == false && text?.status == "4.4.3")
      #expect(text?.text.hasPrefix("Name service error for _25._tcp.a.one.test: ") == true)
    }
    let none = resolver()
    none.fail("_25._tcp.a.one.test", .nxdomain)
    #expect(try await route(none).map(\.host) == ["a.one.test", "b.one.test"])
  }

  @Test("a broken handshake is never followed by clear where records demand TLS; the mail waits")
  func noFallback() async throws {
    let house = try House()
    house.resolver.setMX("one.test", [(10, "a.one.test")], secure: true)
    house.resolver.setAddresses("a.one.test", ["192.0.2.1"], secure: true)
    house.resolver.setTLSA("a.one.test", port: 25, [record])
    house.transport.set("192.0.2.1", .init(breaksTLS: true))
    house.start()
    let id = try await house.delivery.accept(house.message(to: ["a@one.test"]))
    try await house.eventually { try await house.queue.show(id).recipients[0].attempts == 1 }
    #expect(house.transport.tried == ["a.one.test 192.0.2.1 required"] && house.transport.sent.isEmpty)
    #expect(try await house.queue.show(id).recipients[0].reply.hasPrefix("TLS not available: connect failed: "))
    house.transport.set("192.0.2.1", .init())
    house.time.advance(by: .seconds(400))
    try await house.eventually { try await house.queue.counts().messages == 0 }
    await house.journal.flush()
    var query = TraceQuery()
    query.id = id
    let sent = try await house.journal.trace(query).flatMap(\.events).filter { $0.kind == .sent }
    #expect(sent.map(\.text) == ["250 2.1.5 Ok (TLSv1.3, dane)"])
  }

  @Test("RFC 8689 4.2.2: TLS-Required: No passes the records over, and its session serves no other message")
  func waived() async throws {
    let house = try House()
    house.resolver.setMX("one.test", [(10, "a.one.test")], secure: true)
    house.resolver.setAddresses("a.one.test", ["192.0.2.1"], secure: true)
    house.resolver.setTLSA("a.one.test", port: 25, [record])
    house.transport.set("192.0.2.1", .init(breaksTLS: true))
    _ = try await house.delivery.accept(house.message(to: ["a@one.test"]) { $0.traits = .waivesTLS })
    let strict = try await house.delivery.accept(house.message(to: ["b@one.test"]))
    house.start()
    try await house.eventually { try await house.queue.show(strict).recipients[0].attempts == 1 }
    try await house.eventually { house.transport.sent.count == 1 }
    #expect(house.transport.sent.map(\.recipients) == [["a@one.test"]])
    #expect(Set(house.transport.tried).isSuperset(of: ["a.one.test 192.0.2.1 off", "a.one.test 192.0.2.1 required"]))
  }

  @Test("RFC 8689 5: the report of a REQUIRETLS message has headers only, demands the same, and is not lost for it")
  func reports() async throws {
    let house = try House()
    var extensions = RemoteExtensions()
    extensions.requireTLS = true
    house.server("plain.test", "192.0.2.2")
    house.server("back.test", "192.0.2.3")
    house.resolver.setMX("safe.test", [(10, "mx.safe.test")], secure: true)
    house.resolver.setAddresses("mx.safe.test", ["192.0.2.4"], secure: true)
    house.resolver.setTLSA("mx.safe.test", port: 25, [record])
    house.transport.set("192.0.2.4", .init(extensions: extensions))
    house.start()
    for domain in ["back.test", "safe.test"] {
      let sender = try EmailAddress("boss@\(domain)")
      _ = try await house.delivery.accept(
        house.message(to: ["a@plain.test"], body: "Subject: secret\r\n\r\nthe body\r\n") {
          $0.sender = sender
          $0.traits = .requireTLS
          $0.dsnReturn = "FULL"
        })
    }
    try await house.eventually { house.transport.sent.count == 2 }
    let sent = house.transport.sent.sorted { $0.host < $1.host }
    #expect(sent.map(\.recipients) == [["boss@back.test"], ["boss@safe.test"]])
    #expect(sent.map(\.requiresTLS) == [false, true] && sent.allSatisfy { $0.sender.isEmpty })
    #expect(sent.allSatisfy { $0.text.contains("Subject: secret") && !$0.text.contains("the body") })
  }
}
