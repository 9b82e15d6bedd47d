import Basics
import Logging
import Testing
import WireTesting

@testable import Wire

@Suite struct ServerTests {
  @Test func listensOnBothFamiliesAtOnePort() async throws {
    let server = WireServer(tls: nil, time: SystemTime(), log: quiet)
    let four = try await server.listen(
      ListenerSpec(name: "smtp", addresses: [("127.0.0.1", 0)]), handler: Script(body: echo))
    let port = try #require(four.first).port
    let six = try await server.listen(
      ListenerSpec(name: "smtp", addresses: [("::1", port)]), handler: Script(body: echo))
    #expect(six == [BoundAddress(listener: "smtp", address: try #require(IPAddress("::1")), port: port)])
    let client = try await LoopbackClient.connect(host: "::1", port: port)
    try await client.expect("hello")
    #expect(try await client.command("PEER").hasPrefix("::1 "))
    await client.close()
    await server.drain(within: .seconds(1))
  }

  @Test func saysInOneLineWhyItCannotListen() async throws {
    let server = WireServer(tls: nil, time: SystemTime(), log: quiet)
    let handler = Script(body: echo)
    let first = try await server.listen(ListenerSpec(name: "imap", addresses: [("127.0.0.1", 0)]), handler: handler)
    let port = try #require(first.first).port
    func reason(_ spec: ListenerSpec) async -> String {
      do {
        _ = try await server.listen(spec, handler: handler)
        return ""
      } catch {
        return "\(error)"
      }
    }
    #expect(
      await reason(ListenerSpec(name: "pop3", addresses: [("127.0.0.1", port)]))
        .hasPrefix("pop3: cannot listen on 127.0.0.1:\(port): Address already in use; stop the program that has it"))
    #expect(
      await reason(ListenerSpec(name: "pop3", addresses: [("nowhere", 1)]))
        == "pop3: nowhere:1 is not an address to listen on")
    #expect(
      await reason(ListenerSpec(name: "imaps", addresses: [("127.0.0.1", 0)], implicitTLS: true))
        == "imaps: implicit TLS needs a certificate")
    await server.drain(within: .seconds(1))
    #expect(await reason(ListenerSpec(name: "pop3", addresses: [("127.0.0.1", 0)])).contains("shutting down"))
  }

  @Test func capsConnectionsPerAddress() async throws {
    var settings = WireSettings()
    settings.connectionsPerAddress = 2
    try await withServer(settings, serve: echo) { server, port in
      let one = try await LoopbackClient.connect(port: port)
      let two = try await LoopbackClient.connect(port: port)
      try await one.expect("hello")
      try await two.expect("hello")
      let three = try await LoopbackClient.connect(port: port)
      try await three.expect("421 busy")
      try await three.expectEnd()
      let elsewhere = try await LoopbackClient.connect(port: port, from: "127.0.0.2")
      try await elsewhere.expect("hello")
      await one.close()
      for _ in 0..<100 where server.sessions().count > 2 { try await Task.sleep(for: .milliseconds(10)) }
      let four = try await LoopbackClient.connect(port: port)
      try await four.expect("hello")
      #expect(server.counts.refused == 1)
    }
  }

  @Test func capsConnectionsThatHaveNotLoggedIn() async throws {
    var settings = WireSettings()
    settings.pendingPerAddress = 1
    try await withServer(settings, serve: echo) { _, port in
      let one = try await LoopbackClient.connect(port: port)
      try await one.expect("hello")
      let two = try await LoopbackClient.connect(port: port)
      try await two.expect("421 busy")
      try await one.sendLine("LOGIN")
      #expect(try await one.command("x") == "<x>")
      let three = try await LoopbackClient.connect(port: port)
      try await three.expect("hello")
    }
    try await withServer(settings, expectsLogin: false, serve: echo) { _, port in
      for _ in 0..<3 { try await LoopbackClient.connect(port: port).expect("hello") }
    }
  }

  @Test func capsConnectionsInAllAndExemptsNetworks() async throws {
    var settings = WireSettings()
    settings.connections = 3
    settings.connectionsPerAddress = 1
    settings.exemptNetworks = [try #require(IPNetwork("127.0.0.1/32"))]
    try await withServer(settings, serve: echo) { _, port in
      var clients: [LoopbackClient] = []
      for _ in 0..<3 {
        let client = try await LoopbackClient.connect(port: port)
        try await client.expect("hello")
        clients.append(client)
      }
      try await LoopbackClient.connect(port: port).expect("421 busy")
    }
  }

  @Test("R1, R9: an address that may not connect gets no octet")
  func staysSilentToStrangers() async throws {
    try await withServer(allowed: ["127.0.0.2"], serve: echo) { _, port in
      let stranger = try await LoopbackClient.connect(port: port)
      try await stranger.expectEnd()
      try await LoopbackClient.connect(port: port, from: "127.0.0.2").expect("hello")
    }
  }

  @Test func drainsPolitely() async throws {
    let notes = Notes()
    let server = WireServer(tls: nil, time: SystemTime(), log: quiet)
    let handler = Script { connection in
      connection.write("hello\r\n")
      do {
        while let line = try await connection.readLine(limit: 100, timeout: .seconds(60)) {
          if line == Array("DATA".utf8) {
            connection.write("go\r\n")
            var done = false
            while !done {
              _ = try await connection.consume(timeout: .seconds(10)) { octets in
                done = octets.last == 0x2e
                return octets.count
              }
            }
            connection.write("stored\r\n")
          }
        }
      } catch ConnectionError.shuttingDown {
        connection.write("421 shutting down\r\n")
        notes.add("told")
      }
    }
    let port = try #require(
      try await server.listen(ListenerSpec(name: "smtp", addresses: [("127.0.0.1", 0)]), handler: handler).first
    ).port
    let idle = try await LoopbackClient.connect(port: port)
    let busy = try await LoopbackClient.connect(port: port)
    try await idle.expect("hello")
    try await busy.expect("hello")
    #expect(try await busy.command("DATA") == "go")
    try await busy.send("half")
    let draining = Task { await server.drain(within: .seconds(10)) }
    try await idle.expect("421 shutting down")
    try await idle.expectEnd()
    await #expect(throws: (any Error).self) { try await LoopbackClient.connect(port: port) }
    // What was begun may be finished.
    try await busy.send("rest.")
    try await busy.expect("stored")
    try await busy.expect("421 shutting down")
    await draining.value
    #expect(notes.all == ["told", "told"])
  }

  @Test func closesWhatDoesNotEndInTime() async throws {
    let server = WireServer(tls: nil, time: SystemTime(), log: quiet)
    let handler = Script { connection in
      connection.write("hello\r\n")
      // A session that does not look for the end is stopped by an error, and cannot spin.
      while true { _ = try await connection.consume(timeout: .seconds(60)) { $0.count } }
    }
    let port = try #require(
      try await server.listen(ListenerSpec(name: "smtp", addresses: [("127.0.0.1", 0)]), handler: handler).first
    ).port
    let client = try await LoopbackClient.connect(port: port)
    try await client.expect("hello")
    let start = ContinuousClock.now
    await server.drain(within: .milliseconds(200))
    #expect(ContinuousClock.now - start < .seconds(20))
    try await client.expectEnd()
  }

  @Test func endsSessionsOfAnAccountAndOfANetwork() async throws {
    try await withServer { connection in
      connection.write("hello\r\n")
      do {
        while let line = try await connection.readLine(limit: 100, timeout: .seconds(20)) {
          if let account = Int64(String(decoding: line, as: UTF8.self)) { connection.tag(account: account) }
          connection.write("ok\r\n")
        }
      } catch ConnectionError.ended(let reason) {
        connection.write("* BYE \(reason)\r\n")
      }
    } _: { server, port in
      let one = try await LoopbackClient.connect(port: port)
      let two = try await LoopbackClient.connect(port: port)
      let far = try await LoopbackClient.connect(port: port, from: "127.0.0.9")
      for (client, account) in [(one, "1"), (two, "2"), (far, "3")] {
        try await client.expect("hello")
        #expect(try await client.command(account) == "ok")
      }
      #expect(server.endSessions(account: 1, reason: "password changed") == 1)
      try await one.expect("* BYE password changed")
      try await one.expectEnd()
      #expect(try await two.command("x") == "ok")
      let network = try #require(IPNetwork("127.0.0.8/30"))
      #expect(server.endSessions(network: network, listeners: ["imap"], reason: "x") == 0)
      #expect(server.endSessions(network: network, listeners: ["test"], reason: "blacklisted") == 1)
      try await far.expect("* BYE blacklisted")
      #expect(try await two.command("x") == "ok")
    }
  }

  @Test func survivesClientsThatVanish() async throws {
    try await withServer(serve: echo) { server, port in
      for round in 0..<50 {
        let client = try await LoopbackClient.connect(port: port)
        if round % 2 == 0 { try await client.send("a\r\nhalf") }
        await client.close()
      }
      for _ in 0..<300 where !server.sessions().isEmpty { try await Task.sleep(for: .milliseconds(10)) }
      #expect(server.sessions().isEmpty)
      // One that is reset before it is accepted never becomes a session.
      #expect((1...50).contains(server.counts.accepted))
      try await LoopbackClient.connect(port: port).expect("hello")
    }
  }

  private var quiet: Logger {
    var log = Logger(label: "wire-test")
    log.logLevel = .critical
    return log
  }
}
