import Basics
import GRDB
import Inspection
import Testing

@testable import MailQueue

#if canImport(Glibc)
  import Glibc
#endif

@Suite struct QueueInspectionTests {
  /// A spool with messages, closed.
  private func prepared(_ count: Int = 3) async throws -> (SpoolFixture, [String]) {
    let fixture = try SpoolFixture()
    let queue = try fixture.open()
    var ids: [String] = []
    for _ in 0..<count {
      let message = fixture.message(queue)
      try await queue.enqueue(message)
      ids.append(message.id)
    }
    try queue.close()
    return (fixture, ids)
  }

  private func inspect(_ fixture: SpoolFixture, isServing: Bool = false) -> QueueInspection {
    QueueInspection(settings: fixture.settings, now: .systemNow, depth: InspectionDepth(isServing: isServing))
  }

  private func file(_ fixture: SpoolFixture, _ name: String) -> String {
    "\(fixture.settings.directory)/messages/\(name)"
  }

  @Test("A sound spool gives nothing, and its folder stays as it was")
  func sound() async throws {
    let (fixture, _) = try await prepared()
    let found = inspect(fixture)
    #expect(found.report.findings.isEmpty)
    #expect(found.messages == 3)
    #expect(fixture.messageFiles.count == 3)
  }

  @Test("Beside the process that delivers, what it is just writing is no fault")
  func beside() async throws {
    let fixture = try SpoolFixture()
    fixture.settings.orphanAge = .seconds(600)
    let queue = try fixture.open()
    try await queue.enqueue(fixture.message(queue))
    try TestFile.write("half a message", to: file(fixture, "0123456789.tmp"))
    let found = inspect(fixture, isServing: true)
    #expect(found.report.findings.isEmpty)
    #expect(found.messages == 1)
    try queue.close()
  }

  @Test("A row without its file, and a file that is cut, are errors that name the message")
  func files() async throws {
    let (fixture, ids) = try await prepared()
    unlink(file(fixture, ids[0]))
    #expect(truncate(file(fixture, ids[1]), 5) == 0)
    #expect(truncate(file(fixture, ids[2]), 30) == 0)
    let found = inspect(fixture).report.findings
    #expect(found.map(\.severity) == [.error, .error, .error])
    for id in ids {
      #expect(found.contains { $0.problem.contains(id) && $0.remedy.contains("martinet queue rm \(id)") })
    }
    #expect(found.contains { $0.problem.contains("cannot be read") })
    #expect(found.contains { $0.problem.contains("has 5 octets on disk") })
    #expect(found.contains { $0.problem.contains("does not end with its envelope") })
  }

  @Test("A file without a row is named: left over, of another database, or no message at all")
  func strangers() async throws {
    let (fixture, ids) = try await prepared()
    let queue = try fixture.open()
    try await queue.pool.write { db in try db.execute(sql: "DELETE FROM message WHERE id = ?", arguments: [ids[0]]) }
    try queue.close()
    let (other, foreign) = try await prepared(4)
    #expect(rename(file(other, foreign[3]), file(fixture, foreign[3])) == 0)
    try TestFile.write("no message", to: file(fixture, "junk"))
    let found = inspect(fixture).report
    #expect(!found.isSound)
    #expect(found.findings.map(\.severity) == [.warning, .warning, .warning])
    #expect(found.findings.contains { $0.path.hasSuffix(ids[0]) && $0.problem.contains("delivered already") })
    #expect(found.findings.contains { $0.path.hasSuffix(foreign[3]) && $0.problem.contains("does not know") })
    #expect(found.findings.contains { $0.path.hasSuffix("junk") && $0.problem.contains("not whole") })
  }

  @Test("A damaged or lost database is an error, and is not replaced by looking at it", arguments: [false, true])
  func database(isLost: Bool) async throws {
    let (fixture, _) = try await prepared()
    let path = fixture.settings.directory + "/queue.db"
    if isLost {
      fixture.removeDatabase()
    } else {
      try TestFile.write(String(repeating: "noise", count: 2000), to: path)
    }
    let found = inspect(fixture).report
    #expect(found.findings.map(\.severity) == [.error])
    #expect(found.findings.first?.remedy.contains("takes") == true)
    #expect(access(path, F_OK) == (isLost ? -1 : 0))
  }
}

/// Writing a file whole.
private enum TestFile {
  static func write(_ text: String, to path: String) throws {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    try #require(descriptor >= 0)
    defer { close(descriptor) }
    #expect(Glibc.write(descriptor, Array(text.utf8), text.utf8.count) == text.utf8.count)
  }
}
