import NIOCore
import Testing
import WireTesting

@testable import IMAPServer
@testable import Wire

@Suite struct CompressionTests {
  /// The client's end of a compressed connection.
  final class PackedClient {
    let wire: LoopbackClient
    let codec: DeflateCodec
    private var plain: [UInt8] = []

    init(_ client: IMAPTestClient) throws {
      wire = client.wire
      codec = try #require(DeflateCodec(level: 9))
    }

    func send(_ text: String) async throws {
      let packed = codec.deflate(ByteBuffer(string: text), allocator: ByteBufferAllocator())
      try await wire.send(Array((packed ?? ByteBuffer()).readableBytesView))
    }

    func readToEndOfStream() async throws {
      while !codec.hasEnded {
        codec.add(ByteBuffer(bytes: try await wire.bytes(1)))
        while let more = try codec.inflate(most: 65_536) { plain += more.readableBytesView }
      }
    }

    /// Lines through the one that begins so.
    func lines(through prefix: String) async throws -> [String] {
      var lines: [String] = []
      while true {
        while let end = plain.firstIndex(of: 0x0a) {
          lines.append(String(decoding: plain[..<end].filter { $0 != 0x0d }, as: UTF8.self))
          plain.removeSubrange(...end)
          if lines.last?.hasPrefix(prefix) == true { return lines }
        }
        codec.add(ByteBuffer(bytes: try await wire.bytes(1)))
        while let more = try codec.inflate(most: 65_536) { plain += more.readableBytesView }
      }
    }
  }

  @Test func bothDirectionsAreCompressed() async throws {
    let host = try await IMAPHost.start()
    let client = try await host.fresh()
    #expect(try await client.refused("COMPRESS LZW").hasPrefix("NO"))
    // RFC 4978 section 3.
    #expect(try await client.ok("COMPRESS DEFLATE").count == 1)
    let packed = try PackedClient(client)
    try await packed.send("b COMPRESS DEFLATE\r\nc CAPABILITY\r\n")
    #expect(try await packed.lines(through: "b ")[0].hasPrefix("b NO [COMPRESSIONACTIVE]"))
    #expect(try await !packed.lines(through: "c ")[0].contains("COMPRESS"))
    let body = String(repeating: "All work and no play makes Jack a dull boy.\r\n", count: 4000)
    let message = "Subject: long\r\n\r\n\(body)"
    try await packed.send("d APPEND work {\(message.utf8.count)}\r\n")
    _ = try await packed.lines(through: "+ ")
    try await packed.send("\(message)\r\ne FETCH 1 BODY.PEEK[]\r\n")
    let fetched = try await packed.lines(through: "e OK")
    #expect(fetched.filter { $0.hasPrefix("All work") }.count == 4000)
    // A sleeping compressor goes on where it was.
    try await packed.send("f IDLE\r\n")
    _ = try await packed.lines(through: "+ ")
    let other = try await host.login()
    try await other.append(rfcMessage)
    _ = try await packed.lines(through: "* 2 EXISTS")
    try await packed.send("DONE\r\ng UNAUTHENTICATE\r\n")
    _ = try await packed.lines(through: "g OK")
    try await packed.readToEndOfStream()
    // RFC 8437 section 4.1: from here on it is plain again.
    try await client.ok("LOGIN alice@\(IMAPHost.domain) \"\(IMAPHost.password)\"")
    await host.stop()
  }

  @Test func limitsHoldAfterInflation() async throws {
    let host = try await IMAPHost.start()
    let client = try await host.fresh()
    try await client.ok("COMPRESS DEFLATE")
    let packed = try PackedClient(client)
    try await packed.send("a NOOP " + String(repeating: " ", count: 100_000) + "\r\nb SELECT {2000000}\r\nc NOOP\r\n")
    let lines = try await packed.lines(through: "c OK")
    #expect(lines.contains { $0.hasPrefix("a BAD Command line too long") })
    #expect(lines.contains { $0.hasPrefix("b BAD [TOOBIG]") })
    // A line without end is given up long before the memory is.
    try await packed.send(String(repeating: " ", count: 16 << 20))
    _ = try await packed.lines(through: "* BYE [TOOBIG]")
    await host.stop()
  }

  @Test func aDamagedStreamEndsTheSession() async throws {
    let host = try await IMAPHost.start()
    let client = try await host.login()
    try await client.ok("COMPRESS DEFLATE")
    let packed = try PackedClient(client)
    try await client.wire.send("b NOOP\r\nc NOOP\r\n")
    _ = try await packed.lines(through: "* BYE [CLIENTBUG]")
    await host.stop()
  }
}
