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

  func saveUIDLs(_ folder: Int64, _ ids: [KeptUniqueID]) throws {
    guard !ids.isEmpty else { return }
    try write {
      for id in ids {
        let statement = try database.statement(
          "INSERT OR REPLACE INTO message_uidl(id, uidl, pop_order) VALUES(?1, ?2, ?3)"
        ).bind(1, Self.key(folder, id.uid)).bind(2, id.text)
        if let order = id.order { statement.bind(3, Int64(order)) }
        try statement.run()
      }
    }
  }

  /// Gives the unique ids brought along from another server, by rising UID.
  func forEachUIDL(_ folder: Int64, _ body: (KeptUniqueID) -> Void) throws {
    let statement = try database.statement(
      "SELECT id, uidl, pop_order FROM message_uidl WHERE id BETWEEN ?1 AND ?2 ORDER BY id"
    ).bind(1, folder << 32).bind(2, folder << 32 | 0xffff_ffff)
    defer { statement.reset() }
    while try statement.step() {
      body(
        KeptUniqueID(
          uid: UInt32(truncatingIfNeeded: statement.integer(0)), text: statement.text(1),
          order: statement.isNull(2) ? nil : UInt32(clamping: statement.integer(2))))
    }
  }
}
