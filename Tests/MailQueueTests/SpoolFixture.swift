import Basics
import Logging

@testable import MailQueue

#if canImport(Glibc)
  import Glibc
#endif

/// A spool in a folder of its own that goes with it.
final class SpoolFixture {
  let directory: String
  let time = ManualTime()
  let log = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
  var settings: MailQueueSettings

  init() throws {
    var template = Array("/tmp/martinet-queue-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw QueueError.storage("mkdtemp") }
    directory = String(decoding: template.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    settings = MailQueueSettings(directory: directory + "/queue")
    settings.orphanAge = .zero
    settings.fileThreads = 4
  }

  deinit { remove(directory) }

  func open(_ role: MailQueue.Role = .server) throws -> MailQueue {
    try MailQueue(settings: settings, role: role, time: time, log: log)
  }

  func message(
    _ queue: MailQueue, to recipients: [String] = ["bob@example.org"], body: String = "Subject: hi\r\n\r\nhello\r\n",
    mailClass: MailClass = .normal
  ) -> SpoolMessage {
    SpoolMessage(
      id: queue.newID(), sender: "alice@example.test",
      recipients: recipients.map { address in
        SpoolRecipient(address: address, destination: String(address.split(separator: "@").last ?? ""))
      }, content: .bytes(Array(body.utf8)), mailClass: mailClass)
  }

  var messageFiles: [String] { ((try? SpoolFolder(directory: settings.directory).names()) ?? []).sorted() }

  func removeDatabase() { for suffix in ["", "-wal", "-shm"] { unlink(settings.directory + "/queue.db" + suffix) } }

  private func remove(_ path: String) {
    if let folder = opendir(path) {
      while let entry = readdir(folder) {
        let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        if name != ".", name != ".." { remove(path + "/" + name) }
      }
      closedir(folder)
      rmdir(path)
    } else {
      unlink(path)
    }
  }
}

/// The octets of a queued message, as a remote server would get them.
func octets(_ content: MessageContent) -> [UInt8] {
  switch content {
  case .bytes(let bytes): return bytes
  case .file(let path, let size):
    guard let file = fopen(path, "r") else { return [] }
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: size)
    let count = fread(&bytes, 1, size, file)
    return Array(bytes.prefix(count))
  }
}
