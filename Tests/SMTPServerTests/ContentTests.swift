import NIOPosix
import Testing

@testable import SMTPServer

#if canImport(Glibc)
  import Glibc
#endif

@Suite struct DotDecoderTests {
  /// What comes out, what is left, and whether the end was found, for the input in the given pieces.
  private func decode(_ pieces: [ArraySlice<UInt8>]) -> (text: String, rest: Int, isEnd: Bool) {
    var decoder = DotDecoder()
    var output: [UInt8] = []
    var isEnd = false
    var rest = 0
    for piece in pieces {
      guard !isEnd else {
        rest += piece.count
        continue
      }
      let step = Array(piece).withUnsafeBytes { input in decoder.decode(input) { output += $0 } }
      isEnd = step.isEnd
      rest += piece.count - step.taken
    }
    return (String(decoding: output, as: UTF8.self), rest, isEnd)
  }

  /// Decodes in one piece, octet by octet, and cut in two at every place; all must agree.
  private func decode(_ text: String) -> (text: String, rest: Int, isEnd: Bool) {
    let bytes = Array(text.utf8)
    let whole = decode([bytes[...]])
    let single = decode(bytes.indices.map { bytes[$0...$0] })
    #expect(whole == single)
    for cut in bytes.indices {
      #expect(whole == decode([bytes[..<cut], bytes[cut...]]))
    }
    return whole
  }

  @Test(arguments: [
    (".\r\n", ""), ("a\r\n.\r\n", "a\r\n"), ("..\r\n.\r\n", ".\r\n"), ("...\r\n.\r\n", "..\r\n"),
    (".a\r\n.\r\n", "a\r\n"), ("a.\r\n.\r\n", "a.\r\n"), ("\r\n\r\n.\r\n", "\r\n\r\n"),
    ("a\r\n..b\r\n.\r\n", "a\r\n.b\r\n"),
    ("a\r\r\n.\r\n", "a\r\r\n"),
  ])
  func findsTheEnd(_ wire: String, _ text: String) {
    let result = decode(wire + "QUIT\r\n")
    #expect(result.isEnd)
    #expect(result.text == text)
    #expect(result.rest == 6)
  }

  /// HOSTILE.md: every sequence that some server once took for the end.
  static let smuggling = [
    "\n.\n", "\n.\r\n", "\r\n.\n", "\r.\r", "\r.\n", "\n.\r", "\r\n.\r", "\r.\r\n", "\r\n\u{0}.\r\n", "\r\n.\u{0}\r\n",
    "\n\n.\r\n", "\r\r\n.\r\r\n", "\r\n.\r\r\n", "\n.\r\r\n",
  ]

  @Test("R-smuggling: nothing but CRLF dot CRLF ends the data", arguments: smuggling)
  func doesNotEnd(_ sequence: String) {
    let result = decode("body" + sequence + "MAIL FROM:<evil@example.org>\r\n")
    #expect(!result.isEnd)
    #expect(result.rest == 0)
    let ended = decode("body" + sequence + "tail\r\n.\r\nQUIT\r\n")
    #expect(ended.isEnd)
    #expect(ended.rest == 6)
    #expect(ended.text.hasSuffix("tail\r\n"))
  }

  @Test func matchesASimpleModelOnRandomInput() {
    var generator = SystemRandomNumberGenerator()
    let alphabet: [UInt8] = [0x0d, 0x0a, 0x2e, 0x61, 0x0d, 0x0a]
    for _ in 0..<3000 {
      let bytes = (0..<Int.random(in: 0...24, using: &generator)).map { _ in
        alphabet[Int.random(in: 0..<alphabet.count, using: &generator)]
      }
      let expected = Self.model(bytes)
      let whole = decode([bytes[...]])
      let single = decode(bytes.indices.map { bytes[$0...$0] })
      #expect(whole == single, "\(bytes)")
      #expect(whole.isEnd == expected.isEnd, "\(bytes)")
      if expected.isEnd {
        #expect(whole.text == expected.text, "\(bytes)")
        #expect(whole.rest == expected.rest, "\(bytes)")
      }
    }
  }

  /// RFC 5321 section 4.5.2 word for word, over the whole input at once.
  private static func model(_ bytes: [UInt8]) -> (text: String, rest: Int, isEnd: Bool) {
    let input = [0x0d, 0x0a] + bytes
    var output: [UInt8] = []
    var index = 2
    while index < input.count {
      let isLineStart = input[index - 2] == 0x0d && input[index - 1] == 0x0a
      if isLineStart, input[index] == 0x2e {
        if index + 2 < input.count, input[index + 1] == 0x0d, input[index + 2] == 0x0a {
          return (String(decoding: output, as: UTF8.self), input.count - index - 3, true)
        }
      } else {
        output.append(input[index])
      }
      index += 1
    }
    return (String(decoding: output, as: UTF8.self), 0, false)
  }
}

@Suite struct LineAuditTests {
  private func audit(_ text: String) -> LineAudit {
    let bytes = Array(text.utf8)
    var whole = LineAudit()
    bytes.withUnsafeBytes { whole.scan($0) }
    whole.finish()
    var single = LineAudit()
    for octet in bytes { [octet].withUnsafeBytes { single.scan($0) } }
    single.finish()
    #expect(whole == single, "\(bytes)")
    return whole
  }

  @Test func knowsCleanFromUnclean() {
    #expect(audit("").isClean)
    #expect(audit("a\r\nb\r\n").isClean)
    #expect(audit("no end").isClean)
    #expect(audit("\r\n\r\n").isClean)
    #expect(audit("a\nb\r\n").hasBareLF)
    #expect(audit("\n").hasBareLF)
    #expect(!audit("\n").hasBareCR)
    #expect(audit("a\rb\r\n").hasBareCR)
    #expect(!audit("a\rb\r\n").hasBareLF)
    #expect(audit("a\r\r\n").hasBareCR)
    #expect(audit("a\r").hasBareCR)
    #expect(audit("a\n\r").hasBareLF && audit("a\n\r").hasBareCR)
    #expect(audit("a\u{0}b").hasNUL)
    #expect(audit("é").has8Bit)
    #expect(!audit("e").has8Bit)
  }

  @Test func mendsEveryLineEnd() {
    func mend(_ text: String) -> String {
      let bytes = Array(text.utf8)
      var whole = LineMender()
      var single = LineMender()
      let one = bytes.withUnsafeBytes { whole.mend($0) }
      let other = bytes.flatMap { octet in [octet].withUnsafeBytes { single.mend($0) } }
      #expect(one == other)
      return String(decoding: one, as: UTF8.self)
    }
    #expect(mend("a\nb\rc\r\nd\u{0}\n\n\r\r\n") == "a\r\nb\r\nc\r\nd\r\n\r\n\r\n\r\n")
  }
}

@Suite struct HeaderDigestTests {
  @Test func countsAndFinds() {
    let digest = HeaderDigest(
      Array(
        ("Received: one\r\n two\r\nreceived : two\r\nReceived-SPF: no\r\nDelivered-To: alice@example.test \r\n"
          + "FROM: x@y\r\nDate: now\r\nMessage-Id: <1>\r\nPrecedence: BULK\r\n\r\nReceived: body\r\n").utf8))
    #expect(digest.received == 2)
    #expect(digest.deliveredTo.count == 1)
    #expect(digest.hasFrom && digest.hasDate && digest.hasMessageID && digest.isBulk)
  }

  @Test("RFC 8689 4.2.2: TLS-Required: No, and nothing else, waives") func waivesTLS() {
    for (text, isSaid) in [
      ("TLS-Required: No", true), ("tls-required:no ", true), ("TLS-Required: Yes", false), ("TLS-Required:", false),
      ("X-TLS-Required: No", false), ("Subject: x\r\n\r\nTLS-Required: No", false),
    ] {
      #expect(HeaderDigest(Array("\(text)\r\n\r\n".utf8)).waivesTLS == isSaid, "\(text)")
    }
  }

  @Test func endsAtTheBlankLine() {
    let text = "Subject: é\n\nFrom: body\r\n"
    let digest = HeaderDigest(Array(text.utf8))
    #expect(!digest.hasFrom)
    #expect(digest.end == 13)
    #expect(HeaderDigest([]).end == 0)
    #expect(HeaderDigest(Array("\r\nFrom: x\r\n".utf8)).end == 2)
    #expect(!HeaderDigest(Array(": x\r\nfrom\r\n".utf8)).hasFrom)
  }
}

@Suite struct MessageCollectorTests {
  @Test func keepsTheOrderWhateverThePiecesAre() async throws {
    let files = NIOThreadPool(numberOfThreads: 1)
    files.start()
    let folder = "/tmp/martinet-collector-\(UInt32.random(in: 0 ... .max))"
    try SpoolFile.prepare(directory: folder)
    var settings = SMTPServerSettings()
    settings.memoryPerMessage = 4096
    settings.spoolDirectory = folder
    do {
      let collector = MessageCollector(id: "A1", settings: settings, files: files)
      var expected: [UInt8] = []
      for (index, count) in [3000, 2000, 100, 4000, 1, 50, 5000, 7].enumerated() {
        let piece = [UInt8](repeating: 0x61 + UInt8(index), count: count)
        expected += piece
        piece.withUnsafeBytes { collector.append($0) }
        if collector.wantsFlush { await collector.flush() }
      }
      guard case .file(let path, let size) = await collector.finish() else {
        Issue.record("not in a file")
        return
      }
      #expect(size == expected.count)
      #expect(SinkAcceptor.read(path) == expected)
      try SpoolFile.prepare(directory: folder)
      #expect(SinkAcceptor.read(path).isEmpty, "the sweep at the start removes what a killed server left")
    }
    rmdir(folder)
    try await files.shutdownGracefully()
  }

  @Test func fullOrMissingDiskIsNoticed() async throws {
    let files = NIOThreadPool(numberOfThreads: 1)
    files.start()
    var settings = SMTPServerSettings()
    settings.memoryPerMessage = 4096
    settings.spoolDirectory = "/nonexistent/martinet"
    let collector = MessageCollector(id: "A1", settings: settings, files: files)
    [UInt8](repeating: 0x61, count: 9000).withUnsafeBytes { collector.append($0) }
    _ = await collector.finish()
    #expect(collector.hasFailed)
    try await files.shutdownGracefully()
  }
}
