import Testing

@testable import Basics

@Suite("Addresses, times and sizes")
struct BasicsTests {
  @Test(
    "Addresses parse to one canonical form; mapped IPv4 folds (OPEN-SMTP)",
    arguments: [
      ("192.0.2.1", "192.0.2.1"), ("::ffff:192.0.2.1", "192.0.2.1"), ("[IPv6:2001:DB8:0:0:0:0:0:1]", "2001:db8::1"),
      ("[192.0.2.1]", "192.0.2.1"), ("::", "::"),
    ])
  func addresses(text: String, canonical: String) throws {
    #expect(try #require(IPAddress(text)).description == canonical)
  }

  @Test("What is no address is refused", arguments: ["", "1.2.3", "1.2.3.4.5", "::g", "1.2.3.4 ", "fe80::1%eth0"])
  func notAddresses(text: String) { #expect(IPAddress(text) == nil) }

  @Test("Octets round-trip")
  func octets() throws {
    for text in ["192.0.2.255", "2001:db8::ff00:42:8329"] {
      let address = try #require(IPAddress(text))
      #expect(IPAddress(octets: address.octets) == address)
    }
    #expect(IPAddress(octets: [1, 2, 3]) == nil)
  }

  @Test("Networks clear host bits and never mix families")
  func networks() throws {
    let net = try #require(IPNetwork("192.0.2.77/24"))
    #expect(net.description == "192.0.2.0/24")
    #expect(net.contains(try #require(IPAddress("192.0.2.1"))))
    #expect(!net.contains(try #require(IPAddress("192.0.3.1"))))
    #expect(!net.contains(try #require(IPAddress("::1"))))
    let all = try #require(IPNetwork("::/0"))
    #expect(all.contains(try #require(IPAddress("2001:db8::1"))))
    #expect(try #require(IPAddress("2001:db8:1:2:3:4:5:6")).clientNetwork().description == "2001:db8:1:2::/64")
    #expect(IPNetwork("10.0.0.0/33") == nil)
    #expect(try #require(IPAddress("127.3.2.1")).isLoopback)
    #expect(try #require(IPAddress("10.1.1.1")).isPrivate)
    #expect(try #require(IPAddress("fe80::1")).isUnroutable)
  }

  @Test("Civil time agrees with known dates")
  func civilTime() {
    #expect(Timestamp(seconds: 0).rfc3339 == "1970-01-01T00:00:00Z")
    #expect(Timestamp(seconds: 951_782_400).rfc3339 == "2000-02-29T00:00:00Z")
    #expect(Timestamp(seconds: -1).rfc3339 == "1969-12-31T23:59:59Z")
    #expect(Timestamp(seconds: 1_795_322_129).utc.weekday == 0)
    #expect(CivilTime.daysSinceEpoch(year: 2000, month: 2, day: 29) == 11_016)
  }

  @Test("Sizes and durations as people write them")
  func settings() {
    #expect(ByteSize("25M")?.bytes == 26_214_400)
    #expect(ByteSize("2G")?.description == "2G")
    #expect(ByteSize("10240000")?.bytes == 10_240_000)
    #expect(ByteSize("1000KB")?.bytes == 1_024_000)
    for bad in ["", "M", "-1", "1.5M", "9999999999999999999", "9223372036854775807G"] { #expect(ByteSize(bad) == nil) }
    #expect(Duration(setting: "24h") == .seconds(86_400))
    #expect(Duration(setting: "0s") == .zero)
    #expect(Duration(setting: "1500ms")?.setting == "1500ms")
    for bad in ["", "5", "h", "1w", "-5s"] { #expect(Duration(setting: bad) == nil) }
  }

  @Test("A manual clock wakes sleepers when their time has come, and cancels them")
  func manualTime() async throws {
    let time = ManualTime()
    let start = time.now
    let sleeper = Task { try await time.sleep(for: .seconds(60)) }
    while !sleeper.isCancelled, time.uptime == .zero {
      try await Task.sleep(for: .milliseconds(5))
      time.advance(by: .seconds(60))
    }
    time.advance(by: .seconds(60))
    try await sleeper.value
    #expect(time.now - start >= .seconds(60))
    let cancelled = Task { try await time.sleep(for: .seconds(60)) }
    cancelled.cancel()
    await #expect(throws: CancellationError.self) { try await cancelled.value }
  }
}
