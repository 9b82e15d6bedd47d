import Basics
import DNSResolver
import Logging
import MailLog
import MailQueue
import MailStore
import MailSyntax
import Testing

@testable import Delivery

#if canImport(Glibc)
  import Glibc
#endif

/// A delivery with doubles around it and a real queue in a folder of its own.
final class House {
  let folder: String
  let time = ManualTime()
  let directory = FakeDirectory()
  let store = FakeStore()
  let resolver = StaticResolver()
  let transport = FakeTransport()
  let queue: MailQueue
  let delivery: Delivery
  let journal: MailLog
  private var running: Task<Void, Never>?

  init(
    resolver other: (any Resolving)? = nil, transport network: (any MailTransport)? = nil,
    _ change: (inout DeliverySettings) -> Void = { _ in }
  ) throws {
    var template = Array("/tmp/martinet-delivery-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw QueueError.storage("mkdtemp") }
    folder = String(decoding: template.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    // HOUSE_LOG=1 shows what delivery says, for a test that fails now and then.
    let log = Logger(label: "test") { label -> any LogHandler in
      if getenv("HOUSE_LOG") != nil { return StreamLogHandler.standardError(label: label) }
      return SwiftLogNoOpLogHandler()
    }
    var queueSettings = MailQueueSettings(directory: folder)
    queueSettings.fileThreads = 2
    queue = try MailQueue(settings: queueSettings, role: .server, time: time, log: log)
    var settings = DeliverySettings(hostname: "mail.example.test")
    settings.srsKey = Array("a key of some length for tests".utf8)
    // The tests' clock stands still: nobody would ever wait to the end of a second.
    settings.connectionRate = 0
    change(&settings)
    journal = try MailLog(path: folder + "/log.db", time: time, log: log)
    delivery = Delivery(
      settings: settings, directory: directory, store: store,
      mailAccount: { MailAccount(key: $0.key, directory: "/nowhere/\($0.directory)") }, queue: queue,
      resolver: other ?? resolver, transport: network ?? transport, journal: journal, time: time, log: log)
    try directory.mailbox("postmaster@example.test")
    try directory.mailbox("alice@example.test")
    try directory.mailbox("bob@example.test")
  }

  deinit {
    running?.cancel()
    for name in ["queue.db", "queue.db-wal", "queue.db-shm", "lock", "log.db", "log.db-wal", "log.db-shm"] {
      unlink("\(folder)/\(name)")
    }
    if let listing = opendir("\(folder)/messages") {
      while let entry = readdir(listing) {
        let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        unlink("\(folder)/messages/\(name)")
      }
      closedir(listing)
    }
    rmdir("\(folder)/messages")
    rmdir(folder)
  }

  func start() {
    let delivery = delivery
    running = Task { await delivery.run() }
  }

  /// A server for a domain at an address, by MX.
  func server(_ domain: String, _ address: String, _ server: FakeTransport.Server = .init()) {
    resolver.setMX(domain, [(10, "mx.\(domain)")])
    resolver.setAddresses("mx.\(domain)", [address])
    transport.set(address, server)
  }

  func message(
    from sender: String? = "alice@example.test", to recipients: [String], body: String = "Subject: hi\r\n\r\nhello\r\n",
    _ change: (inout AcceptedMessage) -> Void = { _ in }
  ) throws -> AcceptedMessage {
    var message = AcceptedMessage(
      id: delivery.newID(), sender: try sender.map { try EmailAddress($0) },
      recipients: try recipients.map { AcceptedRecipient(try EmailAddress($0)) },
      content: .bytes(Array(body.utf8)), trace: Array("Received: from here\r\n\tby there; now\r\n".utf8))
    change(&message)
    return message
  }

  /// Gives a message up for delivery; the refusal's text when it was not taken.
  func refusal(_ message: AcceptedMessage) async -> String? {
    do throws(DeliveryRefusal) {
      _ = try await delivery.accept(message)
      return nil
    } catch {
      return error.reply.text
    }
  }

  /// Waits, on the real clock, for something another task does.
  func eventually(
    _ what: Comment? = nil, within seconds: Int = 10, at location: SourceLocation = #_sourceLocation,
    _ condition: () async throws -> Bool
  ) async throws {
    for _ in 0..<(seconds * 100) {
      if try await condition() { return }
      try await Task.sleep(for: .milliseconds(10))
    }
    Issue.record(what ?? "did not happen in time", sourceLocation: location)
  }

  /// The only recipient of the only message.
  func onlyRecipient() async throws -> QueuedRecipient? { try await queue.list().first?.recipients.first }
}
