import Inspection

/// What an account database says about itself without being opened for use.
package struct AccountsInspection: Sendable {
  /// An account as far as its mailbox is concerned.
  package struct Mailbox: Sendable, Hashable {
    /// `user@domain`, folded.
    package var key: String
    /// Its directory below the mail folder, for instance `example.test/alice`.
    package var directory: String
  }

  /// What was found.
  package private(set) var report = InspectionReport()
  /// The accounts; `nil` when the database cannot be read.
  package private(set) var mailboxes: [Mailbox]?

  /// The tables this build knows: the room's name and the number of its steps.
  package static let schema = (room: AccountsSchema.room, version: AccountsSchema.steps.count)

  /// Looks at a database: header, SQLite's own check, references, schema, a postmaster in every domain.
  ///
  /// Changes nothing and may run beside a server.
  ///
  /// - Parameters:
  ///   - path: the file.
  ///   - schemas: every room with tables in it, and the version this build reads.
  package init(path: String, schemas: [(room: String, version: Int)], depth: InspectionDepth) {
    let file = DatabaseFile(path: path)
    guard let size = file.size, size > 0 else {
      report.add(
        .error, path, file.size == nil ? "there is no account database" : "the account database is empty",
        remedy: "restore it from a backup; `martinet init` begins a new host")
      return
    }
    if file.headerFault == nil, file.applicationID != 0,
      file.applicationID != UInt32(bitPattern: HostDatabase.applicationID)
    {
      report.add(.error, path, "the file belongs to another program", remedy: "restore accounts.db from a backup")
      return
    }
    let remedy = "stop the server and restore accounts.db from a backup; without one, `sqlite3 accounts.db .recover`"
    guard let database = report.inspectDatabase(path, remedy: remedy, depth: depth) else { return }
    do {
      try checkReferences(database, path)
      guard try checkSchema(database, path, schemas) else { return }
      try checkPostmasters(database, path)
      var found: [Mailbox] = []
      try database.forEach("SELECT key, directory FROM account ORDER BY directory") { row in
        found.append(Mailbox(key: row.text(0), directory: row.text(1)))
      }
      mailboxes = found
    } catch {
      report.add(.error, path, "\(error)", remedy: remedy)
    }
  }

  private mutating func checkReferences(_ database: ReadOnlyDatabase, _ path: String) throws {
    var faults: [String] = []
    try database.forEach("PRAGMA foreign_key_check") { row in
      guard faults.count < 20 else { return }
      faults.append("a row of \(row.text(0)) refers to a row of \(row.text(2)) that is not there")
    }
    for fault in faults {
      report.add(.error, path, fault, remedy: "restore accounts.db from a backup, or remove the row with sqlite3")
    }
  }

  /// Whether the tables can be asked.
  private mutating func checkSchema(
    _ database: ReadOnlyDatabase, _ path: String, _ schemas: [(room: String, version: Int)]
  ) throws -> Bool {
    var stored: [String: Int] = [:]
    try database.forEach("SELECT room, version FROM schema_version") { row in
      stored[row.text(0)] = Int(row.integer(1))
    }
    var isReadable = true
    for schema in schemas {
      let version = stored.removeValue(forKey: schema.room) ?? 0
      if version > schema.version {
        report.add(
          .error, path, "the tables of \(schema.room) have version \(version), this martinet reads \(schema.version)",
          remedy: "install the newer martinet that wrote them")
        isReadable = false
      } else if version < schema.version {
        report.add(
          .note, path, "the tables of \(schema.room) have version \(version) of \(schema.version)",
          remedy: "they are brought up to date at the next start")
        if version == 0 { isReadable = false }
      }
    }
    for room in stored.keys.sorted() {
      report.add(
        .error, path, "there are tables of \(room), which this martinet does not know",
        remedy: "install the newer martinet that wrote them")
    }
    return isReadable
  }

  private mutating func checkPostmasters(_ database: ReadOnlyDatabase, _ path: String) throws {
    let without = try database.texts(
      """
      SELECT name FROM domain WHERE NOT EXISTS (
        SELECT 1 FROM account WHERE domain_id = domain.id AND local_part = 'postmaster') ORDER BY name
      """)
    for domain in without {
      report.add(
        .error, path, "the domain \(domain) has no postmaster (RFC 5321 section 4.5.1)",
        remedy: "martinet account add postmaster%\(domain) --random")
    }
  }
}
