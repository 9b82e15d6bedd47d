import Basics
import Logging
import MailSyntax
import NIOPosix
import Testing

@testable import Milter

@Suite("Milter: filters that keep to the protocol and filters that do not", .timeLimit(.minutes(1)))
struct MilterTests {
  private static let files: NIOThreadPool = {
    let pool = NIOThreadPool(numberOfThreads: 1)
    pool.start()
    return pool
  }()

  private let client = MilterClient(peer: .v4(0xc000_0207), port: 4711, hostname: "mail.example.test", listener: "smtp")

  private func chain(
    _ filters: [FakeFilter], _ policy: MilterSettings.FailurePolicy = .tempfail,
    _ change: (inout MilterSettings) -> Void = { _ in }
  ) -> MilterChain {
    let settings = filters.enumerated().map { index, filter in
      var settings = MilterSettings(
        name: "f\(index)", endpoint: .inet(host: "127.0.0.1", port: filter.port), onFailure: policy)
      (settings.connectTimeout, settings.commandTimeout) = (.seconds(5), .seconds(5))
      change(&settings)
      return settings
    }
    return MilterChain(
      settings, group: MultiThreadedEventLoopGroup.singleton, files: Self.files,
      log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
  }

  private func message(_ text: String = "Subject:  a\r\n b\r\nX: 1\r\n\r\nbody\r\n") -> FilteredMessage {
    let octets = Array(text.utf8)
    let section = HeaderSection(octets)
    return FilteredMessage(.bytes(octets), head: octets, headerEnd: section.bytes.count)
  }

  private static let later = MilterVerdict.refuse(
    SMTPReply(451, "4.7.1", "Service unavailable - try again later"))

  @Test("one session: options, macros, every event in its form, and the changes of two filters in their order")
  func dialogue() async throws {
    let first = try FakeFilter { command, _ in
      command == "E"
        ? [("m", [0, 0, 0, 1] + zero("Subject", " first")), ("h", zero("A", " 1")), ("c", [])] : [("c", [])]
    }
    let second = try FakeFilter { command, _ in
      command == "E" ? [("p", []), ("i", [0, 0, 0, 0] + zero("B", " 2")), ("q", zero("odd")), ("a", [])] : [("c", [])]
    }
    let chain = chain([first, second])
    #expect(await chain.connect(client) == .proceed)
    #expect(await chain.helo("client.example", tls: "TLSv1.3") == .proceed)
    #expect(await chain.mail("a@b.example", parameters: ["SIZE=1"], macros: [("i", "ID1")]) == .proceed)
    #expect(await chain.recipient("c@d.example", parameters: []) == .proceed)
    let (verdict, result) = await chain.filter(message(), macros: [("i", "ID1")])
    #expect(verdict == .proceed && result.quarantine == "f1: odd")
    #expect(
      String(decoding: result.message.header, as: UTF8.self) == "B: 2\r\nSubject: first\r\nX: 1\r\nA: 1\r\n\r\n")
    await chain.close()
    let heard = second.heard
    #expect(heard.contains("C [192.0.2.7]\u{0}4\u{12}g192.0.2.7\u{0}"))
    #expect(heard.contains("DM" + "i\u{0}ID1\u{0}") && heard.contains("M <a@b.example>\u{0}SIZE=1\u{0}"))
    #expect(heard.contains("R <c@d.example>\u{0}") && heard.contains("DH{tls_version}\u{0}TLSv1.3\u{0}"))
    #expect(heard.contains("L Subject\u{0} first\u{0}") && heard.contains("L A\u{0} 1\u{0}"))
    #expect(first.heard.contains("L Subject\u{0}  a\n b\u{0}") && heard.contains("B body\r\n"))
  }

  @Test("a refusal in the filter's words; discard; accept asks no more for this message")
  func verdicts() async throws {
    let filter = try FakeFilter { command, data in
      switch command {
      case "R" where data.contains("refuse"): [("y", zero("550 5.7.1 no, thank you\n"))]
      case "R" where data.contains("discard"): [("d", [])]
      case "R" where data.contains("accept"): [("a", [])]
      case "R" where data.contains("plain"): [("r", [])]
      default: [("c", [])]
      }
    }
    let chain = chain([filter])
    _ = await chain.connect(client)
    _ = await chain.mail("a@b.example", parameters: [], macros: [])
    #expect(
      await chain.recipient("refuse@d.example", parameters: [])
        == .refuse(SMTPReply(550, "5.7.1", "no, thank you")))
    #expect(
      await chain.recipient("plain@d.example", parameters: []) == .refuse(SMTPReply(550, "5.7.1", "Command rejected")))
    #expect(await chain.recipient("discard@d.example", parameters: []) == .discard)
    await chain.abort()
    _ = await chain.mail("a@b.example", parameters: [], macros: [])
    #expect(await chain.recipient("accept@d.example", parameters: []) == .proceed)
    #expect(await chain.filter(message(), macros: []).0 == .proceed)
    let commands = filter.heard.map { String($0.prefix(1)) }
    #expect(!commands.contains("E") && commands.filter { $0 == "A" }.count == 2)
    await chain.close()
  }

  @Test("events that were not wanted are not sent, those without answer not waited for")
  func steps() async throws {
    let quiet = MilterSteps([.noConnect, .noHelo, .noRecipient, .silentHeaders, .noBody, .noEndOfHeaders, .noData])
    let filter = try FakeFilter(steps: quiet.rawValue) { command, _ in command == "L" ? [] : [("c", [])] }
    let chain = chain([filter])
    _ = await chain.connect(client)
    _ = await chain.helo("x", tls: nil)
    _ = await chain.mail("a@b.example", parameters: [], macros: [])
    _ = await chain.recipient("c@d.example", parameters: [])
    #expect(await chain.filter(message(), macros: []).0 == .proceed)
    await chain.close()
    let commands = Set(filter.heard.map { String($0.prefix(1)) })
    #expect(commands.isDisjoint(with: ["C", "H", "R", "T", "B", "N"]))
    // No blank was agreed on, so the value begins with its first word.
    #expect(filter.heard.contains("L Subject\u{0}a\n b\u{0}"))
  }

  @Test(
    "whatever a filter does wrong, the policy decides",
    arguments: [
      "closes", "garbage", "unknown", "huge", "early", "silent", "endless", "unagreed",
    ])
  func failures(_ fault: String) async throws {
    for policy in MilterSettings.FailurePolicy.allCases {
      let filter = try FakeFilter(actions: fault == "unagreed" ? 0 : 0x7f) { command, _ in
        guard command == "E" else { return [("c", [])] }
        return switch fault {
        case "closes": [("close", [])]
        case "garbage": [("raw", Array("HTTP/1.0 200 OK\r\n\r\n".utf8))]
        case "unknown": [("Z", [])]
        case "huge": [("raw", [0x7f, 0xff, 0xff, 0xff, 0x63])]
        case "early": [("y", zero("not a reply"))]
        case "endless": Array(repeating: ("b", [UInt8](repeating: 0x78, count: 1000)), count: 20)
        case "unagreed": [("h", zero("A", "1")), ("c", [])]
        default: []
        }
      }
      let chain = chain([filter], policy) {
        ($0.commandTimeout, $0.messageTimeout, $0.bodyLimit) = (.milliseconds(300), .milliseconds(300), 10_000)
      }
      _ = await chain.connect(client)
      _ = await chain.mail("a@b.example", parameters: [], macros: [])
      let (verdict, result) = await chain.filter(message(), macros: [])
      #expect(!result.message.isChanged)
      // The next message of the session meets the same policy.
      let next = await chain.mail("a@b.example", parameters: [], macros: [])
      switch policy {
      case .accept: #expect(verdict == .proceed && next == .proceed)
      case .tempfail: #expect(verdict == Self.later && next == Self.later)
      case .reject: #expect(verdict == .refuse(SMTPReply(550, "5.5.0", "Service unavailable")) && next == verdict)
      }
      await chain.close()
    }
  }

  @Test("a filter that wants what was not offered, or is not there, has failed before the first message")
  func negotiation() async throws {
    let greedy = try FakeFilter(actions: 0xffff) { _, _ in [("c", [])] }
    let old = try FakeFilter(version: 1) { _, _ in [("c", [])] }
    for filter in [greedy, old] {
      let chain = chain([filter])
      #expect(await chain.connect(client) == .proceed)
      #expect(await chain.mail("a@b.example", parameters: [], macros: []) == Self.later)
      await chain.close()
    }
  }

  @Test("a filter's header cannot break out of its field; a body replaced gets line ends")
  func changes() {
    var seen = message("Subject: x\r\nno field\r\nSubject: y\r\n\r\nbody\r\n")
    seen.change(.addHeader(name: Array("A: b\r\nC".utf8), value: Array("1\n2\r\n 3\n\n".utf8)), keepsSpace: false)
    seen.change(.changeHeader(index: 2, name: Array("subject".utf8), value: []), keepsSpace: false)
    seen.change(.changeHeader(index: 9, name: Array("New".utf8), value: Array("v".utf8)), keepsSpace: false)
    seen.change(.insertHeader(index: 99, name: Array("Last".utf8), value: Array("v".utf8)), keepsSpace: false)
    #expect(
      String(decoding: seen.header, as: UTF8.self)
        == "Subject: x\r\nno field\r\nAbC: 1\r\n\t2\r\n 3\r\nNew: v\r\nLast: v\r\n\r\n")
    #expect(seen.body(at: 0, limit: 4) == Array("body".utf8) && seen.body(at: 6, limit: 4) == [])
    #expect(MilterSettings.Endpoint("inet:8891@localhost") == .inet(host: "localhost", port: 8891))
    #expect(MilterSettings.Endpoint("[::1]:8891") == .inet(host: "::1", port: 8891))
    #expect(MilterSettings.Endpoint("unix:/run/x.sock") == .unix(path: "/run/x.sock"))
    for bad in [
      "", "localhost", "x:0", "x:99999", "unix:relative", "::1:80", "inet:x@y",
      "unix:/" + String(repeating: "x", count: 110),
    ] {
      #expect(MilterSettings.Endpoint(bad) == nil, "\(bad)")
    }
  }
}

/// Texts with a NUL behind each.
private func zero(_ texts: String...) -> [UInt8] { texts.flatMap { Array($0.utf8) + [0] } }
