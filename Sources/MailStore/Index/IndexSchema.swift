/// The tables of an index and how older ones become what they are now.
extension Index {
  /// What each version adds to the one before; the first makes a new file.
  static let migrations: [String] = [
    """
    CREATE TABLE meta(key TEXT PRIMARY KEY, value INTEGER) WITHOUT ROWID;
    CREATE TABLE folder(
      id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, uid_validity INTEGER NOT NULL,
      uid_next INTEGER NOT NULL, mod_seq INTEGER NOT NULL, recent_from INTEGER NOT NULL,
      expunged_floor INTEGER NOT NULL, keywords TEXT NOT NULL, object_id TEXT NOT NULL,
      new_stamp INTEGER NOT NULL DEFAULT 0, cur_stamp INTEGER NOT NULL DEFAULT 0,
      messages INTEGER NOT NULL DEFAULT 0, unseen INTEGER NOT NULL DEFAULT 0, deleted INTEGER NOT NULL DEFAULT 0,
      wire_bytes INTEGER NOT NULL DEFAULT 0, file_bytes INTEGER NOT NULL DEFAULT 0, recent INTEGER NOT NULL DEFAULT 0);
    CREATE TABLE page(id INTEGER PRIMARY KEY, records BLOB NOT NULL);
    CREATE TABLE expunged(id INTEGER PRIMARY KEY, last INTEGER NOT NULL, mod_seq INTEGER NOT NULL);
    CREATE TABLE message_index(
      id INTEGER PRIMARY KEY, envelope BLOB NOT NULL, body BLOB NOT NULL, structure BLOB NOT NULL);
    CREATE TABLE message_keys(
      id INTEGER PRIMARY KEY, keys BLOB NOT NULL, email_id TEXT, thread_id TEXT, preview TEXT);
    CREATE TABLE message_uidl(id INTEGER PRIMARY KEY, uidl TEXT NOT NULL);
    """,
    // Rows of version 1 have no identifiers and previews; they are computed anew when somebody asks.
    """
    INSERT INTO meta(key, value) VALUES('identity', random());
    """,
    // Keywords of expunged messages, and the UID up to which the backup allows.
    """
    CREATE TABLE kept_keywords(name TEXT PRIMARY KEY, seconds INTEGER NOT NULL, keywords TEXT NOT NULL) WITHOUT ROWID;
    ALTER TABLE folder ADD COLUMN backup_limit INTEGER NOT NULL DEFAULT 0;
    """,
    // The UID up to which a folder's entries were filled in behind the deliveries.
    """
    ALTER TABLE folder ADD COLUMN filled INTEGER NOT NULL DEFAULT 0;
    """,
    // Keys folded by `i;unicode-casemap`; the old ones are computed anew.
    """
    DELETE FROM message_keys;
    UPDATE folder SET filled = 0;
    """,
    // A message's place in POP3's list, where the server it came from had one of its own.
    """
    ALTER TABLE message_uidl ADD COLUMN pop_order INTEGER;
    """,
  ]

  /// Brings a file to the newest version, in one durable step.
  ///
  /// - Returns: whether the file was empty before.
  /// - Throws: `DatabaseError` that is a corruption when the file is of a version this program does not know.
  static func migrate(_ database: Database) throws -> Bool {
    let newest = Int64(migrations.count)
    guard try database.integer("PRAGMA user_version") ?? 0 != newest else { return false }
    return try database.transaction(durable: true) {
      // Another process may have been quicker.
      let version = try database.integer("PRAGMA user_version") ?? 0
      guard (0...newest).contains(version) else {
        throw DatabaseError(code: 26, text: "\(database.path): version \(version) is not ours")
      }
      for step in migrations[Int(clamping: version)...] { try database.execute(step) }
      try database.execute("PRAGMA user_version=\(newest)")
      return version == 0
    }
  }
}
