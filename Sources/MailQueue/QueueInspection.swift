import Basics
import Glibc
import Inspection

/// What a spool says about itself without being opened for use.
package struct QueueInspection: Sendable {
  /// What was found.
  package private(set) var report = InspectionReport()
  /// Messages in the queue.
  package private(set) var messages = 0
  private let folder: SpoolFolder
  private let oldest: Timestamp
  private let depth: InspectionDepth

  /// Looks at the queue's database, the file behind every row, and the row behind every file.
  ///
  /// Changes nothing and may run beside a server.
  package init(settings: MailQueueSettings, now: Timestamp, depth: InspectionDepth) {
    folder = SpoolFolder(directory: settings.directory)
    oldest = now - settings.orphanAge
    self.depth = depth
    let path = settings.directory + "/queue.db"
    guard let names = try? folder.names() else {
      report.add(.note, folder.path, "there is no folder for messages", remedy: "it is made at the next start")
      return
    }
    guard let size = DatabaseFile(path: path).size, size > 0 else {
      guard !names.isEmpty else { return }
      report.add(
        .error, path, "the queue's database is missing, but \(names.count) messages lie in \(folder.path)",
        remedy: "start the server: it takes them over from their files")
      return
    }
    let remedy = "restart the server: it puts queue.db aside and takes the messages over from their files"
    guard let database = report.inspectDatabase(path, remedy: remedy, depth: depth) else { return }
    do {
      try check(database, names: names)
    } catch {
      report.add(.error, path, "\(error)", remedy: remedy)
    }
  }

  private mutating func check(_ database: ReadOnlyDatabase, names: [String]) throws {
    var sizes: [String: Int64] = [:]
    try database.forEach("SELECT id, size FROM message") { row in sizes[row.text(0)] = row.integer(1) }
    messages = sizes.count
    for (id, size) in sizes.sorted(by: { $0.key < $1.key }) {
      guard let problem = fault(of: id, size: size) else { continue }
      // One that was delivered since the rows were read is no fault.
      guard try database.integer("SELECT count(*) FROM message WHERE id = '\(Self.quoted(id))'") != 0 else { continue }
      report.add(
        .error, folder.file(id), problem,
        remedy: "martinet queue rm \(id) --yes; its sender should send it again")
    }
    let own = Set(try database.texts("SELECT id FROM generation"))
    for name in names.sorted() where sizes[name] == nil { checkStranger(name, own) }
    let lost = try database.integer(
      "SELECT count(*) FROM message WHERE NOT EXISTS (SELECT 1 FROM recipient WHERE message = message.number)")
    if let lost, lost > 0 {
      report.add(
        .warning, folder.path, "\(lost) queued messages have no recipients", remedy: "martinet queue list, queue rm")
    }
  }

  /// What is wrong with the file of a queued message.
  private func fault(of id: String, size: Int64) -> String? {
    var facts = stat()
    guard stat(folder.file(id), &facts) == 0 else {
      return "the file of queued message \(id) cannot be read: \(String(cString: strerror(errno)))"
    }
    if Int64(facts.st_size) < size {
      return "queued message \(id) has \(facts.st_size) octets on disk, but \(size) were accepted"
    }
    guard let trailer = folder.trailer(id), Int64(trailer.message.size) == size else {
      return "the file of queued message \(id) does not end with its envelope"
    }
    return nil
  }

  private mutating func checkStranger(_ name: String, _ generations: Set<String>) {
    // Gone since the folder was listed, or so young that its row is being written.
    guard let changed = folder.changed(name), !(depth.isServing && changed > oldest) else { return }
    let path = folder.file(name)
    guard let trailer = folder.trailer(name) else {
      report.add(
        changed > oldest ? .note : .warning, path, "a file without a row, not whole: it was never acknowledged",
        remedy: "the server removes it")
      return
    }
    if generations.contains(trailer.generation) {
      report.add(
        changed > oldest ? .note : .warning, path,
        "a file without a row: delivered already, or never acknowledged", remedy: "the server removes it")
    } else {
      report.add(
        .warning, path, "a message for \(trailer.message.recipients.count) recipients that the database does not know",
        remedy: "restart the server: it takes the message over; or remove the file")
    }
  }

  private static func quoted(_ text: String) -> String {
    text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "''")
  }
}
