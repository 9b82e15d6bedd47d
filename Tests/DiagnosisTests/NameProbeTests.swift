import Basics
import DNSResolver
import Diagnosis
import Testing

@Suite("The doctor's look at names")
struct NameProbeTests {
  let resolver = StaticResolver()
  let patient = Patient(hostname: "mail.example.test", domains: ["example.test"], addresses: ["192.0.2.25"])

  init() {
    resolver.setMX("example.test", [(10, "mail.example.test")])
    resolver.setAddresses("mail.example.test", ["192.0.2.25"])
    resolver.setTXT("example.test", ["v=spf1 mx ~all", "something=else"])
    resolver.setTXT("_dmarc.example.test", ["v=DMARC1; p=none"])
    if let address = IPAddress("192.0.2.25") { resolver.setPTR(address, ["mail.example.test"]) }
  }

  var probe: NameProbe { NameProbe(resolver: resolver, patient: patient) }

  func states(_ findings: [Finding]) -> [Finding.State] { findings.map(\.state) }

  @Test("R48 R65 R81: a sound domain, shown as dig shows it")
  func sound() async {
    let findings = await probe.names()
    #expect(!findings.contains { $0.state != .ok }, "\(findings)")
    #expect(findings.contains { $0.subject == "MX example.test" && $0.text == "10 mail.example.test." })
  }

  @Test("R47 R48: an MX without an address, and a missing MX, are named with the line to add")
  func broken() async throws {
    resolver.setMX("example.test", [(10, "mx.gone.test")])
    let one = await probe.names()
    #expect(one.contains { $0.subject == "A/AAAA mx.gone.test" && $0.state == .failed })
    #expect(one.contains { $0.subject == "MX example.test" && $0.state == .warning })
    resolver.setMX("example.test", [])
    let two = try #require(await probe.names().first { $0.subject == "MX example.test" })
    #expect(two.state == .failed && two.remedy.contains("example.test. IN MX 10 mail.example.test."))
    resolver.setMX("example.test", [(0, "")])
    #expect(await probe.names().contains { $0.text.contains("takes no mail") && $0.state == .failed })
  }

  @Test("R80: SPF that is missing, doubled or names others")
  func policies() async throws {
    for (texts, state) in [
      (["v=spf1 -all"], Finding.State.warning), (["v=spf1 mx", "v=spf1 a"], .failed), (["x"], .warning),
      (["v=spf1 ip4:192.0.2.25 -all"], .ok), (["V=SPF1 A:mail.example.test"], .ok), (["v=spf10 mx"], .warning),
    ] {
      resolver.setTXT("example.test", texts)
      let found = try #require(await probe.names().first { $0.subject == "SPF example.test" })
      #expect(found.state == state, "\(texts)")
    }
  }

  @Test("R13 R14: reverse name, forward again, and the EHLO name; the remedy has both values of the ticket")
  func reverse() async throws {
    #expect(states(await probe.reverse()) == [.ok])
    let address = try #require(IPAddress("192.0.2.25"))
    resolver.setPTR(address, ["host-25.provider.test"])
    let other = try #require(await probe.reverse().first)
    #expect(
      other.state == .warning && other.remedy.contains("192.0.2.25") && other.remedy.contains("mail.example.test"))
    resolver.setPTR(address, [])
    #expect(states(await probe.reverse()) == [.failed])
    resolver.setPTR(address, ["mail.example.test"])
    resolver.setAddresses("mail.example.test", ["192.0.2.99"])
    #expect(states(await probe.reverse()) == [.failed])
  }

  @Test("R70 R87: listed, dynamic, not listed, and a list that does not answer")
  func blacklists() async throws {
    #expect(states(await probe.listings(["bl.test"])) == [.ok])
    for (code, state) in [
      ("127.0.0.2", Finding.State.failed), ("127.0.0.10", .warning), ("127.255.255.254", .unknown),
      ("192.0.2.1", .unknown),
    ] {
      resolver.setAddresses("25.2.0.192.bl.test", [code])
      #expect(states(await probe.listings(["bl.test"])) == [state], "\(code)")
    }
    resolver.fail("25.2.0.192.bl.test", .timeout)
    #expect(states(await probe.listings(["bl.test"])) == [.unknown])
  }

  @Test("A name system that does not answer proves nothing")
  func silence() async {
    for name in ["example.test", "mail.example.test", "_dmarc.example.test", "192.0.2.25"] {
      resolver.fail(name, .timeout)
    }
    let findings = await probe.names() + (await probe.reverse())
    #expect(!findings.contains { $0.state == .failed }, "\(findings)")
  }

  @Test("R29 R80: the zone of a domain")
  func records() {
    let records = DomainRecords(
      domain: "example.test", patient: patient, services: DomainRecords.Services([("imaps", 993)]), token: "TOKEN"
    ).records.map(\.line)
    for line in [
      "example.test. IN MX 10 mail.example.test.", "smtp.example.test. IN CNAME mail.example.test.",
      "pop3.example.test. IN CNAME mail.example.test.", "example.test. IN TXT \"v=spf1 mx a:mail.example.test ~all\"",
      "_dmarc.example.test. IN TXT \"v=DMARC1; p=none; rua=mailto:postmaster@example.test\"",
      "_martinet.example.test. IN TXT \"TOKEN\"", "autoconfig.example.test. IN CNAME mail.example.test.",
      "_imaps._tcp.example.test. IN SRV 0 1 993 mail.example.test.",
      "25.2.0.192.in-addr.arpa. IN PTR mail.example.test.",
    ] { #expect(records.contains(line), "\(line)") }
  }

  @Test("R85 R88: a blocked port 25 ends in a smarthost, SPF and a second MX")
  func plan() {
    let findings = [
      Finding("ports", "out mx.far.test:25", .failed, "timed out", remedy: "x"),
      Finding("ports", "in smtp 192.0.2.25:25", .failed, "timed out", remedy: "y"),
      Finding("dns", "MX example.test", .ok, "10 mail.example.test."),
    ]
    let steps = Plan.steps(findings, patient: patient)
    #expect(steps.first?.contains("smarthost: {host:") == true)
    #expect(steps.contains { $0.contains("include:") && $0.contains("example.test") })
    #expect(steps.contains { $0.contains("IN MX 20") })
    #expect(Plan.steps([Finding("dns", "x", .ok, "")], patient: patient).isEmpty)
  }
}
