import GRDB

/// One numbered step of a room's schema; its number is its place in the list handed to ``HostDatabase/migrate(_:_:)``.
package struct MigrationStep: Sendable {
  /// What the step brings, for error messages.
  package let name: String
  let apply: @Sendable (Database) throws -> Void

  /// A step in plain SQL, one or more statements.
  package init(_ name: String, sql: String) {
    self.name = name
    apply = { try $0.execute(sql: sql) }
  }

  /// A step that needs code.
  package init(_ name: String, apply: @escaping @Sendable (Database) throws -> Void) {
    self.name = name
    self.apply = apply
  }
}

extension HostDatabase {
  /// Brings a room's tables up to the last step, all missing steps in one transaction.
  ///
  /// A database that is up to date is only read, so that a host with a full disk still starts.
  ///
  /// - Parameters:
  ///   - room: the room's name; each room counts its own steps.
  ///   - steps: every step since the first; never reordered, never changed once released.
  /// - Throws: ``HostDatabaseError`` with code `newerVersion` when the file knows more steps than this program.
  package func migrate(_ room: String, _ steps: [MigrationStep]) throws {
    do {
      let current = try pool.read { try Self.version(of: room, in: $0) }
      if current == steps.count { return }
      try checkKnown(current, of: room, steps: steps.count)
      try pool.write { database in
        try database.execute(
          sql: "CREATE TABLE IF NOT EXISTS schema_version(room TEXT PRIMARY KEY NOT NULL, version INTEGER NOT NULL)")
        // Another process may have been faster between the read above and this transaction.
        let version = try Self.version(of: room, in: database)
        try checkKnown(version, of: room, steps: steps.count)
        for step in steps[version...] { try step.apply(database) }
        try database.execute(
          sql:
            "INSERT INTO schema_version(room, version) VALUES (?, ?) ON CONFLICT DO UPDATE SET version = excluded.version",
          arguments: [room, steps.count])
        try database.execute(sql: "PRAGMA application_id = \(Self.applicationID)")
      }
    } catch {
      throw HostDatabaseError(wrapping: error, path: path)
    }
  }

  private func checkKnown(_ version: Int, of room: String, steps: Int) throws {
    guard version <= steps else {
      throw HostDatabaseError(
        .newerVersion, path: path,
        text: "was written by a newer version of Martinet (\(room) \(version), this program knows \(steps))")
    }
  }

  private static func version(of room: String, in database: Database) throws -> Int {
    guard try database.tableExists("schema_version") else { return 0 }
    return try Int.fetchOne(database, sql: "SELECT version FROM schema_version WHERE room = ?", arguments: [room]) ?? 0
  }
}
