import Basics
import NIOSSL
import Testing
import WireTesting

@testable import Wire

@Suite struct StartTLSTests {
  @Test("R34: commands behind STARTTLS in the same packet are never run (CVE-2011-0411)")
  func dropsWhatFollowsInThePacket() async throws {
    try await check { client in try await client.send("STARTTLS\r\nEVIL\r\nEVIL") }
  }

  @Test("R34: commands behind STARTTLS in packets of their own are never run")
  func dropsWhatFollowsInSplitPackets() async throws {
    // What arrives before the reply goes out is dropped; what comes later breaks the handshake. Both are safe.
    let certificate = try TestCertificate()
    try await withServer(tls: try TLSCertificates([certificate.files]), serve: echo) { _, port in
      for pause in [0, 1, 5, 20] {
        let client = try await LoopbackClient.connect(port: port)
        try await client.expect("hello")
        try await client.send("START")
        try await Task.sleep(for: .milliseconds(20))
        try await client.send("TLS\r\nEV")
        try await Task.sleep(for: .milliseconds(pause))
        try await client.send("IL\r\n")
        try await client.expect("go ahead")
        do {
          try await client.startTLS(timeout: .seconds(5))
          #expect(try await client.command("safe") == "<safe>")
        } catch {}
        #expect(!client.transcript.contains("<EV"))
        #expect(!client.transcript.contains("<IL"))
        await client.close()
      }
    }
  }

  @Test func dropsWhatTheKernelHolds() async throws {
    let certificate = try TestCertificate()
    try await withServer(tls: try TLSCertificates([certificate.files])) { connection in
      _ = try await connection.readLine(limit: 100, timeout: .seconds(5))
      // The injected lines arrive while the session is busy: they lie in the gate and in the kernel.
      try await Task.sleep(for: .milliseconds(300))
      try await connection.startTLS(reply: Array("go ahead\r\n".utf8))
      #expect(!connection.hasBufferedInput)
      try await echo(connection)
    } _: { _, port in
      let client = try await LoopbackClient.connect(port: port)
      try await client.sendLine("STARTTLS")
      try await Task.sleep(for: .milliseconds(50))
      try await client.send(String(repeating: "EVIL\r\n", count: 20_000))
      try await client.expect("go ahead")
      try await client.startTLS()
      try await client.expect("hello")
      #expect(try await client.command("safe") == "<safe>")
      #expect(!client.transcript.contains("<EVIL>"))
    }
  }

  private func check(_ inject: (LoopbackClient) async throws -> Void) async throws {
    let certificate = try TestCertificate()
    try await withServer(tls: try TLSCertificates([certificate.files]), serve: echo) { _, port in
      let client = try await LoopbackClient.connect(port: port)
      try await client.expect("hello")
      try await inject(client)
      try await client.expect("go ahead")
      try await client.startTLS()
      #expect(try await client.command("safe") == "<safe>")
      #expect(!client.transcript.contains("<EVIL>"))
    }
  }

  @Test func refusesASecondStart() async throws {
    let certificate = try TestCertificate()
    let notes = Notes()
    try await withServer(tls: try TLSCertificates([certificate.files])) { connection in
      #expect(connection.canStartTLS)
      try await connection.startTLS(reply: Array("go ahead\r\n".utf8))
      #expect(!connection.canStartTLS)
      do { try await connection.startTLS(reply: []) } catch { notes.add("\(error)") }
      connection.write("still here\r\n")
    } _: { _, port in
      let client = try await LoopbackClient.connect(port: port)
      try await client.expect("go ahead")
      try await client.startTLS()
      try await client.expect("still here")
      #expect(notes.all.count == 1)
    }
  }

  @Test func limitsTheHandshakesTime() async throws {
    var settings = WireSettings()
    settings.handshakeTimeout = .seconds(2)
    let certificate = try TestCertificate()
    try await withServer(settings, tls: try TLSCertificates([certificate.files]), implicitTLS: true, serve: echo) {
      server, port in
      let silent = try await LoopbackClient.connect(port: port)
      try await silent.expectEnd()
      let garbage = try await LoopbackClient.connect(port: port)
      try await garbage.send("EHLO in clear\r\n")
      _ = try await garbage.bytesToEnd()
      for _ in 0..<100 where server.counts.failedHandshakes < 2 { try await Task.sleep(for: .milliseconds(10)) }
      #expect(server.counts.failedHandshakes == 2)
      let good = try await LoopbackClient.connect(port: port, implicitTLS: true)
      try await good.expect("hello")
    }
  }
}
