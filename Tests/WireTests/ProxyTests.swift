import Basics
import Testing
import WireTesting

@testable import Wire

@Suite struct ProxyTests {
  private func parse(_ octets: [UInt8]) throws -> ProxyHeader.Result { try octets.withUnsafeBytes(ProxyHeader.parse) }

  private let binary: [UInt8] = [
    0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a, 0x21, 0x11, 0x00, 0x0c,
    203, 0, 113, 7, 192, 0, 2, 1, 0xc3, 0x50, 0x00, 0x19,
  ]

  @Test func parsesText() throws {
    let header = ProxyHeader.proxied(
      source: try #require(IPAddress("203.0.113.7")), sourcePort: 50_000,
      destination: try #require(IPAddress("192.0.2.1")), destinationPort: 25)
    let text = Array("PROXY TCP4 203.0.113.7 192.0.2.1 50000 25\r\n".utf8)
    #expect(try parse(text + Array("EHLO".utf8)) == .complete(header, length: text.count))
    for end in 0..<text.count { #expect(try parse(Array(text[..<end])) == .incomplete) }
    #expect(try parse(Array("PROXY UNKNOWN what ever\r\n".utf8)) == .complete(.local, length: 25))
    let bad = [
      "EHLO x\r\n", "PROXY TCP4 1.2.3.4 5.6.7.8 1\r\n", "PROXY TCP4 1.2.3.4 5.6.7.8 1 65536\r\n",
      "PROXY TCP4 ::1 ::2 1 2\r\n", "PROXY TCP5 1.2.3.4 5.6.7.8 1 2\r\n", "PROXY TCP4 1.2.3.4 5.6.7.8 1 2\n",
      "PROXY TCP4 1.2.3.4 5.6.7.8 -1 2\r\n", "PROXY " + String(repeating: "x", count: 200),
    ]
    for text in bad { #expect(throws: ProxyHeader.Malformed.self) { try parse(Array(text.utf8)) } }
  }

  @Test func parsesBinary() throws {
    let header = ProxyHeader.proxied(
      source: try #require(IPAddress("203.0.113.7")), sourcePort: 50_000,
      destination: try #require(IPAddress("192.0.2.1")), destinationPort: 25)
    #expect(try parse(binary + [1, 2, 3]) == .complete(header, length: 28))
    for end in 0..<binary.count { #expect(try parse(Array(binary[..<end])) == .incomplete) }
    func changed(_ index: Int, _ octet: UInt8) -> [UInt8] {
      var octets = binary
      octets[index] = octet
      return octets
    }
    #expect(try parse(changed(12, 0x20)) == .complete(.local, length: 28))
    #expect(try parse(changed(13, 0x00)) == .complete(.local, length: 28))
    for octets in [changed(12, 0x31), changed(12, 0x22), changed(13, 0x12), changed(14, 0xff), changed(15, 0x04)] {
      #expect(throws: ProxyHeader.Malformed.self) { try parse(octets) }
    }
  }

  @Test func takesTheAddressFromAListedProxy() async throws {
    try await withServer(proxies: ["127.0.0.1"], serve: echo) { server, port in
      let text = try await LoopbackClient.connect(port: port)
      try await text.send("PROXY TCP4 203.0.113.7 192.0.2.1 50000 25\r\nPEER\r\n")
      try await text.expect("hello")
      try await text.expect("203.0.113.7 50000 192.0.2.1")
      #expect(server.sessions().map { "\($0.peer)" } == ["203.0.113.7"])
      let octets = try await LoopbackClient.connect(port: port)
      for octet in binary {
        try await octets.send([octet])
      }
      try await octets.expect("hello")
      try await octets.sendLine("PEER")
      try await octets.expect("203.0.113.7 50000 192.0.2.1")
      let wrong = try await LoopbackClient.connect(port: port)
      try await wrong.send("EHLO x\r\n")
      try await wrong.expectEnd()
    }
  }

  @Test func takesNoHeaderFromOthers() async throws {
    try await withServer(proxies: ["127.0.0.3"], serve: echo) { _, port in
      let client = try await LoopbackClient.connect(port: port)
      try await client.send("PROXY TCP4 203.0.113.7 192.0.2.1 50000 25\r\nPEER\r\n")
      try await client.expect("hello")
      try await client.expect("<PROXY")
      try await client.expect("127.0.0.1 ")
    }
  }

  @Test func countsProxiedClientsByTheirOwnAddress() async throws {
    var settings = WireSettings()
    settings.connectionsPerAddress = 1
    try await withServer(settings, proxies: ["127.0.0.1"], serve: echo) { _, port in
      for (address, reply) in [("203.0.113.7", "hello"), ("203.0.113.8", "hello"), ("203.0.113.7", "421 busy")] {
        let client = try await LoopbackClient.connect(port: port)
        try await client.send("PROXY TCP4 \(address) 192.0.2.1 50000 25\r\n")
        try await client.expect(reply)
      }
    }
  }

  @Test func goesOnWithTLSBehindTheHeader() async throws {
    let certificate = try TestCertificate()
    try await withServer(
      tls: try TLSCertificates([certificate.files]), implicitTLS: true, proxies: ["127.0.0.1"], serve: echo
    ) { _, port in
      let client = try await LoopbackClient.connect(port: port)
      try await client.send("PROXY TCP6 2001:db8::1 2001:db8::2 50000 993\r\n")
      try await client.startTLS()
      try await client.expect("hello")
      #expect(try await client.command("PEER") == "2001:db8::1 50000 2001:db8::2")
    }
  }
}
