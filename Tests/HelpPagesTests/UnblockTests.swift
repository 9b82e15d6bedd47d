import Basics
import Configuration
import Logging
import Synchronization
import Testing
import Wire
import WireTesting

@testable import HelpPages

@Suite("The page that lifts a blacklisting")
struct UnblockTests {
  /// A desk that knows one password and notes who was lifted.
  private final class Desk: Sendable {
    let lifted = Mutex<[String]>([])
    let time = ManualTime(.systemNow)

    var desk: UnblockDesk {
      UnblockDesk { _ in
        .listed(reason: "<100 messages> per minute exceeded", until: "2026-11-22T12:00:00Z")
      } lift: { login, password, peer in
        guard login == "alice@example.test", password == Array("s&cret+1".utf8) else { return .wrongLogin }
        self.lifted.withLock { $0.append("\(login) \(peer)") }
        return .lifted("\(peer)")
      }
    }
  }

  private func serve(_ desk: Desk, _ body: (Int) async throws -> Void) async throws {
    let text =
      "hostname: mail.example.test\ndata: /nowhere\nlisten:\n  imaps: [\"127.0.0.1:993\"]\n"
      + "tls: {certificate: cert.pem, key: key.pem}\n"
    let configuration = try Configuration.parse(text, file: "/tmp/martinet.yaml", name: "martinet.yaml")
    var settings = HelpPagesSettings(hostname: "mail.example.test", clients: ClientSettings(configuration))
    settings.openForms = 4
    let service = HelpPagesService(settings: settings, time: desk.time, desk: desk.desk) { _ in true }
    let server = WireServer(tls: nil, time: SystemTime(), log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    let bound = try await server.listen(ListenerSpec(name: "http", addresses: [("127.0.0.1", 0)]), handler: service)
    try await body(try #require(bound.first).port)
    await server.drain(within: .seconds(1))
  }

  private func ask(_ port: Int, _ request: String) async throws -> String {
    let client = try await LoopbackClient.connect(port: port)
    try await client.send(request)
    return String(decoding: try await client.bytesToEnd(), as: UTF8.self)
  }

  private func post(_ port: Int, _ form: String, _ header: String = "") async throws -> String {
    try await ask(
      port,
      "POST /help/unblock HTTP/1.1\r\nHost: mail.example.test\r\n\(header)Content-Length: \(form.utf8.count)\r\n\r\n\(form)"
    )
  }

  private func token(_ page: String) throws -> String {
    let start = try #require(page.firstRange(of: "name=\"token\" value=\""))
    return String(page[start.upperBound...].prefix { $0 != "\"" })
  }

  private let right = "login=alice%40example.test&password=s%26cret%2B1"

  @Test("R7: the form, with the reason escaped; the right password lifts, and a form is good once")
  func lift() async throws {
    let desk = Desk()
    try await serve(desk) { port in
      let page = try await ask(port, "GET /help/unblock HTTP/1.1\r\n\r\n")
      #expect(page.contains("&lt;100 messages&gt; per minute") && !page.contains("<100 messages>"))
      #expect(page.contains("frame-ancestors 'none'") && page.contains("form-action 'self'"))
      let form = "token=\(try token(page))&\(right)"
      #expect(try await post(port, form, "Origin: https://mail.example.test\r\n").contains("may send mail again"))
      #expect(try await post(port, form).contains("The form is too old"))
      #expect(desk.lifted.withLock { $0 } == ["alice@example.test 127.0.0.1"])
    }
  }

  @Test("R7: neither a wrong password, nor a form of another site, nor one that is too old lifts anything")
  func refused() async throws {
    let desk = Desk()
    try await serve(desk) { port in
      func fresh() async throws -> String { try token(try await ask(port, "GET /help/unblock HTTP/1.1\r\n\r\n")) }
      let wrong = "token=\(try await fresh())&login=%22%3E%3Cscript%3E&password=x"
      let answer = try await post(port, wrong)
      #expect(answer.contains("Wrong login or password") && !answer.contains("<script>"))
      #expect(try await post(port, right).contains("The form is too old"))
      #expect(try await post(port, "token=%ff&\(right)").contains("The form is too old"))
      let elsewhere = "token=\(try await fresh())&\(right)"
      #expect(try await post(port, elsewhere, "Origin: https://evil.test\r\n").contains("The form is too old"))
      let late = "token=\(try await fresh())&\(right)"
      desk.time.advance(by: .seconds(3601))
      #expect(try await post(port, late).contains("The form is too old"))
      #expect(desk.lifted.withLock { $0 }.isEmpty)
    }
  }

  @Test("tokens are bounded, random, and good for one network")
  func tokens() throws {
    let tokens = FormTokens(time: ManualTime(.systemNow), lifetime: .seconds(60), capacity: 4)
    let (one, two) = (IPAddress.v4(0xcb00_7107), IPAddress.v4(0xcb00_7108))
    let first = tokens.make(for: one)
    #expect(!tokens.take(first, from: two) && !tokens.take(first, from: one))
    let made = (0..<1000).map { _ in tokens.make(for: one) }
    let last = try #require(made.last)
    #expect(Set(made).count == 1000 && tokens.take(last, from: one))
    #expect(made.filter { tokens.take($0, from: one) }.count <= 4)
  }
}
