import Basics
import Glibc
import Logging
import Testing

@testable import MailStore

/// A store over a directory of its own, removed at the end.
final class Fixture: Sendable {
  let root: String
  let time: any TimeSource

  init(time: any TimeSource = SystemTime()) {
    root = "/tmp/martinet-store-\(getpid())-\(UInt64.random(in: 0...UInt64.max))"
    self.time = time
    try? FileSystem.makePath(root)
  }

  deinit { try? FileSystem.removeTree(root) }

  func account(_ user: String = "alice", quota: QuotaLimit = .unlimited) -> MailAccount {
    MailAccount(key: "\(user)@example.test", directory: "\(root)/example.test/\(user)", quota: quota)
  }

  func store(
    observer: (@Sendable (DurableStep, String) -> Void)? = nil, _ change: (inout MailStoreSettings) -> Void = { _ in }
  ) throws -> MailStore {
    var settings = MailStoreSettings(hostname: "mail.example.test")
    settings.fileThreads = 8
    settings.indexThreads = 4
    change(&settings)
    var log = Logger(label: "test")
    log.logLevel = .critical
    return try MailStore(settings: settings, time: time, log: log, observer: observer)
  }

  /// Runs a body with a store that is closed behind it.
  func withStore<T>(
    _ change: (inout MailStoreSettings) -> Void = { _ in }, _ body: (MailStore) async throws -> T
  ) async throws -> T {
    let store = try store(change)
    do {
      let result = try await body(store)
      await store.close()
      return result
    } catch {
      await store.close()
      throw error
    }
  }

  func maildir(_ user: String = "alice") -> String { account(user).directory + "/Maildir" }
}

/// A small message with CRLF line ends.
func message(_ number: Int, body: String = "Hello.\r\n") -> [UInt8] {
  Array(
    """
    From: Bob <bob@example.test>\r
    To: alice@example.test\r
    Subject: Message \(number)\r
    Date: Sun, 22 Nov 2026 04:35:29 +0000\r
    Message-ID: <\(number)@example.test>\r
    \r

    """.utf8) + Array(body.utf8)
}

/// Writes a file as another Maildir program would.
func put(_ path: String, _ bytes: [UInt8]) throws { try FileSystem.replace(path, with: bytes, durable: false) }

/// Waits until a condition holds, for five seconds at most.
func eventually(_ condition: () async throws -> Bool) async throws -> Bool {
  for _ in 0..<500 {
    if try await condition() { return true }
    try await Task.sleep(for: .milliseconds(10))
  }
  return false
}
