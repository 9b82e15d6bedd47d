import Basics
import DNSResolver
import Logging
import MailQueue
import NIOPosix
import SMTPClient
import Testing

@testable import Delivery

@Suite("Delivery to Postfix through nsd", .enabled(if: RemoteHost.isPossible), .serialized)
struct RealPeersTests {
  private func house(_ host: RemoteHost) throws -> House {
    let log = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    let resolver = try DNSResolver(settings: ResolverSettings(servers: ["127.0.0.1:\(host.dnsPort)"]), log: log)
    let client = SMTPClient(group: MultiThreadedEventLoopGroup.singleton, files: .singleton, log: log)
    return try House(resolver: resolver, transport: client) { $0.remotePort = host.smtpPort }
  }

  @Test("R17 R36 R60 three recipients in one transaction under TLS, a dead exchanger passed over, A without MX")
  func delivery() async throws {
    let host = try RemoteHost()
    let house = try house(host)
    house.start()
    let body = "Subject: hi\r\nFrom: alice@example.test\r\n\r\n.dot\r\nna\u{ef}ve\r\n"
    _ = try await house.delivery.accept(
      house.message(to: ["a@remote.test", "b@remote.test", "c@remote.test", "p@plain.test"], body: body) {
        $0.traits = .eightBit
      })
    try await house.eventually("delivered", within: 30) {
      ["a", "b", "c", "p"].allSatisfy { host.mail($0).count == 1 }
    }
    try await house.eventually { try await house.queue.counts().messages == 0 }
    let mail = try #require(host.mail("a").first, "\(host.log)")
    #expect(mail.contains("\n\n.dot\nna\u{ef}ve\n") && mail.contains("with ESMTPS"))
    #expect(mail.contains("Return-Path: <alice@example.test>") || mail.contains("alice@example.test"))
    #expect(host.log.contains("nrcpt=3 "))
  }

  @Test("greylisting is waited for, a refusal bounces at once and python's email package reads the bounce")
  func refusals() async throws {
    let host = try RemoteHost()
    let house = try house(host)
    house.start()
    let id = try await house.delivery.accept(
      house.message(to: ["grey@remote.test", "nobody@remote.test"]) {
        $0.envelopeID = "QQ314159"
        $0.recipients[1].originalRecipient = "rfc822;Nobody@remote.test"
      })
    try await house.eventually("bounce", within: 30) { house.store.mail("alice@example.test").count == 1 }
    let grey = try await house.queue.show(id).recipients[0]
    #expect(grey.state == .queued && grey.status == "4.7.1" && grey.reply.contains("Greylisted, come back later"))
    let bounce = try #require(
      house.store.mail("alice@example.test").first, "\(host.log)")
    #expect(bounce.contains("127.0.0.1 does not like recipient.\r\nRemote host said: 550 5.1.1 <nobody@remote.test>"))
    #expect(bounce.contains("\r\nwhile talking to mx.remote.test:\r\n>>> RCPT TO:<nobody@remote.test>"))
    let script = """
      import sys, email, email.policy
      m = email.message_from_bytes(sys.stdin.buffer.read(), policy=email.policy.default)
      parts = list(m.iter_parts())
      print(m.get_content_type(), m.get_param('report-type'), m['Auto-Submitted'], len(m.defects))
      print(*[p.get_content_type() for p in parts])
      status = parts[1].get_payload()
      print(status[0]['Reporting-MTA'], '|', status[0]['Original-Envelope-Id'])
      print(status[1]['Original-Recipient'], '|', status[1]['Final-Recipient'], '|', status[1]['Action'], '|',
            status[1]['Status'], '|', status[1]['Remote-MTA'], '|', status[1]['Diagnostic-Code'][:15])
      print(email.message_from_string(parts[2].get_content())['Subject'])
      """
    let parsed = try RemoteHost.run("/usr/bin/env", ["python3", "-c", script], input: bounce)
    #expect(
      parsed == """
        multipart/report delivery-status auto-replied 0
        text/plain message/delivery-status text/rfc822-headers
        dns; mail.example.test | QQ314159
        rfc822;Nobody@remote.test | rfc822; nobody@remote.test | failed | 5.1.1 | dns; mx.remote.test | smtp; 550 5.1.1
        hi

        """)
    try host.liftGreylisting()
    house.time.advance(by: .seconds(400))
    try await house.eventually("greylisted mail", within: 30) { host.mail("grey").count == 1 }
    try await house.eventually { try await house.queue.counts().messages == 0 }
  }

  @Test("mail left by a stopped runner is delivered by the next one")
  func restart() async throws {
    let host = try RemoteHost()
    let house = try house(host)
    for index in 0..<30 {
      _ = try await house.delivery.accept(house.message(to: ["a@remote.test"], body: "Subject: \(index)\r\n\r\nx\r\n"))
    }
    let delivery = house.delivery
    let first = Task { await delivery.run() }
    try await house.eventually(within: 30) { host.mail("a").count >= 1 }
    first.cancel()
    await first.value
    #expect(try await house.queue.counts().leased == 0)
    house.start()
    try await house.eventually(within: 30) { try await house.queue.counts().messages == 0 }
    try await house.eventually("all of them, some perhaps twice", within: 60) {
      Set(host.mail("a").compactMap { $0.split(separator: "\n").first { $0.hasPrefix("Subject: ") } }).count == 30
    }
  }
}
