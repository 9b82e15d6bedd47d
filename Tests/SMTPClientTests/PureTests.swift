import NIOCore
import Testing

@testable import SMTPClient

@Suite struct ReplyParserTests {
  private func parse(_ pieces: [String]) throws -> RemoteReply? {
    var parser = ReplyParser(settings: SMTPClientSettings())
    var buffer = ByteBuffer()
    for piece in pieces {
      buffer.writeString(piece)
      if let reply = try parser.next(from: &buffer) { return reply }
    }
    return nil
  }

  @Test func readsLinesInAnyPieces() throws {
    let text = "250-mx.example.test\r\n250-SIZE 100\r\n250 2.1.0 HELP\r\n"
    let whole = try parse([text])
    #expect(whole == (try parse(text.map(String.init))))
    #expect(whole?.code == 250)
    #expect(whole?.lines == ["mx.example.test", "SIZE 100", "2.1.0 HELP"])
    #expect(whole?.enhanced == "2.1.0")
  }

  @Test func keepsWhatFollowsForTheNextReply() throws {
    var parser = ReplyParser(settings: SMTPClientSettings())
    var buffer = ByteBuffer(string: "250 one\r\n550 5.1.1 two\n354\r\n")
    #expect(try parser.next(from: &buffer)?.description == "250 one")
    #expect(try parser.next(from: &buffer)?.enhanced == "5.1.1")
    #expect(try parser.next(from: &buffer)?.code == 354)
    #expect(try parser.next(from: &buffer) == nil)
  }

  @Test func ignoresAnEnhancedCodeOfAnotherClass() throws {
    #expect(try parse(["550 2.0.0 liar\r\n"])?.enhanced == nil)
    #expect(try parse(["550 5.1.1234 liar\r\n"])?.enhanced == nil)
  }

  @Test func cutsALongLineButKeepsTheReply() throws {
    let reply = try parse(["550 " + String(repeating: "x", count: 50_000) + "\r\n"])
    #expect(reply?.code == 550)
    #expect(reply?.lines.first?.utf8.count == 2044)
  }

  @Test func refusesRepliesWithoutEnd() {
    #expect(throws: ReplyParser.Failure.endless) {
      try parse([String](repeating: "250-more\r\n", count: 100_000))
    }
    #expect(throws: ReplyParser.Failure.endless) {
      try parse(["250 "] + [String](repeating: String(repeating: "y", count: 1000), count: 1000))
    }
  }

  @Test(arguments: ["HTTP/1.1 400 Bad Request", "25 x", "2500 x", "199 x", "600 x", "", "+OK POP", "abc def"])
  func refusesWhatIsNotSMTP(_ line: String) {
    #expect(throws: ReplyParser.Failure.self) { try parse([line + "\r\n"]) }
  }

  @Test func showsNoControlOctets() throws {
    #expect(try parse(["550 a\u{0}b\u{1b}[31m\u{7f}\r\n"])?.lines == ["a?b?[31m?"])
  }

  @Test func readsExtensions() {
    let reply = RemoteReply(
      code: 250,
      lines: [
        "mx.example.test Hello", "PIPELINING", "size 52428800", "AUTH=LOGIN", "AUTH PLAIN login", "DSN", "X-FOO bar",
        "LIMITS RCPTMAX=20 MAILMAX=5", "8bitmime", "SIZE 99999999999999999999",
      ])
    let extensions = RemoteExtensions(parsing: reply)
    #expect(extensions.serverName == "mx.example.test")
    #expect(extensions.pipelining && extensions.dsn && extensions.eightBitMIME && !extensions.startTLS)
    #expect(extensions.size == 0)
    #expect(extensions.mechanisms == ["LOGIN", "PLAIN"])
    #expect(extensions.recipientLimit == 20)
  }
}

@Suite struct DotStufferTests {
  private func encode(_ pieces: [[UInt8]]) -> String {
    var stuffer = DotStuffer()
    var output = ByteBuffer()
    for piece in pieces { piece.withUnsafeBytes { stuffer.encode($0, into: &output) } }
    stuffer.finish(into: &output)
    return String(buffer: output)
  }

  @Test(arguments: [
    ("", ".\r\n"),
    ("a", "a\r\n.\r\n"),
    ("a\r\n", "a\r\n.\r\n"),
    (".", "..\r\n.\r\n"),
    (".\r\n", "..\r\n.\r\n"),
    ("a\r\n.\r\nb\r\n", "a\r\n..\r\nb\r\n.\r\n"),
    ("a\n.\nb", "a\r\n..\r\nb\r\n.\r\n"),
    ("a\r.\rb", "a\r\n..\r\nb\r\n.\r\n"),
    ("a\r\r\nb", "a\r\n\r\nb\r\n.\r\n"),
    ("a\r", "a\r\n.\r\n"),
    ("\r\n\r\n", "\r\n\r\n.\r\n"),
    ("..x\r\n", "...x\r\n.\r\n"),
  ])
  func encodesAndMends(_ input: String, _ wire: String) {
    let bytes = Array(input.utf8)
    #expect(encode([bytes]) == wire)
    #expect(encode(bytes.map { [$0] }) == wire)
    for cut in 0...bytes.count { #expect(encode([Array(bytes[..<cut]), Array(bytes[cut...])]) == wire) }
  }
}

@Suite struct EnvelopeTextTests {
  @Test func writesOnlyWhatIsOffered() {
    var message = OutgoingMessage(
      sender: "", recipients: [], content: .bytes([]), is8Bit: true, ret: "HDRS", envelopeID: "abc")
    var extensions = RemoteExtensions()
    #expect(EnvelopeText.mail(message, size: 7, extensions: extensions) == "MAIL FROM:<>")
    extensions.size = 0
    extensions.dsn = true
    extensions.eightBitMIME = true
    #expect(
      EnvelopeText.mail(message, size: 7, extensions: extensions)
        == "MAIL FROM:<> SIZE=7 BODY=8BITMIME RET=HDRS ENVID=abc")
    message.envelopeID = "a b\r\nRCPT TO:<x@y>"
    #expect(!EnvelopeText.mail(message, size: 7, extensions: extensions).contains("ENVID"))
    let recipient = OutgoingRecipient("b@c", notify: "SUCCESS,FAILURE", originalRecipient: "rfc822;b@c")
    #expect(
      EnvelopeText.recipient(recipient, extensions: extensions)
        == "RCPT TO:<b@c> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;b@c")
  }
}
