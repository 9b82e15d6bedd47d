import GRDB

#if canImport(Glibc)
  import Glibc
#endif

extension MailQueue {
  /// One thing in the spool that is not as it should be.
  package struct Finding: Sendable, Hashable {
    /// The file it is about.
    package var path: String
    /// What is wrong.
    package var problem: String
    /// What would mend it.
    package var remedy: String
  }

  /// Looks at the queue's database and at the file behind every row; changes nothing and may run beside the server.
  ///
  /// - Returns: the number of messages and what was found.
  /// - Throws: ``QueueError`` or a database error when the queue cannot be read at all.
  package func verify() async throws -> (messages: Int, findings: [Finding]) {
    let database = pool.path
    let faults = try await pool.read { try String.fetchAll($0, sql: "PRAGMA integrity_check(100)") }
    var findings = faults.filter { $0 != "ok" }.map { fault in
      Finding(
        path: database, problem: fault, remedy: "stop the server and move the file aside: it is rebuilt from the spool")
    }
    let messages = try await list()
    for message in messages {
      guard case .file(let path, let size) = content(of: message) else { continue }
      var info = stat()
      if stat(path, &info) != 0 {
        // A message that was delivered since the list was read is no fault.
        if (try? await show(message.id)) == nil { continue }
        findings.append(
          Finding(
            path: path,
            problem: "the file of queued message \(message.id) cannot be read: \(String(cString: strerror(errno)))",
            remedy: "martinet queue rm \(message.id) --yes; its sender should send it again"))
      } else if Int(info.st_size) < size {
        findings.append(
          Finding(
            path: path, problem: "message \(message.id) has \(info.st_size) octets on disk, but \(size) were accepted",
            remedy: "martinet queue rm \(message.id) --yes; its sender should send it again"))
      }
    }
    return (messages.count, findings)
  }
}
