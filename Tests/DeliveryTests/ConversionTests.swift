import Basics
import MailQueue
import MailSyntax
import SMTPClient
import Testing

@testable import Delivery

@Suite("Delivery: what servers cannot take as it is")
struct ConversionTests {
  private static let text =
    "Subject: hi\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
    + "Content-Transfer-Encoding: 8bit\r\n\r\nna\u{ef}ve\r\n"
  private static let signed =
    "Subject: hi\r\nMIME-Version: 1.0\r\nContent-Type: multipart/signed; boundary=b\r\n\r\n"
    + "--b\r\n\r\nna\u{ef}ve\r\n--b--\r\n"
  private static let binary =
    "Subject: hi\r\nMIME-Version: 1.0\r\nContent-Type: application/octet-stream\r\n"
    + "Content-Transfer-Encoding: binary\r\n\r\na\nb\u{0}c\r"

  @Test("8BITMIME lacks: the body travels as quoted-printable, a signed one comes back with 5.6.3")
  func sevenBit() async throws {
    let house = try House()
    house.server("old.test", "192.0.2.1")
    house.start()
    _ = try await house.delivery.accept(house.message(to: ["a@old.test"], body: Self.text) { $0.traits = .eightBit })
    try await house.eventually { house.transport.sent.count == 1 }
    let sent = try #require(house.transport.sent.first)
    #expect(sent.text.hasSuffix("Content-Transfer-Encoding: quoted-printable\r\n\r\nna=C3=AFve\r\n"))
    #expect(!sent.is8Bit && sent.text.hasPrefix("Received: from here"))
    _ = try await house.delivery.accept(house.message(to: ["b@old.test"], body: Self.signed) { $0.traits = .eightBit })
    try await house.eventually { house.store.mail("alice@example.test").count == 1 }
    let bounce = try #require(house.store.mail("alice@example.test").first)
    #expect(
      bounce.contains("does not offer 8BITMIME, and this message cannot be converted: it has a part that is signed"))
    #expect(bounce.contains("Status: 5.6.3\r\n"))
    #expect(house.transport.sent.count == 1)
  }

  @Test("8BITMIME offered: the body travels as it is")
  func eightBit() async throws {
    let house = try House()
    var extensions = RemoteExtensions()
    extensions.eightBitMIME = true
    house.server("new.test", "192.0.2.2", .init(extensions: extensions))
    house.start()
    _ = try await house.delivery.accept(house.message(to: ["a@new.test"], body: Self.signed) { $0.traits = .eightBit })
    try await house.eventually { house.transport.sent.count == 1 }
    #expect(house.transport.sent.first.map { $0.is8Bit && $0.text.hasSuffix(Self.signed) } == true)
  }

  @Test("BINARYMIME: as it is where BDAT takes it, base64 elsewhere and in mailboxes")
  func binary() async throws {
    let house = try House()
    var extensions = RemoteExtensions()
    (extensions.binaryMIME, extensions.chunking, extensions.eightBitMIME) = (true, true, true)
    house.server("new.test", "192.0.2.2", .init(extensions: extensions))
    house.server("old.test", "192.0.2.1")
    house.start()
    let body = Self.binary
    _ = try await house.delivery.accept(
      house.message(to: ["a@new.test", "b@old.test", "bob@example.test"], body: body) { $0.traits = .binary })
    try await house.eventually { house.transport.sent.count == 2 }
    let sent = house.transport.sent
    #expect(sent.first { $0.recipients == ["a@new.test"] }.map { $0.isBinary && $0.text.hasSuffix(body) } == true)
    let base64 = "Content-Transfer-Encoding: base64\r\n\r\nYQpiAGMN\r\n"
    #expect(sent.first { $0.recipients == ["b@old.test"] }.map { !$0.isBinary && $0.text.hasSuffix(base64) } == true)
    #expect(house.store.mail("bob@example.test").first?.hasSuffix(base64) == true)
  }

  @Test("FUTURERELEASE: nothing is delivered before its time, here or elsewhere")
  func release() async throws {
    let house = try House()
    house.server("one.test", "192.0.2.1")
    house.start()
    _ = try await house.delivery.accept(
      house.message(to: ["a@one.test", "bob@example.test"]) { $0.notBefore = house.time.now + .seconds(600) })
    #expect(try await house.queue.counts().queued == 2)
    house.time.advance(by: .seconds(599))
    try await Task.sleep(for: .milliseconds(100))
    #expect(house.store.mail("bob@example.test").isEmpty && house.transport.sent.isEmpty)
    house.time.advance(by: .seconds(1))
    try await house.eventually { house.store.mail("bob@example.test").count == 1 && house.transport.sent.count == 1 }
  }

  @Test("REQUIRETLS: only over names that DNSSEC proves, to a server that promises the same")
  func requireTLS() async throws {
    let house = try House()
    var extensions = RemoteExtensions()
    extensions.requireTLS = true
    house.server("safe.test", "192.0.2.1", .init(extensions: extensions))
    house.resolver.setMX("safe.test", [(5, "lax.safe.test"), (10, "mx.safe.test")], secure: true)
    house.resolver.setAddresses("lax.safe.test", ["192.0.2.3"])
    house.transport.set("192.0.2.3", .init())
    house.server("plain.test", "192.0.2.2", .init(extensions: extensions))
    house.server("lax.test", "192.0.2.4")
    house.resolver.setMX("lax.test", [(10, "mx.lax.test")], secure: true)
    house.start()
    for domain in ["safe.test", "plain.test", "lax.test"] {
      _ = try await house.delivery.accept(house.message(to: ["a@\(domain)"]) { $0.traits = .requireTLS })
    }
    try await house.eventually { house.store.mail("alice@example.test").count == 2 }
    let bounces = house.store.mail("alice@example.test").joined()
    #expect(
      bounces.contains("<a@plain.test>:\r\nSorry, this message requires TLS (REQUIRETLS): the mail exchangers of "))
    #expect(bounces.contains("Status: 5.7.10\r\n") && bounces.contains("Status: 5.7.30\r\n"))
    #expect(house.transport.sent.map(\.host) == ["mx.safe.test"])
    #expect(house.transport.sent.allSatisfy { $0.requiresTLS })
    #expect(house.transport.tried.allSatisfy { $0.hasSuffix("required") })
  }
}
