import Basics
import DNSResolver
import Diagnosis
import Foundation
import Synchronization
import Testing
import WireTesting

#if canImport(Glibc)
  import Glibc
#endif

/// A server on loopback that greets each client and answers each line by a script.
final class ScriptServer: Sendable {
  var port: Int { listener.port }
  private let listener: LoopbackListener

  init(greeting: String?, answer: @escaping @Sendable (String) -> String?) throws {
    listener = try LoopbackListener()
    listener.serve(inParallel: true) { client in Self.serve(client, greeting, answer) }
  }

  private static func serve(_ client: Int32, _ greeting: String?, _ answer: (String) -> String?) {
    func say(_ text: String) {
      let bytes = Array((text + "\r\n").utf8)
      _ = send(client, bytes, bytes.count, Int32(MSG_NOSIGNAL))
    }
    if let greeting { say(greeting) }
    var line: [UInt8] = []
    var octet: UInt8 = 0
    while recv(client, &octet, 1, 0) == 1 {
      guard octet == 0x0a else {
        line.append(octet)
        continue
      }
      guard let reply = answer(String(decoding: line, as: UTF8.self).trimmingCharacters(in: .whitespaces)) else {
        return
      }
      say(reply)
      line = []
    }
  }
}

@Suite("The doctor's connections")
struct PortProbeTests {
  let loopback = IPAddress("127.0.0.1")
  let resolver = StaticResolver()

  var probe: PortProbe {
    PortProbe(
      resolver: resolver, patient: Patient(hostname: "mail.example.test", domains: ["example.test"], addresses: []),
      timeout: .milliseconds(500))
  }

  @Test("R85: a port that greets is open; one that does not answer, is closed or silent is not")
  func outbound() async throws {
    resolver.setAddresses("mx.far.test", ["127.0.0.1"])
    let open = try ScriptServer(greeting: "220-hello\r\n220 mx.far.test ESMTP") { _ in "221 bye" }
    let found = await probe.outbound([.init(host: "mx.far.test", port: open.port)])
    #expect(found.map(\.state) == [.ok] && found[0].text == "220 mx.far.test ESMTP")
    let silent = try ScriptServer(greeting: nil) { _ in nil }
    let quiet = await probe.outbound([.init(host: "127.0.0.1", port: silent.port)])
    #expect(quiet.map(\.state) == [.failed] && quiet[0].remedy.contains("smarthost"))
    #expect(await probe.outbound([.init(host: "127.0.0.1", port: 1)]).map(\.state) == [.failed])
    #expect(await probe.outbound([.init(host: "gone.test", port: 25)]).map(\.state) == [.unknown])
    // One answer is proof that the way is open.
    let both = await probe.outbound([.init(host: "127.0.0.1", port: open.port), .init(host: "127.0.0.1", port: 1)])
    #expect(both.map(\.state) == [.ok, .warning])
  }

  @Test("A server that never ends its reply is given up")
  func endless() async throws {
    let lines = String(repeating: "220-more\r\n", count: 400) + "220-more"
    let server = try ScriptServer(greeting: lines) { _ in nil }
    #expect(await probe.outbound([.init(host: "127.0.0.1", port: server.port)]).map(\.state) == [.failed])
    let long = try ScriptServer(greeting: "220 " + String(repeating: "x", count: 10_000)) { _ in nil }
    #expect(await probe.outbound([.init(host: "127.0.0.1", port: long.port)]).map(\.state) == [.failed])
  }

  @Test("R82: a host that refuses strangers is closed, one that takes a foreign recipient is not")
  func relay() async throws {
    let address = try #require(loopback)
    let said = Mutex<[String]>([])
    let closed = try ScriptServer(greeting: "220 hi") { line in
      said.withLock { $0.append(line) }
      return line.hasPrefix("RCPT") ? "553-5.7.1 no\r\n553 5.7.1 no" : "250 ok"
    }
    #expect(await probe.relay(address, port: closed.port, domain: "example.test").map(\.state) == [.ok])
    #expect(!said.withLock { $0.contains { $0.hasPrefix("DATA") } })
    #expect(said.withLock { $0.count { $0.hasPrefix("RCPT") } } == PortProbe.foreignRecipients(domain: "x").count)
    let open = try ScriptServer(greeting: "220 hi") { _ in "250 ok" }
    let findings = await probe.relay(address, port: open.port, domain: "example.test")
    #expect(findings.contains { $0.state == .failed && $0.text.contains("relay-test@example.org") })
    #expect(await probe.relay(address, port: 1, domain: "example.test").map(\.state) == [.unknown])
  }
}
