import Testing

@testable import Configuration

@Suite("Smarthosts")
struct SmarthostTests {
  func read(_ smarthost: String) throws -> SmarthostSetting? {
    try Configuration.parse(
      "hostname: mail.example.com\ndata: /x\nqueue:\n  smarthost: \(smarthost)\n", file: "/etc/martinet.yaml",
      name: "martinet.yaml"
    ).queue.smarthost
  }

  @Test("R67: a preset by name alone, or with login and caps")
  func presets() throws {
    let bare = try #require(try read("gmail"))
    #expect(bare.address == HostPort(host: "smtp.gmail.com", port: 587) && bare.tls == "required")
    let whole = try #require(
      try read("{preset: yahoo, username: me, password-file: p, daily: 500, monthly: 9000}"))
    #expect(whole.address == HostPort(host: "smtp.mail.yahoo.com", port: 465) && whole.tls == "implicit")
    #expect(whole.daily == 500 && whole.monthly == 9000 && whole.username == "me")
    #expect(whole.passwordFile == "/etc/p")
    let other = try #require(try read("{preset: gmail, host: \"relay.example.com:2525\", tls: none}"))
    #expect(other.address.port == 2525 && other.tls == "none")
    #expect(try read("\"relay.example.com:2525\"")?.preset == nil)
  }

  @Test(
    "R15 R67: a preset that is not known, and caps that make no sense, are named",
    arguments: [
      ("{preset: gmial}", "did you mean \"gmail\""), ("{preset: gmail, daily: 0}", "queue.smarthost.daily"),
      ("{preset: gmail, daily: many}", "whole number"), ("gmial", "must be a host and port"),
    ])
  func faults(text: String, words: String) {
    #expect { try read(text) } throws: { "\($0)".contains(words) && "\($0)".contains("martinet.yaml:4") }
  }

  @Test("R67: every preset is named once and wants TLS")
  func table() {
    #expect(Set(SmarthostPreset.all.map(\.name)).count == SmarthostPreset.all.count)
    #expect(SmarthostPreset.all.allSatisfy { $0.tls == "implicit" || $0.tls == "required" })
    #expect(SmarthostPreset.named("GMAIL")?.port == 587 && SmarthostPreset.named("yahoo")?.port == 465)
  }
}
