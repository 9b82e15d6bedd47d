import GRDB
import Logging
import Testing
import Wire

@testable import Accounts

#if canImport(Glibc)
  import Glibc
#endif

@Suite("The host's database file") struct HostDatabaseTests {
  @Test("commits survive a power cut: WAL with synchronous=FULL, foreign keys on")
  func pragmas() async throws {
    let house = try House()
    let pool = house.accounts.database.pool
    let found = try await pool.writeWithoutTransaction { database in
      [
        try Int.fetchOne(database, sql: "PRAGMA synchronous"), try Int.fetchOne(database, sql: "PRAGMA foreign_keys"),
        try Int.fetchOne(database, sql: "PRAGMA busy_timeout"),
      ]
    }
    #expect(found[0] == 2)
    #expect(found[1] == 1)
    #expect(found[2] == 5000)
    #expect(try await pool.read { try String.fetchOne($0, sql: "PRAGMA journal_mode") } == "wal")
  }

  @Test("the log stays when the file is closed, so that opening it on a full disk writes nothing")
  func logStays() throws {
    let house = try House()
    try house.accounts.database.close()
    func stamp() -> [Int64] {
      ["", "-wal"].map { suffix in
        var info = stat()
        guard stat(house.path + suffix, &info) == 0 else { return -1 }
        return Int64(info.st_size) << 32 ^ Int64(info.st_mtim.tv_nsec)
      }
    }
    let before = stamp()
    #expect(!before.contains(-1))
    let again = try house.neighbour()
    #expect(stamp() == before)
    try again.database.close()
  }

  @Test("nobody else may read the file")
  func mode() throws {
    let house = try House()
    var info = stat()
    #expect(stat(house.path, &info) == 0)
    #expect(info.st_mode & 0o777 == 0o600)
  }

  @Test("a file that is no database, or another program's, is refused with one line and left alone")
  func foreign() throws {
    let directory = try House.makeDirectory()
    let path = directory + "/accounts.db"
    defer {
      unlink(path)
      rmdir(directory)
    }
    let text = Array("This is not the database you are looking for.\n".utf8)
    let file = open(path, O_CREAT | O_WRONLY, 0o600)
    #expect(write(file, text, text.count) == text.count)
    close(file)
    #expect { _ = try HostDatabase(path: path) } throws: { error in
      "\(error)" == "\(path): is not a database; restore it from a backup"
    }
    var info = stat()
    #expect(stat(path, &info) == 0 && info.st_size == text.count)

    unlink(path)
    do {
      let other = try DatabaseQueue(path: path)
      try other.write { try $0.execute(sql: "CREATE TABLE t(x); PRAGMA application_id = 77") }
    }
    #expect { _ = try HostDatabase(path: path) } throws: { error in
      (error as? HostDatabaseError)?.code == .foreign
    }
  }

  @Test("a file of a newer version is refused with one line")
  func newer() throws {
    let house = try House()
    try house.accounts.database.pool.write {
      try $0.execute(sql: "UPDATE schema_version SET version = version + 1 WHERE room = 'accounts'")
    }
    #expect { _ = try house.neighbour() } throws: { error in
      (error as? HostDatabaseError)?.code == .newerVersion && "\(error)".contains("newer version of Martinet")
    }
  }

  @Test("a missing directory is one clear line")
  func missing() {
    #expect { _ = try HostDatabase(path: "/nonexistent/accounts.db") } throws: { error in
      "\(error)" == "/nonexistent/accounts.db: No such file or directory"
    }
  }

  @Test("each room counts its own steps, and opening again changes nothing")
  func migrations() throws {
    let house = try House()
    let database = house.accounts.database
    let first = MigrationStep("one", sql: "CREATE TABLE other(x INTEGER)")
    try database.migrate("other", [first])
    try database.migrate("other", [first])
    try database.migrate(
      "other", [first, MigrationStep("two") { try $0.execute(sql: "INSERT INTO other VALUES (7)") }])
    #expect(try database.pool.read { try Int.fetchOne($0, sql: "SELECT x FROM other") } == 7)
  }

  @Test("many writers share a transaction; one that fails undoes only its own changes")
  func groups() async throws {
    let house = try House()
    let database = house.accounts.database
    try database.migrate("other", [MigrationStep("one", sql: "CREATE TABLE other(x INTEGER PRIMARY KEY)")])
    let failures = await withTaskGroup(of: Bool.self) { group in
      for number in 0..<500 {
        group.addTask {
          do {
            try await database.write { database in
              try database.execute(sql: "INSERT INTO other VALUES (?)", arguments: [number])
              if number.isMultiple(of: 50) { throw AccountsError.illegalUser }
            }
            return false
          } catch {
            return (error as? AccountsError) == .illegalUser
          }
        }
      }
      return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
    }
    #expect(failures == 10)
    #expect(try await database.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM other") } == 490)
  }

  @Test("a full disk refuses changes for the time being; logins and everything that reads go on")
  func full() async throws {
    let house = try House()
    try await house.settle()
    let pool = house.accounts.database.pool
    let pages = try await pool.writeWithoutTransaction { database in
      try Int.fetchOne(database, sql: "PRAGMA page_count") ?? 0
    }
    try await pool.writeWithoutTransaction { try $0.execute(sql: "PRAGMA max_page_count = \(pages)") }
    var refused = 0
    for number in 0..<200 {
      let error = await refusal {
        try await house.accounts.addAccount(NewAccount("user\(number)@example.test", password: .none))
      }
      if error?.code == .temporary { refused += 1 }
    }
    #expect(refused > 0)
    _ = try await house.login("alice@example.test", "wonderland")
    await house.accounts.settle()
    #expect(try await house.accounts.match(recipient: address("alice@example.test")) != .noMailbox)
    try await pool.writeWithoutTransaction { try $0.execute(sql: "PRAGMA max_page_count = 1000000") }
    try await house.accounts.addAccount(NewAccount("late@example.test", password: .none))
  }

  @Test("another process that keeps the database locked makes changes wait, then fail for the time being")
  func locked() async throws {
    let house = try House()
    try await house.settle()
    var settings = HostDatabaseSettings()
    settings.busyTimeout = .milliseconds(50)
    let impatient = try Accounts(
      database: HostDatabase(path: house.path, settings: settings), time: house.time, hasher: house.hasher,
      log: Logger(label: "test"))
    var configuration = Configuration()
    configuration.allowsUnsafeTransactions = true
    let locker = try DatabaseQueue(path: house.path, configuration: configuration)
    try await locker.writeWithoutTransaction { try $0.execute(sql: "BEGIN IMMEDIATE") }
    #expect(await refusal { try await impatient.setAccount("bob@example.test", suspended: true) }?.code == .temporary)
    let alice = try await impatient.authenticate(
      login: "alice@example.test", password: Array("wonderland".utf8), service: .pop, from: House.peer)
    #expect(alice.key == "alice@example.test")
    try await locker.writeWithoutTransaction { try $0.execute(sql: "ROLLBACK") }
    try await impatient.setAccount("bob@example.test", suspended: true)
  }

  @Test("a locked or broken database is a temporary failure, never a wrong password")
  func temporary() async throws {
    let house = try House()
    try await house.settle()
    try house.accounts.database.close()
    let error = await refusal { try await house.accounts.domain("example.test") }
    #expect(error?.code == .temporary)
    await #expect(throws: LoginRefusal.temporaryFailure) {
      _ = try await house.login("alice@example.test", "wonderland")
    }
    await #expect(throws: LoginRefusal.temporaryFailure) { _ = try await house.login("nobody@example.test", "x") }
  }
}
