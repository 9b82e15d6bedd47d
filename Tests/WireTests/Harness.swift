import Basics
import Logging
import Synchronization
import Testing
import WireTesting

@testable import Wire

/// Serves every connection with a closure.
struct Script: ConnectionHandler {
  var refusalText: [UInt8]? = Array("421 busy\r\n".utf8)
  let body: @Sendable (Connection) async throws -> Void

  func serve(_ connection: Connection) async throws { try await body(connection) }
  func refusal(_ reason: ConnectionRefusal) -> [UInt8]? { refusalText }
}

/// A listener on a free port with a server of its own, for the length of a closure.
func withServer(
  _ settings: WireSettings = WireSettings(), tls: TLSCertificates? = nil, implicitTLS: Bool = false,
  proxies: [String] = [], allowed: [String] = [], expectsLogin: Bool = true,
  serve: @escaping @Sendable (Connection) async throws -> Void,
  _ body: (WireServer, Int) async throws -> Void
) async throws {
  var log = Logger(label: "wire-test")
  log.logLevel = .critical
  let server = WireServer(settings: settings, tls: tls, time: SystemTime(), log: log)
  let spec = ListenerSpec(
    name: "test", addresses: [("127.0.0.1", 0)], implicitTLS: implicitTLS,
    proxyNetworks: proxies.compactMap { IPNetwork($0) }, allowedNetworks: allowed.compactMap { IPNetwork($0) },
    expectsLogin: expectsLogin)
  do {
    let bound = try await server.listen(spec, handler: Script(body: serve))
    try await body(server, try #require(bound.first).port)
  } catch {
    await server.drain(within: .milliseconds(200))
    throw error
  }
  await server.drain(within: .seconds(5))
  #expect(server.counts.open.isEmpty)
}

/// Echoes lines as `<text>` and knows a few commands of its own.
@Sendable func echo(_ connection: Connection) async throws {
  connection.write("hello\r\n")
  while let line = try await connection.readLine(limit: 100, timeout: .seconds(20)) {
    let text = String(decoding: line, as: UTF8.self)
    switch text {
    case "QUIT":
      connection.write("bye\r\n")
      return
    case "STARTTLS": try await connection.startTLS(reply: Array("go ahead\r\n".utf8))
    case "TLS": connection.write("\(connection.tls?.version ?? "none") \(connection.tls?.serverName ?? "-")\r\n")
    case "PEER": connection.write("\(connection.peer) \(connection.peerPort) \(connection.local)\r\n")
    case "LOGIN": connection.tag(account: 7)
    default: connection.write("<\(text)>\r\n")
    }
  }
}

/// Remembers what a session met, for the test to look at.
final class Notes: Sendable {
  private let entries = Mutex<[String]>([])
  var all: [String] { entries.withLock { $0 } }
  func add(_ text: String) { entries.withLock { $0.append(text) } }

  /// Waits until there are so many notes.
  func wait(for count: Int) async throws {
    for _ in 0..<500 {
      if all.count >= count { return }
      try await Task.sleep(for: .milliseconds(10))
    }
    throw TestFailure("expected \(count) notes, got \(all)")
  }
}
