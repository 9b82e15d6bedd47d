import Testing

@testable import POP3Server

@Suite("POP3 command lines")
struct GrammarTests {
  private func parse(_ line: String) throws(POP3SyntaxError) -> POP3Command { try POP3Parser().parse(Array(line.utf8)) }

  @Test(
    "any case, tabs and spare spaces",
    arguments: [
      ("STAT", POP3Command.stat), ("stat", .stat), ("Stat ", .stat), ("NOOP\t", .noop), ("list", .list(nil)),
      ("LIST  2", .list(.message(2))), ("UIDL 0", .uidl(.zero)), ("retr 007", .retr(.message(7))),
      ("DELE 4294967296", .dele(.huge)), ("TOP 1 0", .top(.message(1), lines: 0)),
      ("TOP 1 99999999999999999999", .top(.message(1), lines: .max)), ("LANG", .lang(nil)), ("LANG FR", .lang("FR")),
      ("CAPA", .capa), ("STLS", .stls), ("UTF8", .utf8), ("RSET", .rset), ("QUIT", .quit),
      ("USER alice%example.test", .user(Array("alice%example.test".utf8))),
      ("AUTH", .auth(mechanism: nil, initialResponse: nil)),
      ("auth plain =", .auth(mechanism: "plain", initialResponse: [0x3d])),
    ] as [(String, POP3Command)])
  func accepted(_ line: String, _ command: POP3Command) throws {
    #expect(try parse(line) == command)
  }

  @Test("RFC 1939 section 7: a password may contain and end with spaces")
  func password() throws {
    #expect(try parse("PASS  two words ") == .pass(Array(" two words ".utf8)))
    #expect(throws: POP3SyntaxError.form("PASS password")) { try self.parse("PASS") }
    #expect(throws: POP3SyntaxError.form("PASS password")) { try self.parse("PASS ") }
  }

  @Test(
    "what is no command",
    arguments: [
      ("", POP3SyntaxError.empty), ("   ", .empty), ("XTND", .unknown), ("STAT\0", .unknown), ("RETRx", .unknown),
      ("\u{ff}\u{fe}", .unknown), ("AAAAAAAAAAAAAAAAAAAAAAAAA", .unknown), ("GET / HTTP/1.1", .foreign),
      ("EHLO x", .foreign), ("STAT 1", .form("STAT")), ("RETR", .form("RETR message")),
      ("RETR -1", .form("RETR message")),
      ("RETR 1 2", .form("RETR message")), ("LIST a", .form("LIST [message]")), ("TOP 1", .form("TOP message lines")),
      ("TOP 1 -1", .form("TOP message lines")), ("USER", .form("USER name")), ("USER a b", .form("USER name")),
      ("APOP a", .form("APOP name digest")), ("AUTH a b c", .form("AUTH mechanism [initial-response]")),
    ] as [(String, POP3SyntaxError)])
  func refused(_ line: String, _ error: POP3SyntaxError) {
    #expect(throws: error) { try self.parse(line) }
  }

  @Test("RFC 2449 section 4: 255 octets, PASS 512")
  func lengths() throws {
    let long = String(repeating: "a", count: 300)
    #expect(throws: POP3SyntaxError.tooLong) { try self.parse("USER " + long) }
    #expect(try parse("PASS " + long) == .pass(Array(long.utf8)))
    #expect(throws: POP3SyntaxError.tooLong) { try self.parse("PASS " + long + long) }
  }
}

@Suite("Multi-line replies")
struct MultiLineTests {
  private func stuff(_ message: String, piece: Int) -> String {
    let bytes = Array(message.utf8)
    var stuffing = DotStuffing()
    var sent: [UInt8] = []
    for from in stride(from: 0, to: bytes.count, by: piece) {
      let part = Array(bytes[from..<min(from + piece, bytes.count)])
      for (index, range) in stuffing.pieces(part).enumerated() {
        if index > 0 { sent.append(0x2e) }
        sent += part[range]
      }
    }
    return String(decoding: sent, as: UTF8.self) + stuffing.terminator
  }

  @Test("a line that begins with a dot gets another, in whatever pieces it comes", arguments: 1...12)
  func dots(_ piece: Int) {
    #expect(stuff(".a\r\nb.c\r\n..\r\n.\r\n", piece: piece) == "..a\r\nb.c\r\n...\r\n..\r\n.\r\n")
    #expect(stuff("a\r\n", piece: piece) == "a\r\n.\r\n")
    #expect(stuff("a", piece: piece) == "a\r\n.\r\n", "a last line without its end gets one")
    #expect(stuff("", piece: piece) == ".\r\n")
    #expect(stuff("a\r\n\r\n", piece: piece) == "a\r\n\r\n.\r\n")
  }

  @Test(
    "a message is stuffed where it lies as it would be in pieces",
    arguments: [".", ".\n", "..\r\n.\r\n", ".a\r\nb.c\r\n..\r\n.\r\n", "a", "a\r\n.", "a.\r\n\r\n", "\n.\n.\n."])
  func inPlace(_ message: String) throws {
    let bytes = Array(message.utf8)
    let wanted = stuff(message, piece: bytes.count)
    func inPlace(room: Int) -> String? {
      var space = bytes + [UInt8](repeating: 0x58, count: room)
      var stuffing = DotStuffing()
      guard let count = space.withUnsafeMutableBytes({ stuffing.stuff($0, count: bytes.count) }) else {
        #expect(Array(space.prefix(bytes.count)) == bytes)
        return nil
      }
      return String(decoding: space.prefix(count), as: UTF8.self) + stuffing.terminator
    }
    #expect(inPlace(room: 100) == wanted)
    let added = bytes.split(separator: 0x0a, omittingEmptySubsequences: false).count { $0.first == 0x2e }
    #expect(inPlace(room: added) == wanted)
    if added > 0 { #expect(inPlace(room: added - 1) == nil) }
  }

  @Test("TOP ends after the header and so many lines", arguments: 1...20)
  func top(_ piece: Int) {
    let message = Array("A: b\r\n c\r\n\r\none\r\ntwo\r\nthree".utf8)
    func top(_ lines: Int) -> String {
      var top = TopLines(lines: lines)
      var sent: [UInt8] = []
      for from in stride(from: 0, to: message.count, by: piece) {
        let part = Array(message[from..<min(from + piece, message.count)])
        let (count, isDone) = top.take(part)
        sent += part.prefix(count)
        if isDone { break }
      }
      return String(decoding: sent, as: UTF8.self)
    }
    #expect(top(0) == "A: b\r\n c\r\n\r\n")
    #expect(top(1) == "A: b\r\n c\r\n\r\none\r\n")
    #expect(top(2) == "A: b\r\n c\r\n\r\none\r\ntwo\r\n")
    #expect(top(.max) == String(decoding: message, as: UTF8.self))
  }

  @Test("languages by tag")
  func languages() {
    #expect(POP3Language(tag: "fr-CA") == .french)
    #expect(POP3Language(tag: "*") == .english)
    #expect(POP3Language(tag: "i-default") == .english)
    #expect(POP3Language(tag: "tlh") == nil)
    #expect(POP3Language(tag: "") == nil)
  }
}
