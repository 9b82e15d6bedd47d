import Basics
import Testing

@testable import Configuration

@Suite("The configuration file")
struct ConfigurationTests {
  let smallest = "hostname: mail.example.test\ndata: data\n"

  func read(_ text: String) throws -> Configuration {
    try Configuration.parse(text, file: "/etc/martinet/martinet.yaml", name: "martinet.yaml")
  }

  func faults(_ text: String) -> [String] {
    do {
      _ = try read(text)
      return []
    } catch let error as ConfigurationError {
      return error.faults.map(\.description)
    } catch {
      return ["\(error)"]
    }
  }

  @Test("The defaults are the requirements' numbers (R3, R5, R6, R31, R37, R38, R54)")
  func defaults() throws {
    let configuration = try read(smallest)
    #expect(configuration.limits.messageSize == 10_240_000)
    #expect(configuration.limits.recipients == 100)
    #expect(configuration.limits.messagesPerMinute == 100)
    #expect(configuration.limits.unvalidatedPerMinute == 10)
    #expect(configuration.openSMTP.lifetime == .seconds(3600))
    #expect(configuration.pop3.loginDelay == .seconds(60))
    #expect(configuration.queue.lifetime == .seconds(86_400))
    #expect(configuration.openSMTP.includeNetworks.isEmpty)
    #expect(configuration.data == "/etc/martinet/data")
    #expect(configuration.tls.plaintextLogin == false)
  }

  @Test("An unknown key names file, line and the nearest right key (R15)")
  func unknownKey() {
    #expect(
      faults(smallest + "limits:\n  message-sizes: 5M\n")
        == ["martinet.yaml:4: unknown key \"limits.message-sizes\"; did you mean \"message-size\"?"])
  }

  @Test("Every fault is listed at once, in the file's order (R15)")
  func allFaults() {
    let text = """
      hostname: mail.example.test
      data: data
      pop3: {login-delay: 301s}
      limits:
        recipients: many
      open-smtp: {lifetime: soon, include-networks: [10.0.0.0/33]}
      """
    #expect(
      faults(text) == [
        "martinet.yaml:3: \"pop3.login-delay\" is 301s, but must lie between 0s and 5m",
        "martinet.yaml:5: \"limits.recipients\" must be a whole number",
        "martinet.yaml:6: \"open-smtp.lifetime\" must be a duration such as 0s, 90s, 15m, 1h or 24h",
        "martinet.yaml:6: \"open-smtp.include-networks\" holds \"10.0.0.0/33\", which is no network; "
          + "write 192.0.2.0/24 or 2001:db8::/32",
      ])
  }

  @Test("A limit on messages per IMAP command is none, or what RFC 9738 leaves")
  func messageLimit() throws {
    #expect(
      faults(smallest + "imap: {message-limit: 999}\n")
        == ["martinet.yaml:3: \"imap.message-limit\" must be 0 for no limit, or 1000 at least"])
    #expect(faults(smallest + "imap: {message-limit: 1000}\n") == [])
  }

  @Test("Broken YAML is a fault with a line")
  func brokenYAML() throws {
    let found = try #require(faults("hostname: [\ndata: x\n").first)
    #expect(found.hasPrefix("martinet.yaml:"))
    #expect(found.contains("not valid YAML"))
  }

  @Test("A key that stands twice is a fault")
  func duplicateKey() {
    #expect(!faults(smallest + "data: other\n").isEmpty)
  }

  @Test("Listeners: both families, default ports, and no port twice")
  func listeners() throws {
    let configuration = try read(
      smallest
        + "tls: {certificate: c.pem, key: /k.pem}\nlisten: {smtp: [\"0.0.0.0:25\", \"[::]\"], imaps: \"::1:993\"}\n"
        .replacing("\"::1:993\"", with: "\"[::1]:993\""))
    #expect(configuration.listeners.map(\.service) == [.smtp, .imaps])
    #expect(
      configuration.listeners[0].addresses == [HostPort(host: "0.0.0.0", port: 25), HostPort(host: "::", port: 25)])
    #expect(configuration.tls.primary == CertificateFiles(certificate: "/etc/martinet/c.pem", key: "/k.pem"))
    #expect(
      faults(smallest + "listen: {smtp: [\"0.0.0.0:25\"], smtp-alt: [\"0.0.0.0:25\"]}\n")
        == ["martinet.yaml:3: \"listen.smtp-alt\" uses 0.0.0.0:25, which \"smtp\" has already"])
    #expect(faults(smallest + "listen: {imaps: [\"0.0.0.0:993\"]}\n").count == 1)
  }

  @Test("A smarthost may be one line or a mapping (R84)")
  func smarthost() throws {
    #expect(try read(smallest + "queue: {smarthost: null}\n").queue.smarthost == nil)
    let short = try read(smallest + "queue: {smarthost: \"127.0.0.1:2500\"}\n").queue.smarthost
    #expect(short?.address == HostPort(host: "127.0.0.1", port: 2500))
    let long = try read(
      smallest + "queue:\n  smarthost: {host: smtp.example.com, tls: required, username: u, password-file: pw}\n")
    #expect(long.queue.smarthost?.address.port == 587)
    #expect(long.queue.smarthost?.passwordFile == "/etc/martinet/pw")
    #expect(faults(smallest + "queue:\n  smarthost: {host: smtp.example.com, username: u}\n").count == 1)
  }

  @Test("A file that is missing says how to make one")
  func missingFile() throws {
    let error = #expect(throws: ConfigurationError.self) { try Configuration.read("/nonexistent/martinet.yaml") }
    #expect(error?.description.contains("martinet init") == true)
  }
}
