import Basics
import Configuration
import HelpPages
import Testing
import Wire
import WireTesting

@Suite("Help pages")
struct PageTests {
  /// Serves the pages of a host for `example.test` and gives each request to it.
  private func ask(_ requests: [String]) async throws -> [String] {
    let text = """
      hostname: mail.example.test
      data: /nowhere
      listen:
        pop3: ["127.0.0.1:110"]
        imaps: ["127.0.0.1:993"]
        pop3s: ["127.0.0.1:995"]
        submission: ["127.0.0.1:587"]
      tls: {certificate: cert.pem, key: key.pem}
      """
    let configuration = try Configuration.parse(text, file: "/tmp/martinet.yaml", name: "martinet.yaml")
    let settings = HelpPagesSettings(hostname: "mail.example.test", clients: ClientSettings(configuration))
    let service = HelpPagesService(settings: settings) { $0.ascii == "example.test" }
    return try await LoopbackExchange.answers(of: service, to: requests)
  }

  @Test("R54 R56: the page a client that polls too often is sent to, in both languages")
  func polling() async throws {
    let answers = try await ask([
      "GET /help/pop-too-often HTTP/1.1\r\nHost: mail.example.test\r\n\r\n",
      "HEAD /EmailPopTropSouvent HTTP/1.0\r\n\r\n",
    ])
    #expect(answers[0].hasPrefix("HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n"))
    #expect(answers[0].contains("within 60 seconds") && answers[0].contains("moins de 60 secondes"))
    #expect(answers[1].hasPrefix("HTTP/1.1 200 OK\r\n") && answers[1].hasSuffix("\r\n\r\n"))
  }

  @Test("R10: the address the server sees")
  func whoami() async throws {
    let answers = try await ask(["GET http://mail.example.test/whoami?x HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\n\r\n"])
    #expect(answers[0].hasSuffix("\r\n\r\n127.0.0.1\n"))
    #expect(answers[1].contains("<b>127.0.0.1</b>"))
  }

  @Test("R58: autoconfig names the servers by the certificate's name, for domains served here only")
  func autoconfig() async throws {
    let answers = try await ask([
      "GET /.well-known/autoconfig/mail/config-v1.1.xml?emailaddress=bob%40example.test HTTP/1.1\r\n\r\n",
      "GET /mail/config-v1.1.xml HTTP/1.1\r\nHost: autoconfig.Example.Test:80\r\n\r\n",
      "GET /mail/config-v1.1.xml?emailaddress=bob@other.test HTTP/1.1\r\n\r\n",
      "GET /mail/config-v1.1.xml?emailaddress=%00%3Cx HTTP/1.1\r\n\r\n",
    ])
    for answer in answers.prefix(2) {
      #expect(answer.contains("<domain>example.test</domain>"))
      let imap = try #require(answer.firstRange(of: "<incomingServer type=\"imap\">"))
      let pop = try #require(answer.firstRange(of: "<incomingServer type=\"pop3\">"))
      #expect(imap.lowerBound < pop.lowerBound)
      #expect(answer.contains("<port>993</port>\n      <socketType>SSL</socketType>"))
      #expect(answer.contains("<port>587</port>\n      <socketType>STARTTLS</socketType>"))
      #expect(answer.contains("<hostname>mail.example.test</hostname>"))
    }
    #expect(answers[2].hasPrefix("HTTP/1.1 404 "))
    #expect(answers[3].hasPrefix("HTTP/1.1 400 "))
  }

  @Test("R58: autodiscover answers with the login that was asked for, escaped")
  func autodiscover() async throws {
    let body =
      "<?xml version=\"1.0\"?><Autodiscover><Request><EMailAddress>b.o'b@example.test</EMailAddress></Request></Autodiscover>"
    let answers = try await ask([
      "POST /Autodiscover/Autodiscover.xml HTTP/1.1\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)",
      "POST /autodiscover/autodiscover.xml HTTP/1.1\r\nContent-Length: 5\r\n\r\n<EMai",
      "POST /autodiscover/autodiscover.xml HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n",
      "POST /autodiscover/autodiscover.xml HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
      "GET /autodiscover/autodiscover.xml HTTP/1.1\r\n\r\n",
    ])
    #expect(answers[0].contains("<LoginName>b.o&#39;b@example.test</LoginName>"))
    #expect(answers[0].contains("<Type>IMAP</Type>") && answers[0].contains("<Encryption>TLS</Encryption>"))
    #expect(answers[1].hasPrefix("HTTP/1.1 400 "))
    #expect(answers[2].hasPrefix("HTTP/1.1 413 "))
    #expect(answers[3].hasPrefix("HTTP/1.1 411 "))
    #expect(answers[4].hasPrefix("HTTP/1.1 400 "))
  }

  @Test("what is no request for a page is refused and the connection ends")
  func hostile() async throws {
    let answers = try await ask([
      "\r\n", "EHLO x\r\n", "GET /../../etc/passwd HTTP/1.1\r\n\r\n", "DELETE / HTTP/1.1\r\n\r\n",
      "GET /%zz HTTP/1.1\r\n\r\n", "GET /" + String(repeating: "a", count: 9000) + " HTTP/1.1\r\n\r\n",
      "GET / HTTP/1.1\r\n" + String(repeating: "A: b\r\n", count: 200) + "\r\n",
      "GET / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
    ])
    let codes = answers.map { $0.split(separator: " ").dropFirst().first.map(String.init) ?? "" }
    #expect(codes == ["400", "400", "404", "405", "400", "413", "413", "400"])
  }
}
