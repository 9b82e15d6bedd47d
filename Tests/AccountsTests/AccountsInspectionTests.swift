import GRDB
import Inspection
import Testing

@testable import Accounts

#if canImport(Glibc)
  import Glibc
#endif

@Suite struct AccountsInspectionTests {
  private func inspect(_ path: String, schema: Int = AccountsSchema.steps.count) -> AccountsInspection {
    AccountsInspection(path: path, schemas: [(AccountsSchema.room, schema)], depth: InspectionDepth())
  }

  /// A house whose database is closed, after a last change in plain SQL.
  private func closed(_ sql: String = "") async throws -> House {
    let house = try House()
    try await house.settle()
    let database = house.accounts.database
    if !sql.isEmpty {
      try await database.pool.writeWithoutTransaction { db in
        try db.execute(sql: "PRAGMA foreign_keys = OFF")
        try db.execute(sql: sql)
      }
    }
    try database.close()
    return house
  }

  @Test("A sound database gives nothing but its accounts")
  func sound() async throws {
    let house = try await closed()
    let found = inspect(house.path)
    #expect(found.report.findings.isEmpty)
    #expect(found.mailboxes?.map(\.key) == ["alice@example.test", "bob@example.test", "postmaster@example.test"])
    #expect(found.mailboxes?.first?.directory == "example.test/alice")
  }

  @Test(
    "Faults in the rows are found, and each has a remedy",
    arguments: [
      ("DELETE FROM account WHERE local_part = 'postmaster'", "has no postmaster"),
      ("UPDATE account SET domain_id = 99 WHERE local_part = 'bob'", "refers to a row of domain"),
      ("UPDATE schema_version SET version = 99 WHERE room = 'accounts'", "have version 99"),
      ("INSERT INTO schema_version VALUES('calendar', 1)", "tables of calendar"),
    ])
  func rows(sql: String, problem: String) async throws {
    let house = try await closed("DROP TRIGGER postmaster_stays; DROP TRIGGER account_keeps_its_name; " + sql)
    let report = inspect(house.path).report
    #expect(!report.isSound)
    #expect(report.findings.contains { $0.severity == .error && $0.problem.contains(problem) && !$0.remedy.isEmpty })
  }

  @Test("A missing, empty, foreign or damaged file is one error; nothing is made or mended")
  func files() async throws {
    let house = try await closed()
    let missing = house.directory + "/other.db"
    #expect(inspect(missing).report.findings.map(\.severity) == [.error])
    #expect(access(missing, F_OK) != 0)
    close(creat(missing, 0o600))
    #expect(inspect(missing).report.findings.map(\.severity) == [.error])

    let foreign = try DatabaseQueue(path: house.directory + "/foreign.db")
    try await foreign.write { db in try db.execute(sql: "PRAGMA application_id = 7; CREATE TABLE t(x)") }
    try foreign.close()
    let report = inspect(house.directory + "/foreign.db").report
    #expect(report.findings.first?.problem.contains("another program") == true)

    let descriptor = open(house.path, O_WRONLY)
    try #require(descriptor >= 0)
    let noise = [UInt8](repeating: 0xa5, count: 4096)
    for page in 1..<8 { #expect(pwrite(descriptor, noise, noise.count, off_t(page * 4096)) == noise.count) }
    close(descriptor)
    // What the log still holds covers the damage; without it there is nothing to hide behind.
    unlink(house.path + "-wal")
    unlink(house.path + "-shm")
    let damaged = inspect(house.path)
    #expect(!damaged.report.isSound)
    #expect(damaged.mailboxes == nil)
  }
}
