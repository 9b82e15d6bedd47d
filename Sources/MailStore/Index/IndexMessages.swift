/// Rows that belong to single messages.
extension Index {
  /// Gives copies the entries of their originals.
  func copyEntries(_ pairs: [(UInt32, UInt32)], from source: Int64, to target: Int64) throws {
    for (old, new) in pairs {
      for (table, columns) in [
        ("message_index", "envelope, body, structure"), ("message_keys", "keys, email_id, thread_id, preview"),
      ] {
        try database.statement(
          "INSERT OR REPLACE INTO \(table)(id, \(columns)) SELECT ?2, \(columns) FROM \(table) WHERE id = ?1"
        ).bind(1, Self.key(source, old)).bind(2, Self.key(target, new)).run()
      }
    }
  }

  func saveUIDLs(_ folder: Int64, _ uidls: [(UInt32, String)]) throws {
    try write {
      for (uid, uidl) in uidls {
        try database.statement("INSERT OR REPLACE INTO message_uidl(id, uidl) VALUES(?1, ?2)")
          .bind(1, Self.key(folder, uid)).bind(2, uidl).run()
      }
    }
  }

  /// UIDLs brought along from another server.
  func uidls(_ folder: Int64) throws -> [UInt32: String] {
    let statement = try database.statement("SELECT id, uidl FROM message_uidl WHERE id BETWEEN ?1 AND ?2")
      .bind(1, folder << 32).bind(2, folder << 32 | 0xffff_ffff)
    defer { statement.reset() }
    var result: [UInt32: String] = [:]
    while try statement.step() { result[UInt32(truncatingIfNeeded: statement.integer(0))] = statement.text(1) }
    return result
  }
}
