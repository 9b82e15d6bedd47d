import Testing
import WireTesting

@testable import IMAPServer

/// Messages made to cost time; an optimised build answers each of them in well under a second at 10 MB.
@Suite struct HostileMessageTests {
  private static func many(_ text: String, _ octets: Int) -> String {
    String(repeating: text, count: max(1, octets / text.utf8.count))
  }

  /// Messages of about the given size, by what is wrong with them.
  static func bombs(_ octets: Int) -> [(name: String, message: String)] {
    let plain = "From: a@example.test\r\nSubject: x\r\n"
    let mixed = "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="
    var nested = plain
    for level in 0..<(octets / 70) {
      nested += "\(mixed)b\(level)\r\n\r\n--b\(level)\r\n"
    }
    return [
      ("header fields", plain + many("X-A: b\r\n", octets) + "\r\nx"),
      ("one field", plain + "X-Long: " + many("word ", octets) + "\r\n\r\nx"),
      ("folded field", plain + "X-Long:" + many("\r\n w", octets) + "\r\n\r\nx"),
      ("addresses", plain + "To: " + many("a@b,\r\n ", octets) + "c@d\r\n\r\nx"),
      ("comments", plain + "To: " + many("(", octets) + "\r\n\r\nx"),
      ("quotes", plain + "To: " + many("\"\\\"", octets) + "\r\n\r\nx"),
      ("groups", plain + "To: " + many("g:a@b;", octets) + "\r\n\r\nx"),
      ("encoded words", plain + "Subject: " + many("=?utf-8?q?a?= ", octets) + "\r\n\r\nx"),
      ("half encoded words", plain + "Subject: " + many("=?utf-8?q?", octets) + "\r\n\r\nx"),
      ("references", plain + "References: " + many("<a@b>\r\n ", octets) + "\r\n\r\nx"),
      ("parameters", plain + "Content-Type: text/plain" + many("; a=b", octets) + "\r\n\r\nx"),
      (
        "continued parameters",
        plain + "Content-Type: text/plain" + (0..<octets / 12).map { "; a*\($0)*=b" }.joined() + "\r\n\r\nx"
      ),
      ("deep parts", nested + "\r\nx"),
      ("many parts", plain + mixed + "b\r\n\r\n" + many("--b\r\n\r\nx\r\n", octets) + "--b--\r\n"),
      ("almost boundaries", plain + mixed + many("b", 70) + "\r\n\r\n" + many("--" + many("b", 69) + "\r\n", octets)),
      (
        "messages in messages",
        plain + many("Content-Type: message/rfc822\r\n\r\n", octets) + "\r\nx"
      ),
      ("base64", plain + "Content-Transfer-Encoding: base64\r\n\r\n" + many("=", octets)),
      ("quoted printable", plain + "Content-Transfer-Encoding: quoted-printable\r\n\r\n" + many("=\r\n", octets)),
      ("tags", plain + "Content-Type: text/html\r\n\r\n" + many("<style", octets)),
      ("line ends", plain + "\r\n" + many("\r\n", octets)),
    ]
  }

  @Test func noMessageIsDear() async throws {
    let host = try await IMAPHost.start()
    let client = try await host.fresh()
    for (number, bomb) in Self.bombs(1 << 20).enumerated() {
      try await client.append(bomb.message)
      let uid = number + 1
      for command in [
        "UID FETCH \(uid) (ENVELOPE BODYSTRUCTURE BODY PREVIEW EMAILID)", "UID FETCH \(uid) (BODY.PEEK[1.1.1.1])",
        "UID FETCH \(uid) (BODY.PEEK[HEADER.FIELDS (SUBJECT TO X-NONE)] BODY.PEEK[TEXT]<0.10>)",
        "UID SEARCH UID \(uid) TEXT nowhere", "UID SEARCH UID \(uid) HEADER X-NONE y",
        "UID SORT (SUBJECT TO) UTF-8 UID \(uid)",
      ] {
        let start = ContinuousClock.now
        _ = try await client.run(command, timeout: .seconds(60))
        let took = ContinuousClock.now - start
        // Without optimisation everything takes some twenty times as long.
        #expect(took < .seconds(15), "\(bomb.name): \(command.prefix(40)) took \(took)")
      }
    }
    #expect(try await client.ok("NOOP").count >= 1)
    await host.stop()
  }
}
