import GRDBSQLite
import Glibc
import Testing

@testable import Inspection

/// A database in a folder of its own, in WAL mode.
private final class Sample {
  let folder: String
  var path: String { folder + "/sample #1?.db" }

  init() throws {
    folder = "/tmp/martinet-inspection-\(getpid())-\(UInt64.random(in: 0...UInt64.max))"
    #expect(mkdir(folder, 0o700) == 0)
  }

  deinit {
    for name in names { unlink("\(folder)/\(name)") }
    rmdir(folder)
  }

  var names: [String] {
    guard let directory = opendir(folder) else { return [] }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      if name != ".", name != ".." { names.append(name) }
    }
    return names.sorted()
  }

  /// Fills it; with `keepsLog` the connection stays open, so that the log is not brought home.
  func fill(keepsLog: Bool) throws -> OpaquePointer? {
    var handle: OpaquePointer?
    try #require(sqlite3_open(path, &handle) == SQLITE_OK)
    let rows = (0..<200).map { "(\($0), '\(String(repeating: "x", count: 400))')" }.joined(separator: ",")
    let sql =
      "PRAGMA journal_mode=WAL; CREATE TABLE t(id INTEGER PRIMARY KEY, text TEXT NOT NULL); INSERT INTO t VALUES \(rows)"
    try #require(sqlite3_exec(handle, sql, nil, nil, nil) == SQLITE_OK)
    if keepsLog { return handle }
    sqlite3_close(handle)
    return nil
  }

  func overwrite(at offset: Int, count: Int) throws {
    let descriptor = open(path, O_WRONLY)
    try #require(descriptor >= 0)
    defer { close(descriptor) }
    let noise = [UInt8](repeating: 0xa5, count: count)
    #expect(pwrite(descriptor, noise, count, off_t(offset)) == count)
  }

  func bytes() throws -> [UInt8] {
    let descriptor = open(path, O_RDONLY)
    try #require(descriptor >= 0)
    defer { close(descriptor) }
    var all = [UInt8](repeating: 0, count: 1 << 20)
    let count = read(descriptor, &all, all.count)
    return Array(all.prefix(max(0, count)))
  }

  func inspect(_ depth: InspectionDepth = InspectionDepth()) -> (report: InspectionReport, rows: Int64?) {
    var report = InspectionReport()
    let database = report.inspectDatabase(path, remedy: "restore it", depth: depth)
    return (report, try? database?.integer("SELECT count(*) FROM t"))
  }
}

@Suite struct DatabaseInspectionTests {
  @Test("A sound database gives nothing, and its folder stays as it was")
  func sound() throws {
    let sample = try Sample()
    _ = try sample.fill(keepsLog: false)
    let (names, bytes) = (sample.names, try sample.bytes())
    let (report, rows) = sample.inspect()
    #expect(report.findings.isEmpty)
    #expect(rows == 200)
    #expect(sample.names == names)
    #expect(try sample.bytes() == bytes)
  }

  @Test("What only the log holds is read, and the log is not brought home", arguments: [false, true])
  func log(isServing: Bool) throws {
    let sample = try Sample()
    let writer = try sample.fill(keepsLog: true)
    defer { sqlite3_close(writer) }
    let bytes = try sample.bytes()
    let (report, rows) = sample.inspect(InspectionDepth(isServing: isServing))
    #expect(report.findings.isEmpty)
    #expect(rows == 200)
    #expect(try sample.bytes() == bytes)
  }

  @Test("A damaged beginning is found although the log covers it, and stays as it is")
  func covered() throws {
    let sample = try Sample()
    let writer = try sample.fill(keepsLog: true)
    defer { sqlite3_close(writer) }
    try sample.overwrite(at: 0, count: 4096)
    let bytes = try sample.bytes()
    let report = sample.inspect().report
    #expect(report.findings.map(\.severity) == [.error])
    #expect(report.findings.first?.problem.contains("does not begin as a database does") == true)
    #expect(try sample.bytes() == bytes)
  }

  @Test("Damage inside, a cut end and a file that is no database are found")
  func damage() throws {
    for damage in 0..<3 {
      let sample = try Sample()
      _ = try sample.fill(keepsLog: false)
      switch damage {
      case 0: try sample.overwrite(at: 5 * 4096, count: 2000)
      case 1: #expect(truncate(sample.path, 10_000) == 0)
      default: try sample.overwrite(at: 0, count: 10)
      }
      let report = sample.inspect().report
      #expect(!report.isSound, "damage \(damage)")
      #expect(report.findings.allSatisfy { $0.remedy == "restore it" })
    }
  }

  @Test("A file that is not there or cannot be read says so in one line")
  func missing() throws {
    let sample = try Sample()
    let report = sample.inspect().report
    #expect(report.findings.count == 1)
    #expect(sample.names.isEmpty)
  }

  @Test("A report that is full still counts, and is not sound")
  func full() {
    var report = InspectionReport()
    for number in 0..<InspectionReport.most { report.add(.note, "\(number)", "x", remedy: "y") }
    #expect(report.isSound)
    report.add(.error, "one more", "x", remedy: "y")
    #expect(report.findings.count == InspectionReport.most)
    #expect(report.unlisted == 1)
    #expect(!report.isSound)
    var whole = InspectionReport()
    whole.add(report)
    #expect(!whole.isSound)
    #expect(whole.unlisted == 1)
  }
}
