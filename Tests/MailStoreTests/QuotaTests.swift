import Basics
import Glibc
import Testing

@testable import MailStore

@Suite struct QuotaTests {
  @Test("R52: over quota is refused at RCPT and at delivery; deleting makes room at once")
  func limits() async throws {
    let fixture = Fixture()
    try await fixture.withStore {
      $0.quotaWarningPercent = 0
    } _: { store in
      let account = fixture.account(quota: QuotaLimit(bytes: 10_000, messages: 3))
      let body = String(repeating: "x", count: 2000) + "\r\n"
      for number in 0..<3 { _ = try await store.deliver(.bytes(message(number, body: body)), to: account) }
      #expect(try await store.fits(account, bytes: 10) == false)
      await #expect(throws: StoreError.self) { _ = try await store.deliver(.bytes(message(9)), to: account) }
      let inbox = try await store.mailbox(account, name: .inbox)
      await #expect(throws: StoreError.self) { _ = try await inbox.append([NewMessage(content: .bytes(message(9)))]) }
      await #expect(throws: StoreError.self) { _ = try await inbox.copy([1], to: inbox) }
      #expect(FileSystem.names(fixture.maildir() + "/cur").isEmpty)
      _ = try await inbox.remove([1])
      #expect(try await store.fits(account, bytes: 10))
      #expect(try await store.fits(account, bytes: 9000) == false)
      let lines = String(
        decoding: try FileSystem.contents(fixture.maildir() + "/maildirsize", limit: 9999) ?? [], as: UTF8.self)
      #expect(lines.hasPrefix("10000S,3C\n"))
      let use = try await store.quotaUse(account)
      #expect(use.messages == 2)
      #expect(try await store.recount(account) == use)
    }
  }

  @Test("Deliveries at once never pass the limit together")
  func concurrent() async throws {
    let fixture = Fixture()
    try await fixture.withStore {
      $0.quotaWarningPercent = 0
    } _: { store in
      let account = fixture.account(quota: QuotaLimit(messages: 10))
      let accepted = await withTaskGroup(of: Bool.self) { group in
        for number in 0..<40 {
          group.addTask { (try? await store.deliver(.bytes(message(number)), to: account)) != nil }
        }
        return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
      }
      #expect(accepted == 10)
      #expect(FileSystem.names(fixture.maildir() + "/new").count == 10)
    }
  }

  @Test(
    "A maildirsize whose numbers make no sense is counted anew",
    arguments: [
      "0 -9223372036854775808", "-9223372036854775808 0", "9223372036854775807 1\n9223372036854775807 1",
      "72057594037927936 1", "1 1099511627776", "-1 -1", "1", "1 2 3", "x y",
    ])
  func senseless(lines: String) async throws {
    #expect(QuotaLedger.parse(Array("0S\n\(lines)\n".utf8)).map { $0.use.bytes >= 0 } != true)
    let fixture = Fixture()
    try await fixture.withStore { store in
      let account = fixture.account(quota: QuotaLimit(bytes: 1_000_000))
      _ = try await store.deliver(.bytes(message(1)), to: account)
      let use = try await store.quotaUse(account)
      try put(fixture.maildir() + "/maildirsize", Array("1000000S\n\(lines)\n".utf8))
      #expect(try await store.quotaUse(account) == use)
      #expect(try await store.fits(account, bytes: 10))
    }
  }

  @Test("Other programs' lines in maildirsize count; a broken file is counted anew")
  func shared() async throws {
    let fixture = Fixture()
    try await fixture.withStore { store in
      let account = fixture.account(quota: QuotaLimit(bytes: 1_000_000))
      _ = try await store.deliver(.bytes(message(1)), to: account)
      let path = fixture.maildir() + "/maildirsize"
      let bytes = try FileSystem.contents(path, limit: 9999) ?? []
      try put(path, bytes + Array("5000 2\n".utf8))
      let use = try await store.quotaUse(account)
      #expect(use.messages == 3)
      #expect(use.bytes == Int64(message(1).count) + 5000)
      try put(path, Array("nonsense\n1 x\n".utf8))
      #expect(try await store.quotaUse(account) == QuotaUse(bytes: Int64(message(1).count), messages: 1))
      // Over quota by a sum of several lines is counted again before it is believed.
      let good = try FileSystem.contents(path, limit: 9999) ?? []
      try put(path, good + Array("5000000 2\n".utf8))
      #expect(try await store.fits(account, bytes: 100))
      for number in 0..<400 { _ = try await store.deliver(.bytes(message(number)), to: account) }
      #expect((FileSystem.facts(path)?.size ?? 9999) < 5120)
      #expect(try await store.quotaUse(account).messages == 401)
      #expect(try await store.recount(account) == store.quotaUse(account))
    }
  }

  @Test("At 90 percent the owner gets one message, and no second within a day")
  func warning() async throws {
    let time = ManualTime()
    let fixture = Fixture(time: time)
    try await fixture.withStore { store in
      let account = fixture.account(quota: QuotaLimit(messages: 10))
      for number in 0..<8 { _ = try await store.deliver(.bytes(message(number)), to: account) }
      #expect(FileSystem.names(fixture.maildir() + "/new").count == 8)
      _ = try await store.deliver(.bytes(message(8)), to: account)
      #expect(FileSystem.names(fixture.maildir() + "/new").count == 10)
      let inbox = try await store.mailbox(account, name: .inbox)
      let hits = try await inbox.search(.header(name: "Subject", text: "90 percent full"), among: Array(1...10))
      #expect(hits.count == 1)
      _ = try await inbox.remove([1, 2])
      _ = try await store.deliver(.bytes(message(10)), to: account)
      #expect(try await inbox.snapshot().messages.count == 9)
      _ = try await inbox.remove([3, 4])
      time.advance(by: .seconds(86_400))
      for number in 0..<2 { _ = try await store.deliver(.bytes(message(number)), to: account) }
      #expect(try await inbox.snapshot().messages.count == 10)
    }
  }

  @Test("Placeholders are filled once and cannot start header lines")
  func placeholders() {
    let filled = MaildirTemplate.fill(
      "To: {address}\nX: {other} {user}\n\nhi", ["address": "a\r\nBcc: x", "user": "{address}"])
    #expect(String(decoding: filled, as: UTF8.self) == "To: aBcc: x\r\nX: {other} {address}\r\n\r\nhi")
  }
}
