import Glibc

/// A copy of what only the index knows: folders, UIDs, keywords, UIDLs.
///
/// It allows for UIDs that are given after it was made: its folders start at a bound that `reserve` moves on before it
/// passes it. So a UID that was told is never given again from a backup, however old it is.
extension Index {
  /// How far beyond what is reserved the bound lies.
  static let backupSlack: Int64 = 1 << 16

  static func backupPath(_ path: String) -> String { path + ".backup" }

  /// Makes the copy anew and puts it in place, durably.
  func backUp() throws {
    let target = Self.backupPath(path)
    let temporary = target + ".tmp"
    for suffix in ["", "-journal"] { unlink(temporary + suffix) }
    // No UID is reserved while the copy is made and put in place; bounds are entered here only afterwards.
    try write(durable: true) {
      do {
        let copy = try Database(path: temporary, busy: .seconds(1))
        for step in Self.migrations { try copy.execute(step) }
        try copy.execute("PRAGMA user_version=\(Self.migrations.count)")
        try copy.transaction(durable: true) {
          try copyRows(of: "folder", columns: Self.columns, to: copy)
          try copyRows(of: "page", columns: "id, records", to: copy)
          try copyRows(of: "message_uidl", columns: "id, uidl, pop_order", to: copy)
          try copy.execute(
            "UPDATE folder SET uid_next = uid_next + \(Self.backupSlack), new_stamp = 0, cur_stamp = 0, filled = 0")
        }
      }
      try FileSystem.move(temporary, to: target)
      try FileSystem.syncDirectory(Self.directory(target))
      try database.execute("UPDATE folder SET backup_limit = uid_next + \(Self.backupSlack)")
    }
  }

  private func copyRows(of table: String, columns: String, to copy: Database) throws {
    let count = Int32(clamping: columns.split(separator: ",").count)
    let places = (1...max(1, count)).map { "?\($0)" }.joined(separator: ", ")
    let source = try database.statement("SELECT \(columns) FROM \(table)")
    defer { source.reset() }
    while try source.step() {
      let target = try copy.statement("INSERT INTO \(table)(\(columns)) VALUES(\(places))")
      for column in 0..<count { target.bind(column + 1, from: source, column: column) }
      try target.run()
    }
  }

  /// Moves a folder's bound in the backup, before UIDs beyond it are given; drops a backup that cannot be changed.
  func moveBackupBound(_ folder: Int64, reaching end: Int64) throws {
    let bound = end + Self.backupSlack
    try changeBackup {
      try $0.statement("UPDATE folder SET uid_next = ?2 WHERE id = ?1").bind(1, folder).bind(2, bound).run()
    }
    try database.statement("UPDATE folder SET backup_limit = ?2 WHERE id = ?1").bind(1, folder).bind(2, bound).run()
  }

  /// Forgets folders that are renamed or removed: a later one of their name is another folder.
  func forgetBackups(_ folders: [Int64]) throws {
    guard !folders.isEmpty else { return }
    try changeBackup { backup in
      for folder in folders { try backup.statement("DELETE FROM folder WHERE id = ?1").bind(1, folder).run() }
    }
  }

  private func changeBackup(_ body: (Database) throws -> Void) throws {
    let target = Self.backupPath(path)
    guard FileSystem.exists(target) else { return }
    do {
      let backup = try Database(path: target, busy: .seconds(1))
      try backup.transaction(durable: true) { try body(backup) }
    } catch {
      if unlink(target) != 0, errno != ENOENT { throw FileSystem.failure("unlink", target) }
      try FileSystem.syncDirectory(Self.directory(target))
    }
  }

  private static func directory(_ path: String) -> String { path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "." }
}
