import Basics
import MailLog
import MailSyntax
import Testing

@testable import Delivery

@Suite("The cap of a smarthost")
struct CapTests {
  @Test("R68: what is beyond the provider's daily share waits, and goes the next day")
  func daily() async throws {
    let house = try House {
      var host = Smarthost(host: "smtp.provider.test")
      host.daily = 2
      $0.smarthost = host
    }
    house.resolver.setAddresses("smtp.provider.test", ["192.0.2.1"])
    house.transport.set("192.0.2.1", .init())
    house.start()
    for number in 1...2 {
      #expect(await house.refusal(try house.message(to: ["friend\(number)@far.test"])) == nil)
    }
    try await house.eventually { try await house.queue.list().isEmpty }
    // Later the same day, so that its own day is not over before the provider's is.
    house.time.advance(by: .seconds(50_000))
    #expect(await house.refusal(try house.message(to: ["friend3@far.test"])) == nil)
    try await house.eventually { try await house.onlyRecipient()?.attempts == 1 }
    let waiting = try #require(try await house.onlyRecipient())
    #expect(waiting.reply.contains("smtp.provider.test may be given 2 messages a day"))
    #expect(waiting.status == "4.7.1")
    house.time.advance(by: .seconds(40_000))
    try await house.eventually { try await house.queue.list().isEmpty }
    await house.journal.flush()
    #expect(try await house.journal.sent(by: "smtp.provider.test", since: .init(seconds: 0)) >= 3)
  }

  @Test("R68: local mail and hosts without a cap are never held")
  func uncapped() async throws {
    let cap = SmarthostCap(journal: nil, time: ManualTime())
    for _ in 0..<10 { #expect(await cap.take(Smarthost(host: "x.test")) == nil) }
    var limited = Smarthost(host: "y.test")
    limited.monthly = 1
    #expect(await cap.take(limited) == nil)
    #expect(await cap.take(limited)?.text.contains("in 30 days") == true)
  }
}
