import Foundation
import Testing
import WireTesting

@testable import IMAPServer

/// Messages made to cost time; an optimised build answers each of them in under a second at 10 MB.
///
/// `MARTINET_IMAP_BOMB=10000000` makes them that large, with `MARTINET_IMAP_BOMB_SECONDS=1` as the bound of each command.
@Suite struct HostileMessageTests {
  private static let environment = ProcessInfo.processInfo.environment
  private static let octets = Int(environment["MARTINET_IMAP_BOMB"] ?? "") ?? 1 << 18
  /// Without optimisation everything takes some twenty times as long.
  private static let bound = Duration.seconds(Int(environment["MARTINET_IMAP_BOMB_SECONDS"] ?? "") ?? 10)

  private static func many(_ text: String, _ octets: Int) -> String {
    String(repeating: text, count: max(1, octets / text.utf8.count))
  }

  private static let plain = "From: a@example.test\r\nSubject: x\r\n"
  private static let mixed = "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="

  /// Messages of about the given size, by what is wrong with them.
  static func bombs(_ octets: Int) -> [(name: String, message: String)] {
    headerBombs(octets) + textBombs(octets) + partBombs(octets)
  }

  private static func headerBombs(_ octets: Int) -> [(name: String, message: String)] {
    [
      ("header fields", plain + many("X-A: b\r\n", octets) + "\r\nx"),
      ("fields of one letter", plain + many("a:\r\n", octets) + "\r\nx"),
      ("subjects", many("Subject: Re: b\r\n", octets) + "\r\nx"),
      ("recipients", plain + many("To: c@d\r\n", octets) + "\r\nx"),
      ("one field", plain + "X-Long: " + many("word ", octets) + "\r\n\r\nx"),
      ("one line without an end", "Subject: " + many("x", octets)),
      ("folded field", plain + "X-Long:" + many("\r\n w", octets) + "\r\n\r\nx"),
      ("addresses", plain + "To: " + many("a@b,\r\n ", octets) + "c@d\r\n\r\nx"),
      ("words without an address", plain + "To: " + many("a ", octets) + "\r\n\r\nx"),
      ("routes", plain + "To: <" + many("@a,", octets) + ":c@d>\r\n\r\nx"),
      ("brackets", plain + "To: " + many("<", octets) + "\r\n\r\nx"),
      ("domains", plain + "To: a@" + many("[", octets) + "\r\n\r\nx"),
      ("comments", plain + "To: " + many("(", octets) + "\r\n\r\nx"),
      ("comments that end", plain + "To: " + many("(a)", octets) + "b@c\r\n\r\nx"),
      ("quotes", plain + "To: " + many("\"\\\"", octets) + "\r\n\r\nx"),
      ("groups", plain + "To: " + many("g:a@b;", octets) + "\r\n\r\nx"),
      ("references", plain + "References: " + many("<a@b>\r\n ", octets) + "\r\n\r\nx"),
      ("half references", plain + "In-Reply-To: " + many("<", octets) + "\r\n\r\nx"),
      ("dates", plain + "Date: " + many("Mon, ", octets) + "\r\n\r\nx"),
      ("parameters", plain + "Content-Type: text/plain" + many("; a=b", octets) + "\r\n\r\nx"),
      (
        "continued parameters",
        plain + "Content-Type: text/plain" + (0..<octets / 12).map { "; a*\($0)*=b" }.joined() + "\r\n\r\nx"
      ),
      ("types", plain + many("Content-Type: text/plain; a=b\r\n", octets) + "\r\nx"),
      ("languages", plain + "Content-Language: " + many("a,", octets) + "\r\n\r\nx"),
    ]
  }

  private static func textBombs(_ octets: Int) -> [(name: String, message: String)] {
    let html = plain + "Content-Type: text/html; charset=utf-8\r\n\r\n"
    return [
      ("encoded words", plain + "Subject: " + many("=?utf-8?q?a?= ", octets) + "\r\n\r\nx"),
      ("half encoded words", plain + "Subject: " + many("=?utf-8?q?", octets) + "\r\n\r\nx"),
      (
        "encoded words in many charsets",
        plain + "Subject: " + many("=?koi8-r?q?=C1?= =?iso-2022-jp?b?GyRCJCIbKEI=?= =?gb18030?q?=81=30?= ", octets)
          + "\r\n\r\nx"
      ),
      ("tags of replies", plain + "Subject: " + many("Re[1]: ", octets) + "\r\n\r\nx"),
      ("lists", plain + "Subject: " + many("[", octets) + "\r\n\r\nx"),
      ("forwards", plain + "Subject: " + many("[fwd: ", octets) + many("]", octets) + "\r\n\r\nx"),
      ("base64", plain + "Content-Transfer-Encoding: base64\r\n\r\n" + many("=", octets)),
      ("quoted printable", plain + "Content-Transfer-Encoding: quoted-printable\r\n\r\n" + many("=\r\n", octets)),
      ("uuencoded", plain + "Content-Transfer-Encoding: x-uuencode\r\n\r\nbegin 644 x\r\n" + many("M\r\n", octets)),
      ("shifts", plain + "Content-Type: text/plain; charset=iso-2022-jp\r\n\r\n" + many("\u{1b}$B\u{1b}(B", octets)),
      ("accents", plain + "Content-Type: text/plain; charset=utf-8\r\n\r\na" + many("\u{301}\u{323}", octets)),
      ("ligatures", plain + "Content-Type: text/plain; charset=utf-8\r\n\r\n" + many("\u{fdfa}", octets)),
      ("styles", html + many("<style", octets)),
      ("open tags", html + many("<", octets)),
      ("entities", html + many("&amp;", octets)),
      ("line ends", plain + "\r\n" + many("\r\n", octets)),
      ("bare line ends", plain + "\n" + many("\n", octets)),
    ]
  }

  private static func partBombs(_ octets: Int) -> [(name: String, message: String)] {
    var nested = plain
    for level in 0..<(octets / 70) {
      nested += "\(mixed)b\(level)\r\n\r\n--b\(level)\r\n"
    }
    var growing = plain
    for level in 1...90 { growing += "\(mixed)\(many("b", level))\r\n\r\n--\(many("b", level))\r\n" }
    return [
      ("deep parts", nested + "\r\nx"),
      ("boundaries that begin alike", growing + "\r\n" + many("--" + many("b", 89) + "c\r\n", octets)),
      ("many parts", plain + mixed + "b\r\n\r\n" + many("--b\r\n\r\nx\r\n", octets) + "--b--\r\n"),
      ("empty boundary", plain + mixed + "\"\"\r\n\r\n" + many("--\r\n", octets)),
      ("almost boundaries", plain + mixed + many("b", 70) + "\r\n\r\n" + many("--" + many("b", 69) + "\r\n", octets)),
      ("messages in messages", plain + many("Content-Type: message/rfc822\r\n\r\n", octets) + "\r\nx"),
      (
        "digests",
        plain + "Content-Type: multipart/digest; boundary=b\r\n\r\n" + many("--b\r\n\r\nTo: a@b\r\n\r\n", octets)
      ),
    ]
  }

  @Test func noMessageIsDear() async throws {
    let host = try await IMAPHost.start()
    let client = try await host.fresh()
    for (number, bomb) in Self.bombs(Self.octets).enumerated() {
      try await client.append(bomb.message)
      let uid = number + 1
      for command in [
        "UID FETCH \(uid) (ENVELOPE BODYSTRUCTURE BODY PREVIEW EMAILID)",
        "UID FETCH \(uid) (BODY.PEEK[1.1.1.1] BINARY.SIZE[1] BODY.PEEK[2.MIME])",
        "UID FETCH \(uid) (BODY.PEEK[HEADER.FIELDS (SUBJECT TO X-NONE)] BODY.PEEK[TEXT]<0.10>)",
        "UID SEARCH UID \(uid) TEXT nowhere", "UID SEARCH UID \(uid) OR HEADER X-NONE y SUBJECT nothing",
        "UID SEARCH UID \(uid) OR FROM nobody OR TO nobody CC nobody",
        "UID SORT (SUBJECT TO DISPLAYFROM DATE) UTF-8 UID \(uid)", "UID THREAD REFERENCES UTF-8 UID \(uid)",
      ] {
        let start = ContinuousClock.now
        _ = try await client.run(command, timeout: .seconds(120))
        let took = ContinuousClock.now - start
        #expect(took < Self.bound, "\(bomb.name): \(command.prefix(40)) took \(took)")
        if Self.environment["MARTINET_IMAP_BOMB"] != nil, took > Self.bound / 20 {
          print("\(bomb.name): \(command.prefix(44)) \(took)")
        }
      }
    }
    #expect(try await client.ok("NOOP").count >= 1)
    await host.stop()
  }

  /// Parts that hold each other, each as large as the message: they are sent one after the other, not all kept.
  @Test func partsWithinPartsAreSentOneByOne() async throws {
    let host = try await IMAPHost.start()
    let client = try await host.fresh()
    let message =
      Self.many("Content-Type: message/rfc822\r\n\r\n", 90 * 32) + "Subject: in\r\n\r\n"
      + Self.many("0123456789abcde\r\n", 1 << 18)
    try await client.append(message)
    let parts = (1...40).map { "BINARY.PEEK[\(Array(repeating: "1", count: $0).joined(separator: "."))]" }
    let line = try await client.ok("FETCH 1 (\(parts.joined(separator: " ")))")[0]
    #expect(line.utf8.count > 40 * (1 << 18) && line.hasSuffix(")"))
    await host.stop()
  }

  /// A part is decoded once, in however many pieces and turns it is asked for.
  @Test func manyPiecesOfEncodedParts() async throws {
    let host = try await IMAPHost.start()
    let client = try await host.fresh()
    let part = "--x\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n" + Self.many("=41b=\r\n", Self.octets / 2)
    try await client.append(Self.plain + Self.mixed + "x\r\n\r\n\(part)\r\n\(part)\r\n--x--\r\n")
    let pieces = (0..<900).map { "BINARY.PEEK[\($0 % 2 + 1)]<\($0).2>" }
    let start = ContinuousClock.now
    let line = try await client.ok("FETCH 1 (\(pieces.joined(separator: " ")) BINARY.SIZE[1])")[0]
    #expect(line.contains("BINARY[1]<898> {2}\r\nAb") && line.contains("BINARY[2]<899> {2}\r\nbA"))
    #expect(ContinuousClock.now - start < Self.bound)
    await host.stop()
  }

  /// Threads whose messages name each other in the dearest order.
  @Test func referencesThatCostTime() async throws {
    let host = try await IMAPHost.start()
    let client = try await host.fresh()
    let count = 2000
    var batch = ""
    for number in 0..<count {
      // A line of messages, each with children that move, and long lines of ancestors that never came.
      let ancestors = (0..<100).map { "<g\(number * 99 + $0)@x>" }.joined(separator: "\r\n ")
      let message =
        number % 2 == 0
        ? "Message-ID: <\(number)@x>\r\nReferences: <root@x> <\(number + 1)@x>\r\n <\(number + 2)@x>\r\n\r\nx"
        : "Message-ID: <\(number)@x>\r\nReferences: \(ancestors)\r\n\r\nx"
      batch += " {\(message.utf8.count)+}\r\n\(message)"
    }
    try await client.ok("APPEND work\(batch)", timeout: .seconds(120))
    _ = try await client.ok("UID SORT (SUBJECT) UTF-8 ALL", timeout: .seconds(120))
    for algorithm in ["REFERENCES", "REFS", "ORDEREDSUBJECT"] {
      let start = ContinuousClock.now
      let line = try await client.ok("THREAD \(algorithm) UTF-8 ALL", timeout: .seconds(60))[0]
      #expect(ContinuousClock.now - start < .seconds(20))
      let told = line.split { !$0.isNumber }.compactMap { Int($0) }.sorted()
      #expect(told == Array(1...count), "\(algorithm)")
    }
    await host.stop()
  }
}
