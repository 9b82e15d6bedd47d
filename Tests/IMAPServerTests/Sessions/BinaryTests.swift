import MailSyntax
import Testing
import WireTesting

@testable import IMAPServer

@Suite("BINARY (RFC 3516): messages with octets that no text holds", .timeLimit(.minutes(2)))
struct BinaryTests {
  /// A multipart message: a text, a part of all octets, and an attached message with another one.
  private static let parts = message(part: String(decoding: (0...127).map { UInt8($0) }, as: UTF8.self))

  private static func message(part: String, encoding: String = "binary", type: String = "multipart/mixed") -> String {
    """
    MIME-Version: 1.0\r
    Subject: parts\r
    Content-Type: \(type); boundary=b\r
    Content-Transfer-Encoding: binary\r
    \r
    --b\r
    Content-Type: text/plain; charset=utf-8\r
    Content-Transfer-Encoding: 8bit\r
    \r
    Gr\u{fc}\u{df}e, left as they are\r
    --b\r
    Content-Type: application/octet-stream\r
    Content-Transfer-Encoding: \(encoding)\r
    \r
    \(part)\r
    --b\r
    Content-Type: message/rfc822\r
    \r
    Subject: inner\r
    Content-Type: application/x; name=y\r
    Content-Transfer-Encoding: binary\r
    \r
    lone\nline\rends\r
    --b--\r

    """
  }

  private func literal(_ text: String, _ head: String = "") -> String { "\(head)~{\(text.utf8.count)+}\r\n\(text)" }

  @Test("Binary parts are kept encoded, and come back to the octet; all else stays (section 4.3)")
  func kept() async throws {
    let host = try await IMAPHost.start()
    let client = try await host.fresh()
    try await client.ok("APPEND work (\\Seen) \(literal(Self.parts))")
    try await client.ok("NOOP")
    let structure = try await client.ok("FETCH 1 BODYSTRUCTURE")[0]
    #expect(structure.contains("\"OCTET-STREAM\" NIL NIL NIL \"BASE64\""))
    #expect(structure.contains("\"utf-8\") NIL NIL \"8BIT\""))
    let whole = try await client.ok("FETCH 1 BODY.PEEK[]")[0]
    #expect(!whole.utf8.contains(0) && whole.contains("Gr\u{fc}\u{df}e, left as they are\r\n--b"))
    let octets = String(decoding: (0...127).map { UInt8($0) }, as: UTF8.self)
    #expect(try await client.ok("FETCH 1 BINARY.PEEK[2]")[0] == "* 1 FETCH (BINARY[2] ~{128}\r\n\(octets))")
    #expect(try await client.ok("FETCH 1 BINARY.SIZE[2]")[0] == "* 1 FETCH (BINARY.SIZE[2] 128)")
    #expect(
      try await client.ok("FETCH 1 BINARY.PEEK[3.1]")[0] == "* 1 FETCH (BINARY[3.1] {14}\r\nlone\nline\rends)")
    // Another program's copy, byte for byte what is served.
    let size = try await client.ok("FETCH 1 RFC822.SIZE")[0]
    #expect(whole.contains("{\(size.split(separator: " ").last?.dropLast() ?? "")}"))
    await host.stop()
  }

  @Test("Large ones, several at once, in CATENATE, in REPLACE and with UTF8")
  func ways() async throws {
    let host = try await IMAPHost.start {
      $0.appendMemory = 1000
      $0.appendMemoryInAll = 2000
    }
    let client = try await host.fresh()
    let plain = String(decoding: [0] + (0..<20_000).map { UInt8($0 % 128) }, as: UTF8.self)
    let large = "Subject: large\r\nContent-Transfer-Encoding: binary\r\nContent-Type: image/x\r\n\r\n\(plain)"
    try await client.ok("APPEND work \(literal(large)) \(literal(large)) {6+}\r\na: b\r\n")
    #expect(try await client.ok("STATUS work (MESSAGES)")[0].contains("MESSAGES 3"))
    for number in 1...2 {
      #expect(try await client.ok("FETCH \(number) BINARY.PEEK[1]")[0].contains("~{20001}\r\n\(plain))"))
    }
    let head = "Subject: x\r\nContent-Type: image/x\r\nContent-Transfer-Encoding: binary\r\n\r\n"
    try await client.ok("APPEND work CATENATE (TEXT {\(head.utf8.count)+}\r\n\(head) TEXT \(literal("a\0b")))")
    #expect(try await client.ok("FETCH 4 BINARY.PEEK[1]")[0].hasSuffix("(BINARY[1] ~{3}\r\na\0b)"))
    #expect(
      try await client.refused("APPEND work CATENATE (TEXT \(literal(head)) TEXT {3+}\r\na\0b)").hasPrefix("BAD "))
    try await client.ok("REPLACE 4 work \(literal(head + "c\0d"))")
    #expect(try await client.ok("FETCH 4 BINARY.PEEK[1]")[0].hasSuffix("~{3}\r\nc\0d)"))
    try await client.ok("APPEND work UTF8 (\(literal("Subject: \u{fc}\r\n" + head + "e\0f")))")
    #expect(try await client.ok("FETCH 5 BINARY.PEEK[1]")[0].hasSuffix("~{3}\r\ne\0f)"))
    await host.stop()
  }

  @Test("Where no encoding may stand, the answer is UNKNOWN-CTE and nothing is kept")
  func refused() async throws {
    let host = try await IMAPHost.start { $0.appendBinary = 10_000 }
    let client = try await host.fresh()
    for message in [
      Self.message(part: "\0", type: "multipart/signed"), Self.message(part: "\0", encoding: "base64"),
      "Subject: \0\r\n\r\nx\r\n", "Content-Type: message/partial; id=x\r\n\r\n\0\r\n",
    ] {
      let answer = try await client.refused("APPEND work \(literal(message))")
      #expect(answer.hasPrefix("NO [UNKNOWN-CTE] The message cannot be kept: it"), "\(answer)")
    }
    let long = "a: b\r\n\r\n\0" + String(repeating: "x", count: 10_000)
    #expect(try await client.refused("APPEND work \(literal(long))").hasPrefix("NO [TOOBIG] "))
    #expect(try await client.ok("STATUS work (MESSAGES)")[0].contains("MESSAGES 0"))
    await host.stop()
  }
}
