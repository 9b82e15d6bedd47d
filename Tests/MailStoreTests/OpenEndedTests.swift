import Glibc
import Testing

@testable import MailStore

@Suite struct OpenEndedTests {
  @Test("R61: a message that does not end with a line end is listed for POP3 with the one that RETR adds")
  func listed() async throws {
    let fixture = Fixture()
    let open = message(1, body: "no end")
    try await fixture.withStore { store in
      let inbox = try await store.mailbox(fixture.account(), name: .inbox)
      _ = try await inbox.append([NewMessage(content: .bytes(open)), NewMessage(content: .bytes(message(2)))])
      try put(fixture.maildir() + "/cur/1700000000.foreign.host:2,S", open)
      try put(fixture.maildir() + "/cur/1700000001.told.host,S=\(open.count),W=\(open.count):2,S", open)
      let sizes = [open.count + 2, message(2).count, open.count + 2, open.count + 2]
      #expect(try await inbox.popListing().map(\.size) == sizes)
      // IMAP counts what is there.
      let exact = [open.count, message(2).count, open.count, open.count]
      #expect(try await inbox.measuredSnapshot().messages.map(\.size) == exact)
      // A copy is listed like its original.
      _ = try await inbox.copy([1], to: inbox)
      #expect(try await inbox.popListing().last?.size == open.count + 2)
    }
    for suffix in ["", "-wal", "-shm", ".backup"] { unlink(fixture.account().directory + "/index.db" + suffix) }
    try await fixture.withStore { store in
      let inbox = try await store.mailbox(fixture.account(), name: .inbox)
      let sizes = try await inbox.popListing().map(\.size).sorted()
      #expect(sizes == [message(2).count, open.count + 2, open.count + 2, open.count + 2, open.count + 2].sorted())
    }
  }
}
