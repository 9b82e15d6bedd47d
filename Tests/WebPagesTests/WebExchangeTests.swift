import Basics
import Testing
import WebPages
import Wire
import WireTesting

@Suite struct WebExchangeTests {
  private struct Echo: ConnectionHandler {
    var exchange = WebExchange(methods: ["GET", "HEAD", "POST", "DELETE"])

    func serve(_ connection: Connection) async throws {
      try await exchange.serve(connection) { request in
        if request.path == "/missing" { return .notFound }
        let fields = (request.form ?? [:]).merging(request.query) { first, _ in first }.sorted { $0.key < $1.key }
        let shown = fields.map { "\($0.key)=\($0.value)" }.joined(separator: "&")
        return Reply(text: "\(request.method) \(request.path) \(request.authority) \(shown)")
      }
    }

    func refusal(_ reason: ConnectionRefusal) -> [UInt8]? { WebExchange.refusal }
  }

  private func ask(_ requests: [String]) async throws -> [String] {
    return try await LoopbackExchange.answers(of: Echo(), to: requests)
  }

  @Test func whatIsAskedForComes() async throws {
    let answers = try await ask([
      "GET /Path%20x?Name=a%26b+c&name=second HTTP/1.1\r\nHost: Mail.Example.Test:80\r\n\r\n",
      "HEAD /x HTTP/1.0\r\n\r\n",
      "POST http://there/form HTTP/1.1\r\nContent-Length: 8\r\n\r\na=%C3%A9",
      "DELETE /x HTTP/1.1\r\n\r\n", "GET /missing HTTP/1.1\r\n\r\n",
    ])
    #expect(answers[0].hasPrefix("HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\n"))
    #expect(answers[0].hasSuffix("\r\n\r\nGET /Path x mail.example.test:80 name=a&b c"))
    #expect(answers[1].contains("\r\nContent-Length: 9\r\n") && answers[1].hasSuffix("\r\n\r\n"))
    #expect(answers[2].hasSuffix("POST /form  a=\u{e9}"))
    #expect(answers[3].hasSuffix("DELETE /x  "))
    #expect(answers[4].hasPrefix("HTTP/1.1 404 ") && answers[4].hasSuffix("There is no such page here.\n"))
  }

  @Test func whatCannotBeServedIsRefused() async throws {
    let answers = try await ask([
      "PUT / HTTP/1.1\r\n\r\n", "GET  / HTTP/1.1\r\n\r\n", "GET /%0d HTTP/1.1\r\n\r\n", "GET /%ff HTTP/1.1\r\n\r\n",
      "GET / HTTP/1.1\r\n: x\r\n\r\n", "POST / HTTP/1.1\r\n\r\n", "POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
      "POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
      "POST / HTTP/1.1\r\nContent-Length: 16385\r\n\r\n", "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
      "GET /\(String(repeating: "a", count: 5000)) HTTP/1.1\r\n\r\n",
      "GET / HTTP/1.1\r\n\(String(repeating: "A: b\r\n", count: 101))\r\n",
    ])
    #expect(
      answers.map { String($0.dropFirst(9).prefix(3)) }
        == ["405", "400", "400", "400", "400", "411", "400", "400", "413", "411", "413", "413"])
    #expect(answers[0].contains("\r\nAllow: GET, HEAD, POST, DELETE\r\n"))
  }

  @Test func markupIsEscaped() {
    #expect("<a href=\"x\" id='y'>&</a>".escaped == "&lt;a href=&quot;x&quot; id=&#39;y&#39;&gt;&amp;&lt;/a&gt;")
    #expect(" \tx y \t".trimmed == "x y")
  }
}
